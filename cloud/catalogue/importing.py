"""Importing items and prices of a table into the cloud's database: in parts, so that the running cloud works on.

A part is written whole or not; a table that is read again overwrites what it wrote before, so whatever ended an import
is mended by repeating it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud.catalogue import store
from protocol.faults import declare, fault
from protocol.item_facts import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cloud.database import Database
    from protocol.item import Item

ITEMS_AT_ONCE = 512  # in one transaction: the consumer waits some 20 ms for it

PART_WRITTEN = declare("catalogue.part_imported", "a part of a table is committed, the rest is not")


@dataclass(frozen=True, slots=True)
class Import:
    """Whose items, for which store ("" for all), in what currency and time."""

    tenant: str
    shard: str
    currency: str
    store: str = ""
    from_ms: int = 0
    until_ms: int = 0
    is_whole: bool = False  # items that the table does not have are sold no more
    is_prices_only: bool = False  # names, tax classes and facts of the table are passed over


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    items: int
    withdrawn: int
    unknown: tuple[str, ...]  # of prices alone: items that nobody imported


async def import_items(
    database: Database, what: Import, items: Sequence[Item], progress: Callable[[int], None] = lambda _: None
) -> Imported:
    """Write items with their prices; `progress` hears how many are done."""
    known = await store.keys(database, what.tenant)
    unknown: list[str] = []
    if what.is_prices_only:
        unknown = [item.gtin for item in items if item.gtin not in known]
        items = [item for item in items if item.gtin in known]
    for at in range(0, len(items), ITEMS_AT_ONCE):
        part = items[at : at + ITEMS_AT_ONCE]
        rows = [] if what.is_prices_only else [_item(what, item) for item in part]
        async with database.transaction() as tx:
            await store.put_items(tx, rows, [row for item in part for row in _prices(what, item)])
        fault(PART_WRITTEN)
        progress(len(part))
    gone = sorted(known.difference(item.gtin for item in items)) if what.is_whole else []
    for at in range(0, len(gone), ITEMS_AT_ONCE):
        async with database.transaction() as tx:
            await store.sell(tx, what.tenant, gone[at : at + ITEMS_AT_ONCE], is_sold=False)
    return Imported(len(items), len(gone), tuple(unknown))


def _item(what: Import, item: Item) -> tuple[object, ...]:
    facts = (item.name, item.tax_class, item.kind, item.age_min, text_of(item.facts))
    return (what.tenant, item.gtin, what.shard, *facts, 1)


def _prices(what: Import, item: Item) -> list[tuple[object, ...]]:
    key = (what.tenant, item.gtin, what.store, what.currency)
    time = (what.from_ms, what.until_ms, what.shard)
    return [(*key, level, *time, price) for level, price in (("", item.unit_price_minor), *item.levels)]
