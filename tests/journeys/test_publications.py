"""The power goes while a box changes over to other price versions: it comes back with the old set or the new one,
whole, and the cloud's next message brings it to where it should be.
"""

from __future__ import annotations

import itertools

import pytest

from edge.events import CodeScanned, ShopperActed
from edge.versions.keeper import FIRST_DELAY_MS
from protocol import faults
from tests.builders import BREAD
from tests.edge.disk import MemoryDisk, PowerCut
from tests.edge.versioned_box import VersionedBox, Versions

SEEDS = 4  # what a power cut leaves of unsynced sectors is drawn anew
POINTS = [
    "versions.accepted",
    "versions.arrived",
    "versions.stored",
    "versions.changed_over",
    "files.replacement_written",
    "files.replacement_synced",
    "files.replacement_renamed",
]
PRICES = {1: 300, 2: 400}


class Site:
    """A cloud with two publications, and a disk that outlives its box."""

    def __init__(self) -> None:
        self.cloud = Versions()
        low, high = self.cloud.taxes(50_000), self.cloud.taxes(200_000)
        first, second = (self.cloud.image(price) for price in PRICES.values())
        self.taxes = {low: 1, high: 2}
        self.first = self.cloud.published(1, {"catalogue": first, "taxes": low})
        overlay = self.cloud.overlay(second, PRICES[2])
        self.second = self.cloud.published(2, {"catalogue": second, "overlay": overlay, "taxes": high})

    async def with_first(self, disk: MemoryDisk) -> VersionedBox:
        box = VersionedBox(self.cloud, disk)
        await box.hears(self.first)
        assert box.price() == PRICES[1]
        return box

    async def change(self, box: VersionedBox) -> None:
        """The second publication comes while a sale is open, which then ends."""
        box.plays(CodeScanned(BREAD.gtin[1:]))
        await box.hears(self.second)
        box.plays(ShopperActed("cancel_sale"))
        await box.goes_on()

    async def check(self, disk: MemoryDisk) -> None:
        """The first start after the power cut, and the way on."""
        box = VersionedBox(self.cloud, disk)
        number = self.taxes[box.box.taxes.hash.hex()]
        assert box.price() == PRICES[number], "catalogue and taxes are of two publications"
        assert box.keeper.number == number

        await box.hears(self.second)
        box.clock.ms += FIRST_DELAY_MS  # what is left of a fetch may be torn: then it is fetched anew
        await box.goes_on()

        assert (box.price(), box.keeper.number) == (PRICES[2], 2)
        assert box.outcomes()[-1] == (2, "applied", "")


def cut_at_nth(point: str, nth: int) -> None:
    passed = itertools.count(1)

    def hook(name: str) -> None:
        if name == point and next(passed) == nth:
            raise PowerCut

    faults.set_hook(hook)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
async def test_a_cut_at_a_fault_point_leaves_the_old_set_or_the_new_one(point, nth):
    for seed in range(SEEDS):
        site, disk = Site(), MemoryDisk()
        box = await site.with_first(disk)
        cut_at_nth(point, nth)
        try:
            await site.change(box)
        except PowerCut:
            disk = disk.after_power_cut(seed)
        finally:
            faults.set_hook(None)

        await site.check(disk)


async def test_every_fault_point_is_reached_while_changing_over():
    site = Site()
    box = await site.with_first(MemoryDisk())
    seen: set[str] = set()

    faults.set_hook(seen.add)
    try:
        await site.change(box)
    finally:
        faults.set_hook(None)

    assert set(POINTS) == seen & {name for name in faults.NAMES if name.startswith(("versions.", "files."))}


async def test_a_cut_at_every_operation_of_the_disk_leaves_the_old_set_or_the_new_one():
    site, whole = Site(), MemoryDisk()
    box = await site.with_first(whole)
    before = whole.operations
    await site.change(box)

    for operation in range(before, whole.operations):
        disk = MemoryDisk()
        box = await site.with_first(disk)
        disk.cut_at = operation
        with pytest.raises(PowerCut):
            await site.change(box)

        await site.check(disk.after_power_cut(operation))
