"""What a store may set about its boxes: every setting, its bounds, and what is wrong with a document of settings.

The cloud looks before it signs, the box before it uses; both ask here. The box's own `Settings`, with their defaults,
are in `edge`; docs/reference/configuration.md has them all as a table.
"""

from protocol.errors import ConfigError, PeerError
from protocol.item import is_whole
from protocol.plain_text import is_plain
from protocol.pricing.tax import read_tax_table
from protocol.screen import screen_fault
from protocol.template.template import read_template

LANGUAGES = ("en", "zh")
METHODS = ("card", "cash")
MINUTES_A_DAY = 24 * 60

# Bounds of numeric settings: (least, most). The reason is the person who waits.
BOUNDS = {
    "inactivity_ms": (10_000, 600_000),  # a reading pause; ten minutes block a lane
    "more_time_ms": (5_000, 120_000),  # long enough to touch the screen
    "thanks_ms": (1_000, 60_000),  # the next shopper waits behind this page
    "pay_budget_ms": (1_000, 120_000),  # a cardholder typing a PIN needs up to a minute
    "query_interval_ms": (200, 30_000),  # gentle on the channel, still felt as an answer
    "unknown_patience_ms": (1_000, 600_000),  # after this the money is asked back
    "closing_time_min": (0, MINUTES_A_DAY - 1),  # minutes after local midnight when the business day turns
    "age_check_years": (0, 25),  # 0 turns the check off
}
MAX_TEXT_CHARS = 64  # a line of a receipt has 48 columns
MAX_PIN_CHARS = 200  # salt, rounds and hash of a PIN, in hexadecimal
MAX_STAFF_ID_CHARS = 32  # it stands in every record of an act
MAX_LINES = 8  # above and below a receipt; more is an advertisement
MAX_STAFF = 200  # of one store
MAX_OFFSETS = 200  # a century of summer times
MAX_OFFSET_MIN = 14 * 60  # the farthest from Greenwich
MAX_OFFSET_MS = 9007199254740992  # 2**53: what every reader of JSON takes as a whole number

# The tax table of a box that was told none.
DEFAULT_TAXES = {"v": 1, "mode": "included", "rounding": "line", "rates": {"A": 200_000, "Z": 0}}


def settings_faults(document: object) -> list[str]:
    """Everything that is wrong with a document of settings, as `name: what`; none means that a box takes it.

    >>> settings_faults({"thanks_ms": 0, "tea": 1})
    ['tea: unknown setting', 'thanks_ms: must be a whole number from 1000 to 60000']
    """
    if type(document) is not dict:
        return ["the settings are no JSON object"]
    faults = [name + ": unknown setting" for name in sorted(document) if name not in SETTINGS]
    for name in sorted(document):
        if name in SETTINGS:
            fault = _fault_of(name, document[name])
            if fault:
                faults.append(name + ": " + fault)
    return faults


def _fault_of(name: str, value: object) -> str:
    if name in BOUNDS:
        least, most = BOUNDS[name]
        return "" if is_whole(value, least, most) else f"must be a whole number from {least} to {most}"
    return str(_OTHERS[name](value))


def _text(value: object, most: int = MAX_TEXT_CHARS) -> str:
    is_good = type(value) is str and 0 < len(value) <= most and is_plain(value)
    return "" if is_good else f"must be a printable text of 1 to {most} characters"


def _texts(value: object) -> str:
    if type(value) is not list or len(value) > MAX_LINES:
        return _too_many(MAX_LINES)
    return _first(_text(entry) for entry in value)


def _choices(value: object, allowed: tuple[str, ...]) -> str:
    if type(value) is list and value:
        is_each_known = all(type(entry) is str and entry in allowed for entry in value)
        if is_each_known and len(set(value)) == len(value):
            return ""
    return "must name one or more of " + ", ".join(allowed) + ", each once"


def _staff(value: object) -> str:
    if type(value) is not list or len(value) > MAX_STAFF:
        return _too_many(MAX_STAFF)
    fault = _first(_member(entry) for entry in value)
    if fault:
        return fault
    return "" if len({entry["id"] for entry in value}) == len(value) else "two members share an id"


def _member(entry: object) -> str:
    if type(entry) is not dict or sorted(entry) != ["id", "name", "pin"]:
        return "each member has exactly id, name and pin"
    fault = (
        _text(entry["id"], MAX_STAFF_ID_CHARS) or _text(entry["name"]) or _text(entry["pin"], MAX_PIN_CHARS)
    )
    if not fault and len(entry["id"].encode()) != len(entry["id"]):
        fault = "an id has printable ASCII characters only: every act is recorded with it"
    return fault


def _offsets(value: object) -> str:
    if type(value) is not list or len(value) > MAX_OFFSETS:
        return _too_many(MAX_OFFSETS)
    for entry in value:
        if type(entry) is not list or len(entry) != 2:
            return "each entry is [from_utc_ms, offset_min]"
        if not is_whole(entry[0], 0, MAX_OFFSET_MS):
            return f"must be a whole number from 0 to {MAX_OFFSET_MS}"
        if not is_whole(entry[1], -MAX_OFFSET_MIN, MAX_OFFSET_MIN):
            return f"must be a whole number from {-MAX_OFFSET_MIN} to {MAX_OFFSET_MIN}"
    return "" if value and value == sorted(value) else "must hold at least one entry, in rising order"


def _taxes(value: object) -> str:
    try:
        read_tax_table(value)
    except PeerError as fault:
        return str(fault)
    return ""


def _template(value: object) -> str:
    try:
        read_template(value)
    except ConfigError as fault:
        return str(fault)
    return ""


def _first(faults) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Iterator is not a builtin
    for fault in faults:
        if fault:
            return str(fault)
    return ""


def _too_many(most: int) -> str:
    return f"must be a list of at most {most} entries"


_OTHERS = {
    "store_name": _text,
    "store_lines": _texts,
    "receipt_footer": _texts,
    "languages": lambda value: _choices(value, LANGUAGES),
    "methods": lambda value: _choices(value, METHODS),
    "utc_offsets": _offsets,
    "staff": _staff,
    "taxes": _taxes,
    "receipt_template": _template,
    "screen": screen_fault,
}
SETTINGS = tuple(sorted(list(BOUNDS) + list(_OTHERS)))
