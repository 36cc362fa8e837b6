"""The page of figures: what was measured stands there, what is wrong cannot be overlooked."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from protocol.errors import CallerError
from simulators.checker.report import MUST_BE_ZERO
from simulators.commandline import tillbox
from simulators.published.evidence import read_evidence
from simulators.published.page import NOT_MEASURED, page

ZEROS = dict.fromkeys(MUST_BE_ZERO, 0)
WORLD = {
    **ZEROS,
    "box_hours": 900.0,
    "seeds": 300,
    "bad_seeds": [],
    "sales_paid": 51_234,
    "unknown_open": 2,
    "faults": {"partition": 1_234, "bit-flip": 101},
    "crashes_at": {"journal.synced": 2_718},
}
TORTURE = {
    **ZEROS,
    "minutes": 10.0,
    "rounds": 20,
    "sales_paid": 4_321,
    "brokers": {"nats": 10, "mosquitto": 10},
    "databases": {"sqlite": 10, "postgresql": 10},
    "kills": {"box": 40},
    "stops": {},
    "cuts": {"reset": 7},
    "restores": {"database": 3},
    "takeovers": 5,
    "disk_fills": 6,
    "sync_failures": {"box": 8},
    "not_tried": [{"what": "tmpfs", "count": 2, "why": "no right to mount"}],
}
PLANTED = [
    {"name": "missing-fsync", "found": True, "seeds": 9},
    {"name": "gap-ignored", "found": True, "seeds": 17},
]


def row(name, value, floor=None):
    return {
        "name": name,
        "value": value,
        "unit": "",
        "bar": None,
        "met": None,
        "floor": floor,
        "floor_name": "of",
    }


STATES = [
    row("crash-states", 122_863.0),
    row("crash-states-tried", 14_435.0, 31_432.0),
    row("crash-states-broken", 0.0),
]


def kept(tmp_path, *told):
    files = []
    for number, one in enumerate(told):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text("a line before the object\n" + json.dumps(one) + "\n")
    return files


def test_everything_that_was_measured_stands_on_the_page(tmp_path):
    files = kept(tmp_path, WORLD, TORTURE, PLANTED, STATES, [row("acknowledged-receipts", 0.0, 5_000.0)])

    text = page(read_evidence(files))

    for figure in ("51,234", "1,234", "2,718", "4,321", "14,435", "31,432", "5,000", "2: no right to mount"):
        assert figure in text
    assert "2 of 2 planted bugs were found, the last of them at seed 17" in text
    assert NOT_MEASURED not in text
    assert "**" not in text


@pytest.mark.parametrize("counter", MUST_BE_ZERO[:-1])
def test_a_counter_that_is_not_zero_stands_out(tmp_path, counter):
    files = kept(tmp_path, {**WORLD, counter: 3}, {**TORTURE, counter: 4})

    text = page(read_evidence(files))

    assert "**3**" in text
    assert "**4**" in text


def test_a_seed_that_is_not_clean_and_a_bug_that_is_not_found_stand_out(tmp_path):
    files = kept(
        tmp_path,
        {**WORLD, "bad_seeds": [17, 23]},
        [*PLANTED, {"name": "ghost", "found": False, "seeds": 200}],
    )

    text = page(read_evidence(files))

    assert "**17, 23**" in text
    assert "**Not found: `ghost`.**" in text


def test_damage_done_on_purpose_is_told_and_is_no_finding(tmp_path):
    text = page(read_evidence(kept(tmp_path, {**WORLD, "evidence_damaged": 7})))

    assert "| journals with a bit that a fault turned | 7 |" in text
    assert "**7**" not in text


def test_what_nobody_measured_is_said(tmp_path):
    text = page(read_evidence(kept(tmp_path, WORLD)))

    assert text.count(NOT_MEASURED) == 4


@pytest.mark.parametrize("told", [{}, [], [1], {"name": "x"}, 7, None])
def test_a_file_of_something_else_is_refused_by_name(tmp_path, told):
    with pytest.raises(CallerError, match="evidence-unknown"):
        read_evidence(kept(tmp_path, told))


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"no json", b"{"])
def test_a_file_without_json_is_refused_by_name(tmp_path, data):
    file = tmp_path / "broken.json"
    file.write_bytes(data)

    with pytest.raises(CallerError, match="evidence-unreadable"):
        read_evidence([file])


def test_the_command_prints_the_page(tmp_path):
    files = kept(tmp_path, WORLD, STATES)

    done = CliRunner().invoke(tillbox, ["figures", *map(str, files)])

    assert done.exit_code == 0
    assert done.output == page(read_evidence(files))
