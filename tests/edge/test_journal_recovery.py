"""What comes back from a disk: torn tails, damage, power cuts at every operation."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from protocol.errors import ConfigError, DeviceError
from protocol.frame import chain_next, chain_start, decode_frame
from tests.edge.disk import File, MemoryDisk, PowerCut
from tests.edge.journal_builders import SMALL, birth, body, numbers, open_journal, openings, write

if TYPE_CHECKING:
    from pathlib import Path


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.tbj"))


def test_a_new_journal_opens_a_generation_and_says_so(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)

    assert journal.opened_because == "new"
    assert openings(journal) == [
        {"t": "generation_opened", "previous": "", "previous_seq": 0, "reason": "new"}
    ]


def test_records_come_back_in_order_over_many_segments(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(100))
    generation = journal.generation
    journal.close()

    again = open_journal(OsFiles(), tmp_path)

    assert (again.generation, again.opened_because) == (generation, "")
    assert numbers(again) == list(range(100))
    assert len(segments(tmp_path)) > 5


def test_the_chain_runs_on_over_restarts_and_segments(tmp_path: Path) -> None:
    for start in range(0, 60, 20):
        journal = open_journal(OsFiles(), tmp_path)
        write(journal, *range(start, start + 20))
        journal.close()

    journal = open_journal(OsFiles(), tmp_path)

    chain = chain_start("acme", "till-1", bytes.fromhex(journal.generation))
    seq = 1
    while seq <= journal.synced_through:
        for encoded in journal.frames(journal.generation, seq):
            frame, _ = decode_frame(encoded)
            chain = chain_next(chain, frame.seq, frame.body)
            assert (frame.seq, frame.chain) == (seq, chain)
            seq += 1
    assert chain == journal.synced_chain


def copy(disk: MemoryDisk) -> MemoryDisk:
    """The same files on a disk of their own."""
    found = MemoryDisk()
    for path, file in disk.entries.items():
        found.entries[path] = found.durable[path] = File(bytearray(file.data), len(file.data))
    return found


def paths(disk: MemoryDisk) -> list[str]:
    return sorted(path for path in disk.entries if path.endswith(".tbj"))


def test_a_tail_torn_at_any_byte_costs_only_the_record_it_tears() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, 1, 2)
    path = paths(disk)[-1]
    whole = len(disk.entries[path].data)

    for cut in range(whole - len(journal.frame(journal.last_seq)), whole):
        torn = copy(disk)
        del torn.entries[path].data[cut:]

        found = open_journal(torn, "/j")

        assert numbers(found) == [1]
        assert found.opened_because == ""


@pytest.mark.parametrize("segment", [0, 1, 2, -1])
def test_a_flipped_bit_anywhere_costs_at_most_the_record_it_hits(segment: int) -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(45))
    path = paths(disk)[segment]

    for place in range(segment % 3, len(disk.entries[path].data), 3):
        damaged = copy(disk)
        damaged.entries[path].data[place] ^= 1 << place % 8

        found = open_journal(damaged, "/j")

        assert len(set(range(45)) - set(numbers(found))) <= 1, place
        assert found.opened_because == "salvaged", place
        assert openings(found)[-1]["previous"] == journal.generation, place


def test_damage_is_salvaged_once_and_the_old_generation_stays_readable_up_to_it(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(30))
    old = journal.generation
    journal.close()
    path = segments(tmp_path)[1]
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    path.write_bytes(bytes(damaged))

    first = open_journal(OsFiles(), tmp_path)
    write(first, 100)
    first.close()
    second = open_journal(OsFiles(), tmp_path)

    old_span, new_span = second.spans()
    assert second.opened_because == ""
    assert (old_span.generation, new_span.generation) == (old, second.generation)
    assert decode_frame(second.frames(old, old_span.synced_through, 1)[0])[0].chain == old_span.synced_chain
    assert second.frames(old, old_span.synced_through + 1) == []
    assert openings(second)[-1]["previous_seq"] == old_span.synced_through
    assert len(numbers(second)) == 30  # 29 saved and one new


def test_a_missing_segment_is_damage_and_later_records_are_saved(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, *range(45))
    journal.close()
    segments(tmp_path)[1].unlink()

    found = open_journal(OsFiles(), tmp_path)

    assert found.opened_because == "salvaged"
    assert {0, 44} < set(numbers(found))
    assert numbers(found) == sorted(numbers(found))


def test_the_journal_of_another_box_is_refused(tmp_path: Path) -> None:
    open_journal(OsFiles(), tmp_path).close()

    with pytest.raises(ConfigError, match="journal-of-another-box"):
        Journal(OsFiles(), str(tmp_path), birth("till-2"), bounds=SMALL)

    open_journal(OsFiles(), tmp_path).close()


def test_two_processes_never_share_a_journal(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path)

    with pytest.raises(DeviceError, match="journal-in-use"):
        open_journal(OsFiles(), tmp_path)

    journal.close()
    open_journal(OsFiles(), tmp_path).close()


def sell(disk: MemoryDisk, second: str = "") -> tuple[list[int], list[int]]:
    """Write, restart, prune until the power goes: the numbers told durable, and all that were ever written."""
    told: list[int] = []
    tried: list[int] = []
    try:
        for start in (0, 20, 40):
            journal = open_journal(disk, "/j", second=second)
            for number in range(start, start + 20, 2):
                for each in (number, number + 1):
                    tried.append(each)
                    journal.append(body(each, 300))
                journal.sync()
                told += [number, number + 1]
            journal.close()
    except PowerCut:
        pass
    return told, tried


def count_operations(second: str = "") -> int:
    disk = MemoryDisk()
    sell(disk, second)
    return disk.operations


@pytest.mark.parametrize("second", ["", "/k"])
def test_whatever_was_told_durable_comes_back_after_a_power_cut_at_every_operation(second: str) -> None:
    for cut_at in range(0, count_operations(second) + 1, 2 if second else 1):
        disk = MemoryDisk(cut_at)
        told, tried = sell(disk, second)
        for seed in range(2 if second else 6):
            survivor = open_journal(disk.after_power_cut(seed), "/j", second=second)

            found = list(dict.fromkeys(numbers(survivor)))

            assert set(told) <= set(found), (cut_at, seed)
            assert found == [n for n in tried if n in set(found)], (cut_at, seed)


def test_power_cuts_during_recovery_lose_nothing_either() -> None:
    for first_cut in range(20, count_operations(), 7):
        disk = MemoryDisk(first_cut)
        told, tried = sell(disk)
        for second_cut in range(14):
            recovering = disk.after_power_cut(first_cut)
            recovering.cut_at = second_cut
            with contextlib.suppress(PowerCut):
                open_journal(recovering, "/j")

            survivor = open_journal(recovering.after_power_cut(second_cut), "/j")

            assert set(told) <= set(numbers(survivor)) <= set(tried), (first_cut, second_cut)


def test_a_flipped_bit_in_the_length_of_the_last_record_is_damage_not_a_torn_tail() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, 1, 2)
    path = paths(disk)[-1]
    start = len(disk.entries[path].data) - len(journal.frame(journal.last_seq))

    for bit in range(32):
        damaged = copy(disk)
        damaged.entries[path].data[start + bit // 8] ^= 1 << bit % 8

        found = open_journal(damaged, "/j")

        assert found.opened_because == "salvaged", bit
        assert numbers(found) == [1, 2], bit


def test_a_receipt_for_more_than_damage_has_left_of_an_ended_generation_covers_what_is_left() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, "/j")
    write(journal, *range(20))
    generation, through, chain = journal.generation, journal.synced_through, journal.synced_chain
    path = next(path for path in disk.entries if path.endswith("0001-000.tbj"))
    disk.entries[path].data[700] ^= 1

    salvaged = open_journal(disk.after_power_cut(1), "/j")
    before = salvaged.spans()[0]
    salvaged.prune(generation, through, chain, now_ms=1)

    assert before.synced_through < through
    assert before.receipted_through == 0
    assert salvaged.spans()[0].receipted_through == before.synced_through
