"""All rules of a shop at one moment: read, checked, hashed, and indexed by what can make them matter.

A basket never sees most rules: each item is looked up once by its keys (and remembered by GTIN), and only rules that
meet a line of the basket, or one of its coupons, or that ask for neither, are looked at.
"""

import hashlib

from protocol.errors import PeerError
from protocol.facts import Facts
from protocol.item import is_whole
from protocol.item_facts import answers_of
from protocol.limits import MAX_INTEGER
from protocol.money import exponent
from protocol.promotions.bounds import GROUP_RULES_MAX, RULES_MAX, SET_BYTES_MAX
from protocol.promotions.rule import Rule
from protocol.promotions.selector import EVERY, NO_DISCOUNT, keys_of, matches, read_selector
from protocol.promotions.when import coupons_of, read_when
from protocol.strict_json import dumps, loads

VERSION = 1
ITEMS_KEPT = 1024  # GTINs whose selectors are remembered, 150 KB; more than a till sells in an hour
_FIELDS = ("v", "currency", "number", "one_of", "rules")


class PromotionSet:
    """`rules` stand in the order in which they are applied: by priority, then id. `hash` is that of `document`.

    `one_of` names groups of which a sale gets one rule; of other groups each piece of goods gets one rule. PeerError
    "promotion-set-wrong", "currency-unknown", "rule-wrong", "selector-wrong", "condition-wrong", "when-wrong".
    """

    __slots__ = (
        "_anywhere",
        "_by_key",
        "_selectors",
        "always",
        "by_coupon",
        "by_selector",
        "currency",
        "hash",
        "known",
        "number",
        "one_of",
        "rules",
    )

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not all(name in _FIELDS for name in document):
            raise _wrong("it has other fields than " + ", ".join(_FIELDS))
        if document.get("v") != VERSION or type(document["v"]) is not int:
            raise _wrong("it is not a set of version 1")
        if not is_whole(document.get("number"), 1, MAX_INTEGER):
            raise _wrong("its number is an integer from 1")
        exponent(document.get("currency"))  # type: ignore[arg-type]  # it checks what it gets
        told, one_of = document.get("rules"), document.get("one_of", [])
        if not isinstance(told, list) or len(told) > RULES_MAX:
            raise _wrong(f"rules are a list of at most {RULES_MAX}")
        self.currency = document["currency"]
        self.number = document["number"]
        self.hash = hashlib.sha256(dumps(document)).digest()
        self._selectors: list[tuple[str, object]] = []
        number = _Numbers(self._selectors)
        read = [(Rule(rule, number), rule.get("priority", 0)) for rule in told]
        self.rules = [rule for rule, _ in sorted(read, key=lambda pair: (pair[1], pair[0].id))]
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise _wrong("two rules have the same id")
        groups: dict[str, int] = {}
        for rule in self.rules:
            groups[rule.group] = groups.get(rule.group, 0) + 1
        if any(groups[name] > GROUP_RULES_MAX for name in groups if name):
            raise _wrong(f"more than {GROUP_RULES_MAX} rules are in one group")
        if not isinstance(one_of, list) or not all(isinstance(one, str) and one in groups for one in one_of):
            raise _wrong("one_of is a list of groups that rules are in")
        self.one_of = tuple(one_of)
        self._index()

    def _index(self) -> None:
        self.known: dict[str, tuple[Facts, tuple[int, ...]]] = {}
        self._anywhere: list[int] = []
        self._by_key: dict[str, int | list[int]] = {}
        for selector, read in enumerate(self._selectors):
            keys = keys_of(read)
            if keys is None:
                self._anywhere.append(selector)
            for key in keys or ():
                _add(self._by_key, key, selector)
        self.always: list[int] = []
        self.by_coupon: dict[str, int | list[int]] = {}
        self.by_selector: dict[int, int | list[int]] = {}
        every = self._selectors.index(EVERY) if EVERY in self._selectors else -2
        for place, rule in enumerate(self.rules):
            coupons = coupons_of(rule.when)
            for coupon in coupons:
                _add(self.by_coupon, coupon, place)
            if not coupons:
                trigger = rule.trigger(every)
                if trigger < 0:
                    self.always.append(place)
                else:
                    _add(self.by_selector, trigger, place)

    def look_up(self, gtin: str, facts: Facts) -> tuple[int, ...]:
        """Return the numbers of the selectors that mean an item, none for what no rule may touch, and remember them.

        `known` holds what was remembered, with the facts it was found for.
        """
        found: tuple[int, ...] = ()
        if NO_DISCOUNT not in facts.tags:
            keys = set(answers_of(facts))
            keys.add("g:" + gtin)
            near = set(self._anywhere)
            for key in keys:
                near.update(places_at(self._by_key, key))
            found = tuple(sorted([one for one in near if matches(self._selectors[one], keys)]))
        if len(self.known) >= ITEMS_KEPT:
            self.known.clear()
        self.known[gtin] = (facts, found)
        return found


class _Numbers:
    """Gives selectors their numbers, equal ones the same; and one object to all questions of `when` that are equal."""

    __slots__ = ("_numbers", "_selectors", "_whens")

    def __init__(self, selectors: list[tuple[str, object]]) -> None:
        self._selectors = selectors
        self._numbers: dict[bytes, int] = {}
        self._whens: dict[bytes, tuple[tuple[str, object], ...]] = {}

    def __call__(self, selector: object) -> int:
        name = dumps(selector)
        if name not in self._numbers:
            self._numbers[name] = len(self._selectors)
            self._selectors.append(read_selector(selector))
        return self._numbers[name]

    def when(self, document: object) -> tuple[tuple[str, object], ...]:
        """Return the questions of a rule; PeerError "when-wrong"."""
        name = dumps(document)
        if name not in self._whens:
            self._whens[name] = read_when(document)
        return self._whens[name]


def places_at(index, key) -> list[int]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - an index by texts or numbers
    """Return what stands under a key: one number is kept bare, since a list of one costs a small machine 32 bytes."""
    found = index.get(key, ())
    return [found] if type(found) is int else found


def _add(index, key, place: int) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    if key not in index:
        index[key] = place
    elif type(index[key]) is int:
        index[key] = [index[key], place]
    else:
        index[key].append(place)


def read_promotion_set(document: bytes) -> PromotionSet:
    """Read the bytes of a published set; PeerError as for PromotionSet, and json-* of `strict_json.loads`."""
    return PromotionSet(loads(document, SET_BYTES_MAX))


def _wrong(what: str) -> PeerError:
    return PeerError("promotion-set-wrong", what, "correct the set and publish it again")
