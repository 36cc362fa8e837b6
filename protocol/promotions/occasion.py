"""One sale as far as prices depend on it: when, where, who, with which coupons.

A sale records it, so that the cloud can price again from exactly the same.
"""

from protocol.errors import PeerError
from protocol.item import is_whole
from protocol.item_rules import is_level_name
from protocol.limits import MAX_AMOUNT_MINOR, MAX_BASKET_LINES, MAX_UNIT_PRICE_MINOR
from protocol.plain_text import is_plain
from protocol.promotions.bounds import COUPONS_MAX, GRANTS_MAX, TEXT_CHARS_MAX

_TEXTS = ("store", "tier", "tender")
_LISTS = ("store_groups", "coupons")
_FIELDS = (
    "at",
    "coupons",
    "first_purchase",
    "grants",
    "level",
    "overrides",
    "points",
    "store",
    "store_groups",
    "tender",
    "tier",
)
# Days before each month, for the weekday of a date.
_BEFORE = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)


class Occasion:
    """What rules may ask about a sale; PeerError "occasion-wrong".

    The document is a JSON object. `at` is the shop's local time, "2026-11-22T09:30"; all else may be missing: `store`,
    `store_groups`, `tier` of the member, price `level`, `coupons` (codes, and "batch:NAME" for one of a batch),
    `tender` ("" until one is chosen), `first_purchase`, `points` that the member wants to spend, `grants`
    {rule id: [uses, minor]} of the cloud for rules with budgets, `overrides` {line: [unit price, reason]} that a person
    with the right gave.
    """

    __slots__ = (
        "at",
        "coupons",
        "grants",
        "is_first_purchase",
        "level",
        "overrides",
        "points",
        "store",
        "store_groups",
        "tender",
        "tier",
        "weekday",
    )

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not all(name in _FIELDS for name in document):
            raise _wrong("it has other fields than " + ", ".join(_FIELDS))
        at = document.get("at", "")
        if not is_time(at):
            raise _wrong('at is a local time such as "2026-11-22T09:30"')
        self.at: str = at
        self.weekday = weekday_of(self.at)
        for name in _TEXTS:
            if not is_text(document.get(name, ""), 0):
                raise _wrong(name + " is a short text")
        for name in _LISTS:
            listed = document.get(name, [])
            if (
                not isinstance(listed, list)
                or len(listed) > COUPONS_MAX
                or not all(is_text(one, 1) for one in listed)
            ):
                raise _wrong(f"{name} is a list of at most {COUPONS_MAX} short texts")
        self.store = document.get("store", "")
        self.store_groups = document.get("store_groups", [])
        self.tier = document.get("tier", "")
        self.tender = document.get("tender", "")
        self.coupons = document.get("coupons", [])
        self.level = document.get("level", "")
        if self.level != "" and not is_level_name(self.level):
            raise _wrong("level is the name of a price level")
        self.is_first_purchase = document.get("first_purchase", False)
        if self.is_first_purchase is not True and self.is_first_purchase is not False:
            raise _wrong("first_purchase is true or false")
        self.points = document.get("points", 0)
        if not is_whole(self.points, 0, MAX_AMOUNT_MINOR):
            raise _wrong("points are an integer from 0")
        self.grants = _read_grants(document.get("grants", {}))
        self.overrides = _read_overrides(document.get("overrides", {}))

    def document(self) -> dict[str, object]:
        """Return the occasion as JSON values, without what is empty; two that are alike give the same."""
        told: dict[str, object] = {
            "at": self.at,
            "store": self.store,
            "tier": self.tier,
            "tender": self.tender,
            "level": self.level,
            "store_groups": sorted(self.store_groups),
            "coupons": sorted(self.coupons),
            "first_purchase": self.is_first_purchase,
            "points": self.points,
            "grants": {rule: list(self.grants[rule]) for rule in self.grants},
            "overrides": {str(line): list(self.overrides[line]) for line in self.overrides},
        }
        return {name: told[name] for name in told if told[name]}


def weekday_of(at: str) -> int:
    """Return the day of the week of "YYYY-MM-DD...", 1 (Monday) to 7.

    >>> weekday_of("2026-11-22")
    7
    """
    year, month, day = int(at[:4]), int(at[5:7]), int(at[8:10])
    year -= month < 3
    return (year + year // 4 - year // 100 + year // 400 + _BEFORE[month - 1] + day + 6) % 7 + 1


def is_time(value: object) -> bool:
    """Tell whether `value` is a local time "YYYY-MM-DDTHH:MM"."""
    if not isinstance(value, str) or len(value) != 16 or value[4] + value[7] + value[10] != "--T":
        return False
    if not all("0" <= one <= "9" for one in value[:4] + value[5:7] + value[8:10]):
        return False
    is_day = "01" <= value[5:7] <= "12" and "01" <= value[8:10] <= "31"
    return is_day and is_hour(value[11:]) and value[11:] != "24:00"


def is_hour(value: object) -> bool:
    """Tell whether `value` is a time of day "HH:MM", to "24:00"."""
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":":
        return False
    if not all("0" <= one <= "9" for one in value[:2] + value[3:]):
        return False
    return value <= "24:00" and value[3:] <= "59"


def is_text(value: object, least: int) -> bool:
    """Tell whether `value` is a text of `least` to 64 characters that may be shown."""
    return isinstance(value, str) and least <= len(value) <= TEXT_CHARS_MAX and is_plain(value)


def _read_grants(grants: object) -> dict[str, tuple[int, int]]:
    if not isinstance(grants, dict) or len(grants) > GRANTS_MAX:
        raise _wrong(f"grants are at most {GRANTS_MAX} pairs under ids of rules")
    read = {}
    for rule in sorted(grants):
        pair = grants[rule]
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(is_whole(one, 0, MAX_AMOUNT_MINOR) for one in pair)
        ):
            raise _wrong("a grant is [uses, minor]")
        read[rule] = (pair[0], pair[1])
    return read


def _read_overrides(overrides: object) -> dict[int, tuple[int, str]]:
    if not isinstance(overrides, dict) or len(overrides) > MAX_BASKET_LINES:
        raise _wrong("overrides are pairs under numbers of lines")
    read = {}
    for line in sorted(overrides):
        pair = overrides[line]
        is_number = isinstance(line, str) and 1 <= len(line) <= 4 and not line.strip("0123456789")
        if not is_number or not isinstance(pair, list) or len(pair) != 2 or not is_text(pair[1], 1):
            raise _wrong("an override is [unit price, reason]")
        if not is_whole(pair[0], 0, MAX_UNIT_PRICE_MINOR):
            raise _wrong("the price of an override is an integer from 0")
        read[int(line)] = (pair[0], pair[1])
    return read


def _wrong(what: str) -> PeerError:
    return PeerError("occasion-wrong", what, "correct what the sale is priced from")
