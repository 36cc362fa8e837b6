"""Disks that fail while the journal is in use: writes, syncs, space, one of two devices."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from edge.journal.bounds import Bounds
from edge.journal.files import OsFiles
from protocol.errors import DeviceError, PeerError
from tests.edge.disk import FailingFiles, MemoryDisk
from tests.edge.journal_builders import SMALL, body, numbers, open_journal, openings, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize("kind", ["sync_fails", "write_fails"])
def test_a_failed_write_is_mended_in_a_fresh_segment_before_anyone_is_told(tmp_path: Path, kind: str) -> None:
    files = FailingFiles()
    journal = open_journal(files, tmp_path)
    write(journal, 1)

    setattr(files, kind, 1)
    write(journal, 2)

    assert numbers(journal) == [1, 2]
    assert len(list(tmp_path.glob("*.tbj"))) == 2
    journal.close()
    assert numbers(open_journal(OsFiles(), tmp_path)) == [1, 2]


def test_a_sync_that_says_yes_after_saying_no_is_not_believed() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, 1)
    live = disk.entries[next(path for path in disk.entries if path.endswith(".tbj"))]

    disk.sync_fails = 1
    write(journal, 2)
    live.data = live.data[: live.synced]  # the pages that failed never reach the medium

    survivor = open_journal(disk.after_power_cut(0), "/j")
    assert numbers(survivor) == [1, 2]


def test_a_dead_disk_is_told_and_the_records_wait_for_it_to_return(tmp_path: Path) -> None:
    files = FailingFiles()
    journal = open_journal(files, tmp_path)
    write(journal, 1)
    files.sync_fails = 5
    journal.append(body(2))

    with pytest.raises(DeviceError, match="journal-not-durable"):
        journal.sync()

    assert journal.refusal() == "journal-failed"
    assert journal.frames(journal.generation, journal.last_seq) == []
    files.sync_fails = 0
    write(journal, 3)
    assert journal.has_room()
    journal.close()
    assert numbers(open_journal(OsFiles(), tmp_path)) == [1, 2, 3]


def test_records_do_not_pile_up_without_end_behind_a_dead_disk(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path, Bounds(pending_bytes_max=1000, reserve_bytes=0))

    for number in range(6):
        journal.append(body(number))

    with pytest.raises(DeviceError, match="journal-failed"):
        journal.append(body(7, size=900))


def test_synced_records_that_no_longer_read_back_are_not_built_upon(tmp_path: Path) -> None:
    files = FailingFiles()
    journal = open_journal(files, tmp_path)
    write(journal, 1, 2)
    path = next(tmp_path.glob("*.tbj"))
    damaged = bytearray(path.read_bytes())
    damaged[-20] ^= 1
    path.write_bytes(bytes(damaged))
    files.sync_fails = 1
    journal.append(body(3))

    with pytest.raises(DeviceError, match="journal-damaged"):
        journal.sync()
    journal.reopen()

    assert journal.opened_because == "salvaged"
    assert 1 in numbers(journal)
    assert 2 not in numbers(journal)


def test_a_full_disk_gives_back_the_reserve_so_that_the_running_sale_ends() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j", Bounds(reserve_bytes=20_000))
    write(journal, *range(10))
    disk.room = sum(len(file.data) for file in disk.entries.values()) + 50

    write(journal, *range(10, 60))

    assert journal.refusal(1000) == "disk-full"
    assert numbers(open_journal(disk.after_power_cut(1), "/j", Bounds(reserve_bytes=0))) == list(range(60))


def test_selling_starts_again_when_the_disk_has_room_for_the_reserve() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j", Bounds(reserve_bytes=20_000))
    disk.room = sum(len(file.data) for file in disk.entries.values()) + 50
    write(journal, *range(10))

    disk.room += 1_000_000

    assert journal.refusal(1000) == ""


def test_at_the_quota_new_sales_are_refused_before_the_running_one_is_hurt(tmp_path: Path) -> None:
    bounds = Bounds(segment_bytes=2000, quota_bytes=400_000, reserve_bytes=50_000)
    journal = open_journal(OsFiles(), tmp_path, bounds)
    number = 0
    while journal.has_room(10_000):
        write(journal, number, size=3000)
        number += 1

    assert journal.refusal(10_000) == "journal-full"
    write(journal, *range(number, number + 15), size=3000)  # the running sale has the reserve
    with pytest.raises(DeviceError, match="journal-full"):
        write(journal, *range(1000, 1100), size=3000)
    assert numbers(journal)[: number + 15] == list(range(number + 15))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs of its own")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_real_full_file_system_loses_nothing_that_was_told_durable(
    tiny_disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    journal = open_journal(OsFiles(), tiny_disk / "j", Bounds(reserve_bytes=32_768))
    told = []

    def fill() -> None:
        for number in range(10_000):
            write(journal, number)
            told.append(number)

    with pytest.raises(DeviceError, match="journal-not-durable"):
        fill()

    assert not journal.has_room(1000)
    journal._release()  # the process ends without the records that were refused

    copy = tmp_path_factory.mktemp("copy") / "j"
    shutil.copytree(tiny_disk / "j", copy)
    assert numbers(open_journal(OsFiles(), copy))[: len(told)] == told
    assert len(told) > 300


def receipt(journal: object, through: int, now_ms: int = 0) -> None:
    journal.prune(journal.generation, through, journal.chain_at(journal.generation, through), now_ms)  # type: ignore[attr-defined]


def test_a_receipt_prunes_after_the_keeping_time_and_not_before(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))

    receipt(journal, 40, now_ms=5000)
    assert numbers(journal)[0] == 0
    receipt(journal, 40, now_ms=6000)

    assert 20 < numbers(journal)[0] <= 40
    assert journal.spans()[0].oldest_seq == numbers(journal)[0] + 2
    journal.close()
    again = open_journal(OsFiles(), tmp_path)
    assert again.opened_because == ""
    assert numbers(again)[-1] == 49


def test_what_was_receipted_before_a_restart_is_pruned_after_it(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))
    receipt(journal, 40, now_ms=5000)
    journal.close()

    again = open_journal(OsFiles(), tmp_path)
    assert again.spans()[0].receipted_through == 40
    receipt(again, 40, now_ms=6000)

    assert numbers(again)[0] > 20


@pytest.mark.parametrize(
    ("generation", "through", "flip", "code"),
    [
        ("own", 10, 1, "receipt-chain-wrong"),
        ("own", 99, 0, "receipt-beyond-end"),
        ("ff" * 8, 10, 0, "receipt-generation-unknown"),
    ],
)
def test_a_receipt_that_does_not_match_removes_nothing(
    tmp_path: Path, generation: str, through: int, flip: int, code: str
) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))
    own = journal.generation if generation == "own" else generation
    chain = journal.chain_at(own, through) or bytes(32)

    with pytest.raises(PeerError, match=code):
        journal.prune(own, through, bytes([chain[0] ^ flip]) + chain[1:], 10**12)

    journal.prune(journal.generation, 1, journal.chain_at(journal.generation, 1) or b"", 10**12)
    assert numbers(journal)[0] == 0


def test_receipted_records_make_way_when_the_quota_is_short(tmp_path: Path) -> None:
    journal = open_journal(
        OsFiles(), tmp_path, Bounds(segment_bytes=20_000, quota_bytes=600_000, reserve_bytes=20_000)
    )
    for start in range(0, 1000, 50):
        write(journal, *range(start, start + 50), size=1000)
        receipt(journal, journal.synced_through)

    assert journal.used_bytes < 600_000
    assert numbers(journal)[-1] == 999
    assert journal.has_room(10_000)


def test_a_restored_cloud_makes_the_journal_keep_what_was_confirmed(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))
    receipt(journal, 40, now_ms=0)

    journal.forget_receipts()
    receipt(journal, 1, now_ms=10**9)

    assert numbers(journal) == list(range(50))
    assert journal.spans()[0].receipted_through == 1


def test_damage_in_what_the_cloud_has_confirmed_opens_no_new_generation(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))
    receipt(journal, 45)
    journal.close()
    path = min(tmp_path.glob("*.tbj"))
    damaged = bytearray(path.read_bytes())
    damaged[400] ^= 1
    path.write_bytes(bytes(damaged))

    again = open_journal(OsFiles(), tmp_path)

    assert again.opened_because == ""
    assert len(numbers(again)) >= 48
    with pytest.raises(DeviceError, match="journal-damaged"):
        again.frames(again.generation, 2)


def test_renewal_takes_over_what_the_cloud_has_not_confirmed(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(50))
    old = journal.generation
    receipt(journal, 40)

    journal.renew()

    assert journal.generation != old
    assert openings(journal)[-1] == {
        "t": "generation_opened",
        "previous": old,
        "previous_seq": 40,
        "reason": "recovered",
    }
    assert [span.receipted_through for span in journal.spans()] == [40, 0]
    assert journal.spans()[0].synced_through == 40
    assert numbers(journal) == list(range(50))


def test_a_receipt_that_a_full_disk_does_not_take_costs_no_record() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(50))
    disk.room = sum(len(file.data) for file in disk.entries.values()) + 10

    receipt(journal, 40)
    write(journal, *range(50, 60))

    assert journal.degraded == ""
    kept = numbers(open_journal(disk.after_power_cut(1), "/j", Bounds(reserve_bytes=0)))
    assert kept == list(range(kept[0], 60))
    assert kept[0] <= 40, "only what the cloud has confirmed gave way"


def test_a_disk_that_fails_without_being_full_costs_nothing_that_was_receipted() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(50))
    receipt(journal, 40)
    before = {name for name in disk.entries if name.endswith(".tbj")}

    disk.sync_fails = 6
    journal.append(body(50))
    for _ in range(2):
        with pytest.raises(DeviceError, match="journal-not-durable"):
            journal.sync()
    disk.sync_fails = 0
    journal.sync()

    assert before <= set(disk.entries)
    assert numbers(journal) == list(range(51))


def test_a_full_disk_gets_back_what_was_receipted_on_the_disk_and_not_only_in_memory() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(50))
    receipt(journal, 40)
    before = {name for name in disk.entries if name.endswith(".tbj")}
    disk.room = sum(len(file.data) for file in disk.entries.values()) + 10

    write(journal, *range(50, 60))

    gone = before - set(disk.entries)
    assert gone
    held = journal.spans()[-1].oldest_seq
    assert min(int(name.split("-")[2]) for name in disk.entries if name.endswith(".tbj")) == held


def test_a_journal_whose_only_directory_was_given_up_goes_on_when_it_comes_back() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j", Bounds(reserve_bytes=4096))
    write(journal, *range(10))
    journal._shelves[0].fail("Input/output error")  # by a file that could not be removed

    write(journal, *range(10, 20))

    assert journal.degraded == ""
    assert numbers(open_journal(disk.after_power_cut(1), "/j")) == list(range(20))


def test_what_a_failed_shelf_could_not_remove_goes_with_the_next_removal_and_leaves_no_hole() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(40))
    newest = journal.spans()[-1]
    journal.prune(newest.generation, newest.synced_through, newest.synced_chain, now_ms=1)
    disk.sync_fails = (
        2  # the mending fails once, too: everything receipted is given back by a shelf that is away
    )
    write(journal, *range(40, 80))
    newest = journal.spans()[-1]

    journal.prune(newest.generation, newest.synced_through, newest.synced_chain, now_ms=2)
    journal.prune(newest.generation, newest.synced_through, newest.synced_chain, now_ms=2 + SMALL.keep_ms)

    again = open_journal(disk.after_power_cut(0), "/j")
    oldest = again.spans()[-1].oldest_seq
    assert [stored.seq for stored in again.records()] == list(range(oldest, again.last_seq + 1))
