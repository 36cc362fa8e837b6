"""A journal on two devices: both hold everything, one is enough, and what only one has is not lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edge.journal.files import OsFiles
from tests.edge.disk import FailingFiles
from tests.edge.journal_builders import numbers, open_journal, write

if TYPE_CHECKING:
    from pathlib import Path


def test_both_directories_hold_every_record(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")
    write(journal, *range(30))
    journal.close()

    assert numbers(open_journal(OsFiles(), tmp_path / "a")) == list(range(30))
    assert numbers(open_journal(OsFiles(), tmp_path / "b")) == list(range(30))


@pytest.mark.parametrize("bad", ["a", "b"])
def test_when_one_device_fails_the_other_goes_on_and_the_state_says_so(tmp_path: Path, bad: str) -> None:
    files = FailingFiles()
    journal = open_journal(files, tmp_path / "a", second=tmp_path / "b")
    write(journal, *range(10))
    files.bad_directory, files.sync_fails = str(tmp_path / bad), 1000

    write(journal, *range(10, 30))

    assert str(tmp_path / bad) in journal.degraded
    assert journal.has_room(1000)
    assert numbers(journal) == list(range(30))
    journal.close()
    again = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")
    assert (numbers(again), again.degraded, again.opened_because) == (list(range(30)), "", "")
    again.close()
    assert numbers(open_journal(OsFiles(), tmp_path / bad)) == list(range(30))


def test_damage_on_one_device_is_mended_from_the_other(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")
    write(journal, *range(40))
    journal.close()
    for name, number in (("a", 1), ("b", 2)):
        path = sorted((tmp_path / name).glob("*.tbj"))[number]
        damaged = bytearray(path.read_bytes())
        damaged[300] ^= 1
        path.write_bytes(bytes(damaged))

    again = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")

    assert sorted(set(numbers(again))) == list(range(40))
    again.close()
    assert set(numbers(open_journal(OsFiles(), tmp_path / "b"))) == set(range(40))


def test_records_that_only_the_other_device_has_are_taken_over(tmp_path: Path) -> None:
    journal = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")
    write(journal, *range(10))
    journal.close()
    for name, start in (("a", 100), ("b", 200)):
        alone = open_journal(OsFiles(), tmp_path / name)
        write(alone, *range(start, start + 5))
        alone.close()

    again = open_journal(OsFiles(), tmp_path / "a", second=tmp_path / "b")

    assert set(numbers(again)) == {*range(10), *range(100, 105), *range(200, 205)}
    assert json.loads(next(iter(again.records())).body)["t"] == "generation_opened"
