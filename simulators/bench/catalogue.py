"""A large catalogue: how long a publication of it builds, and how long a box stands still when it changes over.

The database is real SQLite with 300,000 items; the box is its real shelf on the real disk, with the real flows.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.catalogue.importing import Import, import_items
from cloud.catalogue.publishing import Publishing, publish
from cloud.database import open_database
from edge.catalogue_file import check_image, open_image
from edge.events import CodeScanned, VersionsOffered
from edge.flows.checkout import decide
from edge.flows.state import Box, Now, Shop
from edge.journal.files import OsFiles
from edge.settings import Settings
from edge.versions.opening import open_set
from edge.versions.shelf import ShelfState, VersionSet, VersionShelf, Wanted
from protocol.catalogue import Catalogue, Prices, build
from protocol.facts import Facts
from protocol.identifiers import IdMaker
from protocol.item import Item
from simulators.bench.rows import Row, percentile
from simulators.replay.plan import in_store_code

if TYPE_CHECKING:
    from cloud.database import Database

ITEMS = 300_000
CATEGORIES = 300
CURRENCY = "GBP"
BUILD_BAR_S, CHANGE_BAR_MS = 10, 100
CHANGES = 40
MS_A_S = 1_000
YEAR_MS = 31_536_000_000
NOW_MS = 1_795_348_800_000  # any day
PARTS = 64 << 10


async def measure(work: Path) -> list[Row]:
    """Import, publish, publish urgent changes; then change over again and again."""
    database = await open_database(f"sqlite:///{work}/cloud.db")
    try:
        rows = await _published(work, database)
    finally:
        await database.close()
    return rows + await asyncio.to_thread(_changed_over, work)


async def _published(work: Path, database: Database) -> list[Row]:
    key, shelf = Ed25519PrivateKey.generate(), work / "shelf"
    items = list(_items(0))
    began = time.perf_counter()
    await import_items(database, Import("bench", "07", CURRENCY), items)
    imported = time.perf_counter() - began
    what = Publishing("bench", "shop", "07", CURRENCY, "https://cloud", NOW_MS, NOW_MS + YEAR_MS, 0)
    began = time.perf_counter()
    await publish(database, shelf, key, what)
    built = time.perf_counter() - began
    began = time.perf_counter()
    build(items, CURRENCY)
    floor = time.perf_counter() - began
    name = f"the image of {ITEMS} items alone, s"
    return [
        Row("catalogue-publish", built, "s", BUILD_BAR_S, floor, name),
        Row("catalogue-import", imported, "s", None, floor, name),
    ]


def _changed_over(work: Path) -> list[Row]:
    """How long no event is handled while a box changes from one large catalogue to another, sales in between."""
    shelf = VersionShelf(OsFiles(), str(work / "versions"))
    sets = [_stored(shelf, number) for number in (1, 2)]
    makes = IdMaker(1)
    box = Box(Settings(), Shop(Prices(Catalogue(build([], CURRENCY))), CURRENCY, ""))
    waits, floors = [], []
    for turn in range(CHANGES):
        versions = sets[turn % 2]
        began = time.perf_counter()
        shop = open_set(shelf, versions, CURRENCY, lambda path: open_image(Path(path)))
        now = Now(NOW_MS, turn, lambda: makes.make(NOW_MS))
        box, _ = decide(box, VersionsOffered(shop, versions.number, 0), now)
        shelf.put_in_force(versions)
        box, _ = decide(box, CodeScanned(in_store_code(turn)), now)
        waits.append(time.perf_counter() - began)
        assert box.sale is not None, "a scan opens it"
        assert box.sale.total_minor == _price(turn, versions.number), "it sells by it"
        box = Box(Settings(), box.shop)
        began = time.perf_counter()
        check_image(Path(shelf.path(versions.parts()[-1])))
        floors.append(time.perf_counter() - began)
    name = "the same image read and hashed once, ms"
    floor = percentile(floors, 50) * MS_A_S
    return [
        Row("catalogue-change-over-p50", percentile(waits, 50) * MS_A_S, "ms", None, floor, name),
        Row("catalogue-change-over-p99", percentile(waits, 99) * MS_A_S, "ms", CHANGE_BAR_MS, floor, name),
    ]


def _stored(shelf: VersionShelf, number: int) -> VersionSet:
    """A set whose image has arrived."""
    data = build(_items(number), CURRENCY)
    digest = Catalogue(data).hash.hex()
    versions, wanted = VersionSet(number, 0, digest), Wanted("catalogue", digest)
    shelf.accept(ShelfState(number, "0" * 64, "https://cloud", (versions,), {digest: len(data)}))
    arrival = shelf.arrival(wanted, len(data))
    for at in range(0, len(data), PARTS):
        arrival.take(data[at : at + PARTS])
    arrival.sync()
    arrival.close()
    assert shelf.is_right(arrival.path, wanted), "it arrived whole"
    shelf.store(wanted)
    return versions


def _items(number: int) -> list[Item]:
    facts = [Facts(f"grocery/category {place}") for place in range(CATEGORIES)]
    return [
        Item(
            "0" + in_store_code(place),
            f"Item number {place} of a large shop",
            _price(place, number),
            "A",
            facts=facts[place % CATEGORIES],
        )
        for place in range(ITEMS)
    ]


def _price(place: int, number: int) -> int:
    return 100 + place % 9_900 + number
