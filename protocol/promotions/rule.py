"""One rule as it is published, read strictly: when, condition, effect, limits, and how it stands beside others.

`RULE_FIELDS` and `EFFECTS` are the whole of what may be said; docs/reference/promotions.md says what each means.
"""

from protocol.errors import PeerError
from protocol.item import is_whole
from protocol.item_rules import is_gtin14, is_level_name
from protocol.limits import MAX_AMOUNT_MINOR, MAX_UNIT_PRICE_MINOR
from protocol.money import MILLION
from protocol.plain_text import is_plain
from protocol.promotions.bounds import (
    COUNT_MAX,
    LADDER_STEPS_MAX,
    NAME_CHARS_MAX,
    PRIORITY_MAX,
    SET_PARTS_MAX,
    TEXT_CHARS_MAX,
)
from protocol.promotions.condition import ALWAYS, needed_selector, read_condition

RULE_FIELDS = ("id", "name", "when", "if", "then", "limits", "priority", "group", "stands_alone")
_NEEDED = ("id", "name", "then")
# The first two hold in every sale; the others need a grant of the cloud, which counts across sales.
_LIMITS = ("amount_minor", "uses", "budget_minor", "uses_campaign", "uses_member", "uses_day")

# Numbers of an effect: name -> (least, most). Selectors and lists are read apart.
_NUMBERS = {
    "ppm": (1, MILLION),
    "amount_minor": (1, MAX_AMOUNT_MINOR),
    "price_minor": (0, MAX_UNIT_PRICE_MINOR),
    "buy": (1, COUNT_MAX),
    "get": (1, COUNT_MAX),
    "count": (1, COUNT_MAX),
    "full_minor": (1, MAX_AMOUNT_MINOR),
    "off_minor": (1, MAX_AMOUNT_MINOR),
    "points": (1, MAX_AMOUNT_MINOR),
    "per_minor": (1, MAX_AMOUNT_MINOR),
}
PICKS = ("all", "cheapest", "dearest", "nth")
# kind of effect -> (fields that it needs, fields that it may have)
EFFECTS = {
    "percent_off": (("ppm",), ("lines", "pick", "count")),
    "amount_off": (("amount_minor",), ("lines", "pick", "count", "is_each")),
    "price": (("price_minor", "lines"), ("pick", "count")),
    "level": (("level",), ("lines",)),
    "buy_get": (("buy", "get", "lines"), ("ppm", "get_lines", "is_by_set")),
    "set": (("parts",), ("price_minor", "ppm", "amount_minor")),
    "ladder": (("steps", "lines"), ()),
    "every_full": (("full_minor", "off_minor"), ("lines",)),
    "gift": (("gtin",), ("count",)),
    "points_earned": (("points",), ("per_minor", "lines")),
    "points_spent": (("points", "off_minor"), ("lines",)),
    "coupon_issued": (("coupon",), ()),
}
_FLAGS = ("is_each", "is_by_set")
# Effects that take one amount off all lines that they mean, unless they pick some of them.
WHOLE = ("percent_off", "amount_off", "every_full", "points_spent")
NO_LIMITS = (0, 0, False)
REWARDS = ("points_earned", "coupon_issued")


class Rule:
    """One rule. `effect` holds plain numbers and, for its selectors, their numbers in the set.

    `limits` are the most minor units and uses of one sale, 0 for no limit, and whether it needs a grant. A set keeps
    the priority in its order only: ten attributes are what a small machine has room for.
    """

    __slots__ = (
        "condition",
        "effect",
        "group",
        "id",
        "is_whole",
        "kind",
        "limits",
        "name",
        "stands_alone",
        "when",
    )

    def __init__(self, document: object, number) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a callable is no builtin
        """Read a rule; `number` gives a selector its number. PeerError "rule-wrong" and those of its parts."""
        if not isinstance(document, dict) or not all(name in RULE_FIELDS for name in document):
            raise _wrong("?", "a rule has other fields than " + ", ".join(RULE_FIELDS))
        for name in _NEEDED:
            if name not in document:
                raise _wrong("?", "a rule has no " + name)
        self.id = _text("?", "id", document["id"], TEXT_CHARS_MAX)
        self.name = _text(self.id, "name", document["name"], NAME_CHARS_MAX)
        if not is_whole(document.get("priority", 0), 0, PRIORITY_MAX):
            raise _wrong(self.id, f"a priority is 0 to {PRIORITY_MAX}")
        group = document.get("group", "")
        self.group = _text(self.id, "group", group, TEXT_CHARS_MAX) if group != "" else ""
        self.stands_alone = document.get("stands_alone", False)
        if self.stands_alone is not True and self.stands_alone is not False:
            raise _wrong(self.id, "stands_alone is true or false")
        try:
            self.when = number.when(document.get("when", {}))
            self.condition = read_condition(document.get("if", {}), number)
            self.limits = _read_limits(self.id, document.get("limits", {}))
            self.kind, self.effect = _read_effect(self.id, document["then"], number)
        except PeerError as wrong:
            if wrong.code == "rule-wrong":
                raise
            raise PeerError(wrong.code, "rule " + self.id + ": " + wrong.what, wrong.action) from wrong
        picks = self.effect.get("pick", "all") != "all" or self.effect.get("is_each", False)
        self.is_whole = self.kind in WHOLE and not picks

    def trigger(self, every: int) -> int:
        """Return a selector that some line must meet for the rule to do anything; -1 when it may do without lines.

        Of those that must be met the narrowest kind is chosen; `every` is the selector that means every line.
        """
        if self.kind == "coupon_issued":
            lines = -1
        elif self.kind == "set":
            lines = self.effect["parts"][0][0]  # type: ignore[index]  # read as a list of pairs
        else:
            lines = self.effect["lines"]  # type: ignore[assignment]  # a number, once read
        if self.condition is not ALWAYS and lines in (-1, every):
            asked = needed_selector(self.condition)
            return asked if asked >= 0 else lines
        return lines


def _read_limits(rule: str, limits: object) -> tuple[int, int, bool]:
    if not isinstance(limits, dict) or not all(name in _LIMITS for name in limits):
        raise _wrong(rule, "limits are " + ", ".join(_LIMITS))
    if not all(is_whole(limits[name], 1, MAX_AMOUNT_MINOR) for name in limits):
        raise _wrong(rule, "a limit is an integer from 1")
    needs_grant = any(name in limits for name in _LIMITS[2:])
    return (limits.get("amount_minor", 0), limits.get("uses", 0), needs_grant) if limits else NO_LIMITS


def _read_effect(rule: str, then: object, number) -> tuple[str, dict[str, object]]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if not isinstance(then, dict) or len(then) != 1:
        raise _wrong(rule, "then names one effect")
    kind = list(then)[0]  # noqa: RUF015 - next() of a dict is slower there
    told = then[kind]
    if kind not in EFFECTS or not isinstance(told, dict):
        raise _wrong(rule, "there is no effect of this name")
    needed, possible = EFFECTS[kind]
    if not all(name in told for name in needed):
        raise _wrong(rule, kind + " needs " + ", ".join(needed))
    if not all(name in needed or name in possible for name in told):
        raise _wrong(rule, kind + " does not take more than " + ", ".join(needed + possible))
    effect = {name: _read_part(rule, kind, name, told[name], number) for name in sorted(told)}
    if kind == "set" and len(effect) != 2:
        raise _wrong(rule, "a set has parts and one of price_minor, ppm and amount_minor")
    if kind == "gift":
        effect["lines"] = effect.pop("gtin")
    elif ("count" in effect) != (effect.get("pick", "all") != "all"):
        raise _wrong(rule, "count goes with a pick other than all")
    if "lines" not in effect and kind not in ("set", "coupon_issued"):
        effect["lines"] = number({})
    return kind, effect


def _read_part(rule: str, kind: str, name: str, value: object, number) -> object:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if not is_whole(value, least, most):
            raise _wrong(rule, f"{name} is an integer from {least} to {most}")
        return value
    if name in ("lines", "get_lines"):
        return number(value)
    if name == "parts":
        return _read_parts(rule, value, number)
    if name == "steps":
        return _read_steps(rule, value)
    if name in ("coupon", "gtin"):
        text = _text(rule, name, value, TEXT_CHARS_MAX)
        if name == "gtin" and not is_gtin14(text):
            raise _wrong(rule, "a gtin has fourteen digits")
        return text if name == "coupon" else number({"gtin": [text]})
    is_right = _is_word(name, value)
    if not is_right:
        raise _wrong(rule, f"{kind} has a wrong {name}")
    return value


def _is_word(name: str, value: object) -> bool:
    if name == "pick":
        return value in PICKS
    if name == "level":
        return is_level_name(value)
    return name in _FLAGS and (value is True or value is False)


def _read_parts(rule: str, value: object, number) -> list[tuple[int, int]]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if not isinstance(value, list) or not 1 <= len(value) <= SET_PARTS_MAX:
        raise _wrong(rule, f"a set has 1 to {SET_PARTS_MAX} parts")
    parts = []
    for part in value:
        is_part = isinstance(part, dict) and sorted(part) == ["count", "lines"]
        if not is_part or not is_whole(part["count"], 1, COUNT_MAX):
            raise _wrong(rule, "a part of a set has lines and a count")
        parts.append((number(part["lines"]), part["count"]))
    return parts


def _read_steps(rule: str, value: object) -> list[tuple[int, int]]:
    if not isinstance(value, list) or not 1 <= len(value) <= LADDER_STEPS_MAX:
        raise _wrong(rule, f"a ladder has 1 to {LADDER_STEPS_MAX} steps")
    steps = []
    for step in value:
        is_step = isinstance(step, list) and len(step) == 2 and is_whole(step[0], 1, COUNT_MAX)
        if not is_step or not is_whole(step[1], 0, MAX_AMOUNT_MINOR):
            raise _wrong(rule, "a step is [count, minor]")
        steps.append((step[0], step[1]))
    if len({count for count, _ in steps}) != len(steps):
        raise _wrong(rule, "two steps have the same count")
    return sorted(steps)


def _text(rule: str, name: str, value: object, most: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= most or not is_plain(value):
        raise _wrong(rule, f"{name} is a text of 1 to {most} characters without control characters")
    return value


def _wrong(rule: str, what: str) -> PeerError:
    return PeerError("rule-wrong", "rule " + rule + ": " + what, "correct the rule and publish the set again")
