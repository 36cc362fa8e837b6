"""A real process that writes a real journal is killed with SIGKILL: everything it called durable is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.journal.files import OsFiles
from tests.edge.journal_builders import numbers, open_journal

POINTS = [
    ("journal.appended", 9),
    ("journal.written", 7),
    ("journal.synced", 11),
    ("journal.receipt_noted", 2),
    ("journal.pruned", 2),
    ("journal.generation_opened", 1),
    ("journal.generation_closed", 1),
    ("files.replacement_written", 4),
    ("files.replacement_synced", 5),
    ("files.replacement_renamed", 6),
]
ROOT = Path(__file__).parents[2]

LINES_MORE = 9  # synced records that each round lets the writer live longer than the one before


def start(directory: Path, number: int, *point: object) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.edge.journal_writer",
        str(directory),
        str(number),
        *map(str, point),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check(directory: Path, told: int) -> int:
    """All up to `told` are there but for those pruned; the next number to write is returned."""
    journal = open_journal(OsFiles(), directory)
    found = numbers(journal)
    journal.close()
    assert journal.opened_because in ("", "new")
    assert found == list(range(found[0], found[0] + len(found))) if found else told < 0
    assert not found or found[-1] >= told
    return found[-1] + 1 if found else 0


@pytest.mark.parametrize(("point", "times"), POINTS)
def test_killed_at_a_fault_point(tmp_path: Path, point: str, times: int) -> None:
    process = start(tmp_path, 0, point, times)

    output, _ = process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    told = [int(line) for line in output.split()]
    check(tmp_path, max(told, default=-1))


def test_killed_again_and_again_at_any_instant(tmp_path: Path) -> None:
    following = 0
    for round_number in range(5):
        process = start(tmp_path, following)
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(1 + round_number * LINES_MORE)]

        process.kill()

        rest, _ = process.communicate(timeout=60)
        told += [int(line) for line in rest.split("\n")[:-1] if line]
        following = check(tmp_path, max(told))
    assert following >= 5 + 10 * LINES_MORE
