"""What the catalogue service decides: which price holds where and when, what changed, what looks doubtful. Pure.

Of the prices of an item, those of the store go before those of every store, and of these the one that began last
holds. A price whose end is past is none any more: the one before it holds again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from protocol.facts import NO_FACTS
from protocol.item import Item
from protocol.item_facts import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from protocol.catalogue import Catalogue
    from protocol.facts import Facts

HUGE_DROP_PER_CENT = 90  # a price that falls by more is a slip of the finger more often than a bargain
FIRST_DELAY_MS = 30_000  # an announcement that nobody answers is repeated; an answer takes a second
LONGEST_DELAY_MS = 3_600_000  # a box away for days costs one message an hour; the retained one waits anyway

# state x answer -> state; a box answers again whenever it hears again, also late.
_OPEN = ("sent", "delayed", "taken")


class ItemRow(NamedTuple):
    """An item without its prices."""

    gtin: str
    name: str
    tax_class: str
    kind: str
    age_min: int
    facts: str


class PriceRow(NamedTuple):
    """One price of one item: for a store or all, at a level, for a time."""

    gtin: str
    store: str
    level: str
    from_ms: int
    until_ms: int
    price_minor: int

    def holds(self, now_ms: int) -> bool:
        """Whether it holds at an instant, if nothing goes before it."""
        return self.from_ms <= now_ms and (not self.until_ms or now_ms < self.until_ms)

    @property
    def rank(self) -> tuple[bool, int]:
        """What goes before what."""
        return bool(self.store), self.from_ms


class RuleRow(NamedTuple):
    """Which tax table or promotion set holds for a store, or all, from an instant on."""

    store: str
    part: str
    from_ms: int
    digest: str
    document: bytes


@dataclass(slots=True)
class Assortment:
    """What one store sells: items by key, and their prices at every instant."""

    items: dict[str, ItemRow]
    prices: dict[str, list[PriceRow]]
    _facts: dict[str, Facts] = field(default_factory=dict)

    @staticmethod
    def of(items: Iterable[ItemRow], prices: Iterable[PriceRow]) -> Assortment:
        """Put rows together."""
        by_item: dict[str, list[PriceRow]] = defaultdict(list)
        for price in prices:
            by_item[price.gtin].append(price)
        return Assortment({item.gtin: item for item in items}, by_item)

    def item(self, gtin: str, now_ms: int) -> Item | None:
        """An item as it is sold at an instant; None where it has no list price then."""
        row = self.items.get(gtin)
        if row is None:
            return None
        prices = self.prices.get(gtin, ())
        if (
            len(prices) == 1 and not prices[0].level and prices[0].holds(now_ms)
        ):  # most items: nothing to choose
            return self._made(row, prices[0].price_minor, ())
        best: dict[str, PriceRow] = {}
        for price in prices:
            if price.holds(now_ms) and (price.level not in best or price.rank > best[price.level].rank):
                best[price.level] = price
        listed = best.pop("", None)
        if listed is None:
            return None
        levels = tuple((name, best[name].price_minor) for name in sorted(best))
        return self._made(row, listed.price_minor, levels)

    def sold(self, now_ms: int) -> Iterator[Item]:
        """Everything that is sold at an instant."""
        for gtin in self.items:
            found = self.item(gtin, now_ms)
            if found is not None:
                yield found

    def without_price(self, now_ms: int) -> list[str]:
        """Items that are meant to be sold and have no price then."""
        return [gtin for gtin in self.items if self.item(gtin, now_ms) is None]

    def changing(self, since_ms: int, now_ms: int) -> set[str]:
        """Items of which a price begins or ends after one instant and until another."""
        return {
            gtin
            for gtin, prices in self.prices.items()
            for price in prices
            if since_ms < price.from_ms <= now_ms or since_ms < price.until_ms <= now_ms
        }

    def _made(self, row: ItemRow, price_minor: int, levels: tuple[tuple[str, int], ...]) -> Item:
        facts = self._shared(row.facts)
        return Item(row.gtin, row.name, price_minor, row.tax_class, row.kind, row.age_min, facts, levels)

    def _shared(self, text: str) -> Facts:
        """The facts of a text, one object for all items that agree in them."""
        found = self._facts.get(text)
        if found is None:
            found = self._facts[text] = read_facts(text) if text else NO_FACTS
        return found


def instants(
    assortment: Assortment, rules: Iterable[RuleRow], now_ms: int, horizon_ms: int, most: int
) -> list[int]:
    """The instants after now, until the horizon, at which something changes; the first `most` of them."""
    found = {rule.from_ms for rule in rules}
    for prices in assortment.prices.values():
        for price in prices:
            found.add(price.from_ms)
            found.add(price.until_ms)
    return sorted(at for at in found if now_ms < at <= now_ms + horizon_ms)[:most]


def rule_in_force(rules: Iterable[RuleRow], part: str, now_ms: int) -> RuleRow | None:
    """The tax table or promotion set that holds at an instant; None for none."""
    found = [rule for rule in rules if rule.part == part and rule.from_ms <= now_ms]
    best = max(found, key=lambda rule: (bool(rule.store), rule.from_ms), default=None)
    return best if best is not None and best.digest else None


def changes(assortment: Assortment, image: Catalogue, now_ms: int) -> dict[str, Item | None]:
    """What differs between an image and what is sold at an instant: the item, or None for one that is not."""
    found: dict[str, Item | None] = {}
    known = set()
    for place in range(image.count):
        before = image.item_at(place)
        known.add(before.gtin)
        after = assortment.item(before.gtin, now_ms)
        if after != before:
            found[before.gtin] = after
    found |= {item.gtin: item for item in assortment.sold(now_ms) if item.gtin not in known}
    return found


def doubts(items: Iterable[Item], before: Catalogue | None) -> list[str]:
    """Which prices a second person should look at: those of 0, and those far below what was published before."""
    pairs: Any = before.unit_prices() if before is not None else ()
    old_prices: dict[int, int] = dict(pairs)
    found = []
    for item in items:
        if not item.unit_price_minor:
            found.append(f"{item.gtin} costs nothing")
            continue
        old = old_prices.get(int(item.gtin), 0) if old_prices else 0
        if item.unit_price_minor * 100 < old * (100 - HUGE_DROP_PER_CENT):
            found.append(f"{item.gtin} falls from {old} to {item.unit_price_minor}")
    return found


def next_delay_ms(tries: int) -> int:
    """How long to wait for an answer before an announcement is repeated; `tries` were made already."""
    return int(min(FIRST_DELAY_MS << min(tries, 16), LONGEST_DELAY_MS))


def is_open(state: str) -> bool:
    """Whether a box has still something to do for what it was told."""
    return state in _OPEN
