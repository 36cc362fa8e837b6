"""The checker's own reading of journals: what is proved, what lies beyond damage, what a running box leaves."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from edge.journal.files import OsFiles
from protocol.frame import chain_start as product_chain_start
from simulators.checker.journal import chain_next, chain_start, read_directory, read_journal
from simulators.checker.people import from_paper, minor
from tests.edge.journal_builders import body, open_journal, write


def filled(directory, count=60):
    """A journal of several small segments, closed."""
    journal = open_journal(OsFiles(), directory)
    write(journal, *range(1, count + 1))
    proved = [(stored.seq, stored.body) for stored in journal.records()]
    journal.close()
    return proved


def newest(directory):
    return max(directory.glob("*.tbj"))


def test_every_record_is_read_with_its_chain(tmp_path):
    proved = filled(tmp_path)

    records = read_journal(tmp_path)

    assert [(record.seq, record.body) for record in records] == proved
    assert len(list(tmp_path.glob("*.tbj"))) > 3
    assert all(chain_next(a.chain, b.seq, b.body) == b.chain for a, b in pairwise(records))


def test_the_first_chain_value_names_the_box(tmp_path):
    filled(tmp_path, 3)

    found = read_directory(tmp_path)

    ((generation, start),) = found.starts.items()
    assert start == chain_start("acme", "till-1", generation)
    assert start == product_chain_start("acme", "till-1", bytes.fromhex(generation))
    assert start != hashlib.sha256(b"").digest()


def test_a_running_journal_is_read_without_disturbing_it(tmp_path):
    journal = open_journal(OsFiles(), tmp_path)
    write(journal, 1, 2)
    before = sorted(path.name for path in tmp_path.iterdir())

    read = read_directory(tmp_path)
    write(journal, 3)

    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert read.damages == []
    assert len(read.records) == 3
    assert len(read_journal(tmp_path)) == 4
    journal.close()


def test_a_torn_last_record_is_no_damage(tmp_path):
    proved = filled(tmp_path)
    file = newest(tmp_path)

    file.write_bytes(file.read_bytes()[:-7])
    found = read_directory(tmp_path)

    assert [record.seq for record in found.records] == [seq for seq, _ in proved[:-1]]
    assert (found.damages, found.beyond) == ([], [])


def test_what_lies_beyond_damage_is_salvaged_and_the_damage_is_told(tmp_path):
    proved = filled(tmp_path, 200)
    file = sorted(tmp_path.glob("*.tbj"))[1]
    data = bytearray(file.read_bytes())

    data[150] ^= 1
    file.write_bytes(bytes(data))
    found = read_directory(tmp_path)

    first_lost = found.records[-1].seq + 1
    assert len(found.damages) == 1
    assert found.beyond[0].seq == first_lost + 1
    assert len(found.records) < len(proved)


def test_records_saved_into_a_new_generation_are_not_read_twice(tmp_path):
    filled(tmp_path)
    file = sorted(tmp_path.glob("*.tbj"))[1]
    data = bytearray(file.read_bytes())
    data[150] ^= 1
    file.write_bytes(bytes(data))

    open_journal(OsFiles(), tmp_path).close()
    found = read_directory(tmp_path)

    assert found.damages == []
    assert len({record.generation for record in found.records}) == 2
    bodies = [record.body for record in found.records]
    assert bodies.count(body(60)) == 1


def test_a_wrong_head_is_damage(tmp_path):
    filled(tmp_path, 3)
    file = newest(tmp_path)
    data = bytearray(file.read_bytes())

    data[10] ^= 1
    file.write_bytes(bytes(data))

    assert "head damaged" in read_directory(tmp_path).damages[0]
    assert len(read_directory(tmp_path).beyond) == 4


def test_a_missing_directory_is_told(tmp_path):
    assert read_directory(tmp_path / "none").damages == ["none: there is no such directory"]


@pytest.mark.parametrize(("text", "value"), [("12.50", 1250), ("-", -1), ("", -1), ("0.05", 5), ("120", 120)])
def test_shown_amounts_are_read_digit_by_digit(text, value):
    assert minor(text) == value


def test_an_id_on_paper_is_read_and_a_mistyped_one_is_not():
    assert from_paper("0000-0003G-00R1S") == (7 << 24 | 3 << 8 | 1)
    assert from_paper("0000-0003H-00R1S") == 0
