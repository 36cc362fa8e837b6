"""The power goes while a configuration is applied: the box comes back with the old one or the new one, never neither,
and the fleet's next message brings it to where it should be.
"""

from __future__ import annotations

import itertools

import pytest

from edge.configuration import SICK_MS, SOAK_MS
from protocol import faults
from tests.edge.configured_box import ConfiguredBox, pushed
from tests.edge.disk import MemoryDisk, PowerCut
from tests.edge.journal_builders import numbers, open_journal, write

SEEDS = 4  # what a power cut leaves of unsynced sectors is drawn anew
POINTS = [
    "config.document_staged",
    "config.staged",
    "configuration.offered",
    "config.promoted",
    "configuration.applied",
    "config.confirmed",
    "configuration.answered",
    "files.replacement_written",
    "files.replacement_synced",
    "files.replacement_renamed",
]
POINTS_OF_A_REVERT = ["config.reverted", "configuration.answered", "files.replacement_renamed"]


def with_version_one(disk: MemoryDisk) -> ConfiguredBox:
    box = ConfiguredBox(disk)
    box.receive(pushed(1))
    box.pass_ms(SOAK_MS)
    assert box.last_answer == (1, "applied", "")
    return box


def apply_two(box: ConfiguredBox) -> None:
    """From the message to the answer, with a sale open when the message comes."""
    box.scan()
    box.receive(pushed(2))
    box.finish_sale()
    box.pass_ms(SOAK_MS)


def revert_two(box: ConfiguredBox) -> None:
    box.receive(pushed(2))
    box.trouble = "screen-down"
    box.pass_ms(SICK_MS + 1_000)


def check_old_or_new(disk: MemoryDisk) -> ConfiguredBox:
    """The first start after a power cut."""
    box = ConfiguredBox(disk)
    assert (box.active, box.settings_at_start.store_name) in {(1, "Shop 1"), (2, "Shop 2")}
    return box


def check_goes_on_to_two(box: ConfiguredBox) -> None:
    """The broker retains version two: it is said again at every subscription."""
    box.receive(pushed(2))
    box.pass_ms(SOAK_MS)
    box.receive(pushed(2))
    assert box.last_answer == (2, "applied", "")
    assert box.settings.store_name == "Shop 2"


def cut_at_nth(point: str, nth: int) -> None:
    passed = itertools.count(1)

    def hook(name: str) -> None:
        if name == point and next(passed) == nth:
            raise PowerCut

    faults.set_hook(hook)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_cut_at_a_fault_point_leaves_the_old_or_the_new(point, nth):
    for seed in range(SEEDS):
        disk = MemoryDisk()
        box = with_version_one(disk)
        cut_at_nth(point, nth)
        try:
            apply_two(box)
        except PowerCut:
            disk = disk.after_power_cut(seed)
        finally:
            faults.set_hook(None)

        box = check_old_or_new(disk)

        check_goes_on_to_two(box)


def test_every_fault_point_is_reached_while_applying_and_reverting():
    seen: set[str] = set()
    box = with_version_one(MemoryDisk())
    other = with_version_one(MemoryDisk())

    faults.set_hook(seen.add)
    try:
        apply_two(box)
        revert_two(other)
    finally:
        faults.set_hook(None)

    expected = {
        name for name in faults.NAMES if name.startswith(("config.", "configuration.", "files.replacement"))
    }
    assert seen == expected == {*POINTS, *POINTS_OF_A_REVERT}


def test_a_cut_at_every_operation_of_the_disk_leaves_the_old_or_the_new():
    whole = MemoryDisk()
    box = with_version_one(whole)
    first = whole.operations
    apply_two(box)
    cuts = 0

    for operation, seed in itertools.product(range(first, whole.operations), range(SEEDS)):
        disk = MemoryDisk()
        box = with_version_one(disk)
        disk.cut_at = operation
        with pytest.raises(PowerCut):
            apply_two(box)
        cuts += 1

        box = check_old_or_new(disk.after_power_cut(seed))

        check_goes_on_to_two(box)

    assert cuts >= 20 * SEEDS  # documents and state, each written, synced, renamed and synced again


def test_a_cut_at_every_operation_of_a_revert_never_brings_a_third_state():
    whole = MemoryDisk()
    box = with_version_one(whole)
    first = whole.operations
    revert_two(box)

    for operation, seed in itertools.product(range(first, whole.operations), range(SEEDS)):
        disk = MemoryDisk()
        box = with_version_one(disk)
        disk.cut_at = operation
        with pytest.raises(PowerCut):
            revert_two(box)

        box = check_old_or_new(disk.after_power_cut(seed))
        box.trouble = "screen-down"
        box.receive(pushed(2))
        box.pass_ms(SICK_MS + 1_000)

        assert (box.active, box.settings.store_name) == (1, "Shop 1")
        assert box.slots.refusal(2) == "health-check: screen-down"


def test_a_cut_while_applying_leaves_the_unsent_journal_whole():
    for later, seed in itertools.product(range(30), range(SEEDS)):
        disk = MemoryDisk()
        write(open_journal(disk, "journal"), *range(1, 8))
        box = with_version_one(disk)
        disk.cut_at = disk.operations + later
        try:
            apply_two(box)
        except PowerCut:
            disk = disk.after_power_cut(seed)
        disk.cut_at = None

        found = numbers(open_journal(disk, "journal"))

        assert found == list(range(1, 8))


def test_a_box_that_was_off_takes_the_retained_document_when_it_is_back():
    disk = MemoryDisk()
    with_version_one(disk)

    box = ConfiguredBox(disk.after_power_cut(0), is_linked=False)
    box.receive(pushed(5))
    before = box.active
    box.link(is_up=True)
    box.pass_ms(SOAK_MS)

    assert before == 1
    assert box.last_answer == (5, "applied", "")
