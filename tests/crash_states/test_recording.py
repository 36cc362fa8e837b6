"""The recording disk shows a program what a real one shows it, and writes down what it did."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from edge.documents import open_documents
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from simulators.bench.crash_workloads.journal import BOUNDS, body
from simulators.bench.crash_workloads.standard import journals, whole_files
from simulators.crash_states.examine import record
from simulators.crash_states.recording import RecordingDisk
from simulators.crash_states.states import Contents, prefixes
from tests.edge.journal_builders import birth

PLACES = range(len(journals()) + 4)


def sell(files, directory):
    """A journal that rolls and is opened again, and some documents, in a directory that is not there yet."""
    one = birth()
    for _ in range(2):
        journal = Journal(files, f"{directory}/journal", one, bounds=BOUNDS)
        for number in range(20):
            journal.append(body(number, 200))
            journal.sync()
        journal.close()
        for number in range(3):
            open_documents(files, f"{directory}/documents").insert({"number": number})


def test_the_journal_and_the_documents_leave_the_same_files_as_on_a_real_disk(tmp_path):
    root = str(tmp_path / "box")
    disk = RecordingDisk({})

    sell(OsFiles(), root)
    sell(disk, root)

    real = {str(path): path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}
    recorded = {path: bytes(file.data) for path, file in disk.entries.items()}
    # Each run names its generation anew, in the names of the segments and in their bytes.
    segments = [
        sorted(len(found[path]) for path in found if path.endswith(".tbj")) for found in (real, recorded)
    ]
    assert segments[0] == segments[1]
    for found in (real, recorded):
        for path in [path for path in found if path.endswith(".tbj")]:
            del found[path]
    assert real == recorded


@pytest.mark.parametrize("place", PLACES)
def test_with_every_operation_done_the_medium_holds_what_the_program_sees(place, tmp_path):
    workload = [*journals(), *whole_files(tmp_path)][place]
    disk = record(workload)
    contents = Contents()

    *_, last = prefixes(disk, contents, Random(1))
    *_, done = (
        state for outcomes, state in last.states() if all(outcome.words == "done" for outcome in outcomes)
    )

    assert contents.files(done) == {path: bytes(file.data) for path, file in disk.entries.items()}
    assert len(disk.log) > 20


def test_an_operation_says_what_it_was():
    disk = RecordingDisk({})
    handle = disk.create("/d/new")
    disk.write(handle, b"text")
    disk.fdatasync(handle)
    disk.rename("/d/new", "/d/old")
    disk.sync_directory("/d")
    disk.unlink("/d/old")

    assert [str(operation) for operation in disk.log] == [
        "create /d/new",
        "write /d/new [0, +4]",
        "sync /d/new",
        "rename /d/new -> /d/old",
        "sync-directory /d",
        "unlink /d/old",
    ]
