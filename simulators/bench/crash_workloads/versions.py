"""The change over to other price versions under the enumerator: a box sells by one whole set, before or after.

Publications are accepted, their versions arrive, are verified and stored, put in force, and tidied up after. After a
crash the set in force is the one before the step under way or the one after it, all of its files have their hashes,
and one item costs what that set says.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from edge.versions.opening import open_set
from edge.versions.shelf import ShelfState, VersionSet, VersionShelf, Wanted
from protocol.catalogue import Catalogue, build
from protocol.item import Item
from protocol.overlay import Overlay
from protocol.pricing.tax import TaxTable
from protocol.strict_json import dumps
from simulators.bench.crash_workloads.whole_files import CURRENCY, WholeFiles
from simulators.crash_states.examine import Broken

if TYPE_CHECKING:
    from simulators.bench.crash_workloads.whole_files import Step
    from simulators.crash_states.recovered import RecoveredDisk
    from simulators.world.disk import MemoryDisk

DIRECTORY = "/box/versions"
KEY = "05000112637922"
ITEMS = 40  # beside the one that is asked for: an image of four sectors
PIECE_BYTES = 700  # a version comes in several writes, none of them a whole number of sectors


class VersionsWorkload(WholeFiles):
    """Three publications: a first image with its taxes, urgent changes over it, and another image."""

    name = "price-versions"

    def __init__(self) -> None:
        first, second = _image(100), _image(200)
        overlay = Overlay({KEY: _item(150)}, Catalogue(first).hash).encode()
        low, high = (dumps(TaxTable("included", "line", {"A": ppm}).document()) for ppm in (50_000, 200_000))
        self._bytes = {Catalogue(one).hash.hex(): one for one in (first, second)}
        self._bytes |= {hashlib.sha256(one).hexdigest(): one for one in (overlay, low, high)}
        images, documents = list(self._bytes)[:2], list(self._bytes)[2:]
        self._sets = (
            VersionSet(1, 0, images[0], taxes=documents[1]),
            VersionSet(2, 0, images[0], documents[0], taxes=documents[1]),
            VersionSet(3, 0, images[1], taxes=documents[2]),
        )

    def steps(self) -> list[Step]:
        """See WholeFiles."""
        steps: list[Step] = []
        for versions in self._sets:
            steps.append(self._accepted(versions))
            steps += [self._arrived(wanted) for wanted in versions.parts()]
            steps.append(_put_in_force(versions))
            steps.append(lambda disk: _shelf(disk).tidy())
        return steps

    def recover(self, disk: RecoveredDisk) -> Any:
        """See WholeFiles: (publication accepted, set in force, what the item costs by it)."""
        shelf = _shelf(disk)
        state = shelf.state
        for versions in (*state.plan, *((state.in_force,) if state.in_force is not None else ())):
            for wanted in versions.parts():
                if (
                    disk.size(shelf.path(wanted)) >= 0
                    and disk.read(shelf.path(wanted)) != self._bytes[wanted.digest]
                ):
                    return Broken(f"a {wanted.part} that is here has other bytes")
        if state.in_force is None:
            return (state.number, None, 0)
        shop = open_set(shelf, state.in_force, CURRENCY, lambda path: Catalogue(disk.read(path)))
        found = shop.prices.find(KEY)
        return (state.number, state.in_force, found.unit_price_minor if found is not None else 0)

    def _accepted(self, versions: VersionSet) -> Step:
        sizes = {wanted.digest: len(self._bytes[wanted.digest]) for wanted in versions.parts()}
        state = ShelfState(versions.number, "0" * 64, "https://cloud", (versions,), sizes)
        return lambda disk: _shelf(disk).accept(state)

    def _arrived(self, wanted: Wanted) -> Step:
        data = self._bytes[wanted.digest]

        def arrive(disk: MemoryDisk) -> None:
            shelf = _shelf(disk)
            if disk.size(shelf.path(wanted)) >= 0:
                return
            arrival = shelf.arrival(wanted, len(data))
            for at in range(arrival.here, len(data), PIECE_BYTES):
                arrival.take(data[at : at + PIECE_BYTES])
            arrival.sync()
            arrival.close()
            if shelf.is_right(arrival.path, wanted):
                shelf.store(wanted)

        return arrive


def _put_in_force(versions: VersionSet) -> Step:
    return lambda disk: _shelf(disk).put_in_force(versions)


def _shelf(disk: MemoryDisk) -> VersionShelf:
    return VersionShelf(disk, DIRECTORY)


def _item(price_minor: int) -> Item:
    return Item(KEY, "Hand soap", price_minor, "A")


def _image(price_minor: int) -> bytes:
    others = [Item(f"000200{place:07d}0", f"Item {place}", price_minor, "A") for place in range(ITEMS)]
    return build([_item(price_minor), *others], CURRENCY)
