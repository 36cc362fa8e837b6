"""What a basket must have for a rule: amounts, counts and weights of lines, and / or / not of these.

    {"quantity": {"lines": SELECTOR, "min": 3}}      {"weight_g": {"lines": SELECTOR, "min": 500}}
    {"amount_minor": {"lines": SELECTOR, "min": 2000, "basis": "left"}}    basis "list" is before other discounts
    {"items": {"lines": SELECTOR, "min": 2}}         so many different items
    {"and": [...]}   {"or": [...]}   {"not": {...}}   {} always

Read into nested tuples; selectors are numbered by the set (`number`), so that each is asked once for each item.
"""

from protocol.errors import PeerError
from protocol.item import is_whole
from protocol.limits import MAX_AMOUNT_MINOR
from protocol.promotions.bounds import CONDITION_PARTS_MAX, SELECTOR_DEPTH_MAX
from protocol.promotions.work import Work

ALWAYS = ("always", ())
LIST, LEFT = "list", "left"
_MEASURES = ("quantity", "weight_g", "amount_minor", "items")


def read_condition(document: object, number, depth: int = 0):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - nested tuples; a callable is no builtin
    """Read a condition; `number` gives a selector's number. PeerError "condition-wrong", "selector-wrong"."""
    if not isinstance(document, dict) or len(document) > 1 or depth > SELECTOR_DEPTH_MAX:
        raise _wrong(f"a condition is an object with one question, at most {SELECTOR_DEPTH_MAX} deep")
    if not document:
        return ALWAYS
    name = list(document)[0]  # noqa: RUF015 - next() of a dict is slower there
    asked = document[name]
    if name in ("and", "or"):
        if not isinstance(asked, list) or not 1 <= len(asked) <= CONDITION_PARTS_MAX:
            raise _wrong(f"{name} takes a list of 1 to {CONDITION_PARTS_MAX} conditions")
        return (name, tuple([read_condition(part, number, depth + 1) for part in asked]))
    if name == "not":
        return (name, read_condition(asked, number, depth + 1))
    if name not in _MEASURES or not isinstance(asked, dict):
        raise _wrong("there is no question of this name")
    fields = ("lines", "min", "basis") if name == "amount_minor" else ("lines", "min")
    if not all(field in fields for field in asked):
        raise _wrong(name + " has other fields than " + ", ".join(fields))
    if not is_whole(asked.get("min"), 1, MAX_AMOUNT_MINOR) or asked.get("basis", LIST) not in (LIST, LEFT):
        raise _wrong(name + " needs min, an integer from 1, and its basis is list or left")
    return (name, (number(asked.get("lines", {})), asked["min"], asked.get("basis", LIST)))


def is_met(condition, work: Work) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001 - nested tuples
    """Tell whether the basket has what is asked for."""
    name, asked = condition
    if name == "always":
        return True
    if name == "not":
        return not is_met(asked, work)
    if name in ("and", "or"):
        is_any: bool = name == "or"
        for part in asked:
            if is_met(part, work) == is_any:
                return is_any
        return not is_any
    selector, least, basis = asked
    return bool(_measure(name, basis, work, work.meets.get(selector, [])) >= least)


def _measure(name: str, basis: str, work: Work, places: list[int]) -> int:
    if name == "quantity":
        return sum([work.units[at] for at in places])
    if name == "weight_g":
        return sum([work.lines[at].weight_g for at in places])
    if name == "items":
        return len({work.lines[at].gtin for at in places})
    amounts = work.amounts if basis == LIST else work.left
    return sum([amounts[at] for at in places])


def needed_selector(condition) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001 - nested tuples
    """Return a selector that some line must meet for the condition to hold; -1 when there is none for sure."""
    name, asked = condition
    if name == "and":
        for part in asked:
            found = needed_selector(part)
            if found >= 0:
                return found
    return asked[0] if name in _MEASURES else -1


def _wrong(what: str) -> PeerError:
    return PeerError("condition-wrong", what, "correct the rule and publish the set again")
