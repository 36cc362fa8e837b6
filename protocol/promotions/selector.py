"""Which lines a rule is about: plain JSON, read once, asked once for each item.

    {"gtin": ["05000112637922"]}    {"category": ["food/fruit"]}     a category holds what lies below it
    {"brand": ["Acme"]}             {"tag": ["organic"]}             {"attribute": {"origin": ["es", "it"]}}
    {"and": [...]}  {"or": [...]}   {"not": {...}}                   {} is every line

A selector becomes nested tuples (operator, operand). `keys_of` gives what an index can find it by, in the spelling of
`item_facts.Facts.keys`, with "g:" before a GTIN.
"""

from protocol.errors import PeerError
from protocol.item_rules import is_gtin14
from protocol.plain_text import is_plain
from protocol.promotions.bounds import SELECTOR_DEPTH_MAX, SELECTOR_VALUES_MAX, VALUE_CHARS_MAX

EVERY = ("every", ())
NO_DISCOUNT = "no-discount"  # the tag of what no rule may touch: deposits, bag charges, gift cards
_SIGNS = {"gtin": "g:", "category": "c:", "brand": "b:", "tag": "t:"}


def read_selector(document: object, depth: int = 0) -> tuple[str, object]:
    """Read a selector; PeerError "selector-wrong" says which part is wrong."""
    if not isinstance(document, dict) or len(document) > 1 or depth > SELECTOR_DEPTH_MAX:
        raise _wrong(f"a selector is an object with one operator, at most {SELECTOR_DEPTH_MAX} deep")
    if not document:
        return EVERY
    operator = list(document)[0]  # noqa: RUF015 - next() of a dict is slower there
    operand = document[operator]
    if operator in ("and", "or"):
        if not isinstance(operand, list) or not 1 <= len(operand) <= SELECTOR_VALUES_MAX:
            raise _wrong(operator + " takes a list of selectors")
        return (operator, tuple([read_selector(part, depth + 1) for part in operand]))
    if operator == "not":
        return (operator, read_selector(operand, depth + 1))
    if operator == "attribute":
        return _read_attributes(operand)
    if operator not in _SIGNS:
        raise _wrong("there is no operator of this name")
    values = _texts(operator, operand)
    if operator == "gtin" and not all(is_gtin14(value) for value in values):
        raise _wrong("a gtin has fourteen digits")
    return ("has", tuple([_SIGNS[operator] + value for value in values]))


def matches(selector: tuple[str, object], keys: set[str]) -> bool:
    """Tell whether a line with these keys (its GTIN's and its facts') is meant."""
    operator, operand = selector
    if operator == "has":
        for key in operand:  # type: ignore[attr-defined]  # the operator says what it is
            if key in keys:
                return True
        return False
    if operator == "every":
        return True
    if operator == "not":
        return not matches(operand, keys)  # type: ignore[arg-type]  # as above
    wanted = operator == "or"
    for part in operand:  # type: ignore[attr-defined]  # as above
        if matches(part, keys) == wanted:
            return wanted
    return not wanted


def keys_of(selector: tuple[str, object]) -> list[str] | None:
    """Return keys of which every line that is meant has at least one; None when there is no such list.

    Of parts that must all hold the shortest list is taken.
    """
    operator, operand = selector
    if operator == "has":
        return list(operand)  # type: ignore[call-overload,no-any-return]  # the operator says what it is
    if operator in ("every", "not"):
        return None
    lists = [keys_of(part) for part in operand]  # type: ignore[attr-defined]  # as above
    known = [keys for keys in lists if keys is not None]
    if operator == "or":
        return sorted({key for keys in known for key in keys}) if len(known) == len(lists) else None
    return min(known, key=len) if known else None


def _read_attributes(operand: object) -> tuple[str, object]:
    if not isinstance(operand, dict) or len(operand) != 1:
        raise _wrong("attribute takes one name with a list of values")
    name = list(operand)[0]  # noqa: RUF015 - as above
    if not _is_text(name) or "=" in name:
        raise _wrong("the name of an attribute is a short text without =")
    return ("has", tuple(["a:" + name + "=" + value for value in _texts("attribute", operand[name])]))


def _texts(operator: str, operand: object) -> list[str]:
    if not isinstance(operand, list) or not 1 <= len(operand) <= SELECTOR_VALUES_MAX:
        raise _wrong(f"{operator} takes a list of 1 to {SELECTOR_VALUES_MAX} values")
    if not all(_is_text(value) for value in operand):
        raise _wrong(
            f"{operator} takes texts of 1 to {VALUE_CHARS_MAX} characters without control characters"
        )
    return sorted(set(operand))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= VALUE_CHARS_MAX and is_plain(value)


def _wrong(what: str) -> PeerError:
    return PeerError("selector-wrong", what, "correct the rule and publish the set again")
