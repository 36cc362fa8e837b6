"""In which sales a rule holds: time, place, shopper, coupon, tender. No basket is looked at here.

Times are the shop's own, as texts that sort as they follow each other ("2026-11-22T09:30"); a rule of a chain with
shops in two time zones so begins in each at its own nine o'clock.
"""

from protocol.errors import PeerError
from protocol.promotions.bounds import SELECTOR_VALUES_MAX
from protocol.promotions.occasion import Occasion, is_hour, is_text, is_time

_LISTS = ("stores", "store_groups", "tiers", "coupons", "tenders")
_FIELDS = (
    "from",
    "until",
    "weekdays",
    "hours",
    "first_purchase",
    "stores",
    "store_groups",
    "tiers",
    "coupons",
    "tenders",
)
_WEEK = (1, 2, 3, 4, 5, 6, 7)
ALWAYS = ()


def read_when(document: object) -> tuple[tuple[str, object], ...]:
    """Read the questions of a rule; what is not named does not matter. PeerError "when-wrong"."""
    if not isinstance(document, dict) or not all(name in _FIELDS for name in document):
        raise _wrong("when has other fields than " + ", ".join(_FIELDS))
    if not document:
        return ALWAYS
    return tuple([(name, _read(name, document[name])) for name in _FIELDS if name in document])


def holds(asks, occasion: Occasion) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001, C901 - a table of questions
    """Tell whether a rule with these questions holds in this sale."""
    for name, wanted in asks:
        if name == "from":
            is_so = occasion.at >= wanted
        elif name == "until":
            is_so = occasion.at < wanted
        elif name == "weekdays":
            is_so = occasion.weekday in wanted
        elif name == "hours":
            minute = occasion.at[11:]
            is_so = any(begin <= minute < end for begin, end in wanted)
        elif name == "first_purchase":
            is_so = occasion.is_first_purchase == wanted
        elif name == "stores":
            is_so = occasion.store in wanted
        elif name == "tiers":
            is_so = occasion.tier in wanted
        elif name == "tenders":
            is_so = occasion.tender in wanted
        else:
            present = occasion.coupons if name == "coupons" else occasion.store_groups
            is_so = any(one in wanted for one in present)
        if not is_so:
            return False
    return True


def coupons_of(asks) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - nested tuples
    """Return the coupons of which one must be presented; none when no coupon is asked for."""
    for name, wanted in asks:
        if name == "coupons":
            return list(wanted)
    return []


def _read(name: str, value: object) -> object:
    if name in ("from", "until"):
        if not is_time(value):
            raise _wrong(name + ' is a local time such as "2026-11-22T09:30"')
        return value
    if name == "first_purchase":
        if value is not True and value is not False:
            raise _wrong("first_purchase is true or false")
        return value
    if not isinstance(value, list) or not 1 <= len(value) <= SELECTOR_VALUES_MAX:
        raise _wrong(name + " is a list")
    if name == "weekdays":
        if not all(type(day) is int and day in _WEEK for day in value):
            raise _wrong("weekdays are numbers from 1, Monday, to 7")
        return tuple(value)
    if name == "hours":
        return tuple([_read_span(span) for span in value])
    if not all(is_text(one, 1) for one in value):
        raise _wrong(name + " is a list of short texts")
    return tuple(value)


def _read_span(span: object) -> tuple[str, str]:
    if not isinstance(span, list) or len(span) != 2 or not all(is_hour(end) for end in span):
        raise _wrong('hours are pairs such as ["08:00", "12:00"]')
    if span[0] >= span[1]:
        raise _wrong("hours begin before they end; past midnight takes two pairs")
    return span[0], span[1]


def _wrong(what: str) -> PeerError:
    return PeerError("when-wrong", what, "correct the rule and publish the set again")
