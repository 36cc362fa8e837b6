"""The enumerator finds bugs: each of the classic ones, planted by a patch, shows as a broken promise."""

from __future__ import annotations

import binascii
import struct
from random import Random

import pytest

from edge import config_slots, documents
from edge.journal import shelf
from edge.journal.files import REPLACEMENT_SUFFIX
from edge.journal.shelf import Shelf
from edge.versions import shelf as version_shelf
from edge.versions.shelf import Arrival, VersionShelf
from protocol import frame
from protocol.limits import MAX_BODY_BYTES, MAX_SEQ
from simulators.bench.crash_workloads import whole_files
from simulators.bench.crash_workloads.standard import journals
from simulators.bench.crash_workloads.standard import whole_files as whole_workloads
from simulators.crash_states.examine import examine
from simulators.crash_states.recording import parent

REPLACERS = (shelf, documents, config_slots, whole_files, version_shelf)


def replacing(steps):
    """A replacement of a file that does these steps, in this order."""

    def replace_file(files, path, data):
        temporary = path + REPLACEMENT_SUFFIX
        handle = files.create(temporary)
        files.write(handle, data)
        for step in steps:
            if step == "sync":
                files.fdatasync(handle)
            elif step == "rename":
                files.rename(temporary, path)
            else:
                files.sync_directory(parent(path))
        files.close(handle)

    return replace_file


def workloads(tmp_path):
    return {workload.name: workload for workload in [*journals(), *whole_workloads(tmp_path / "catalogue")]}


def first_finding(workload):
    # What a recovered journal does next would show some of these bugs, too: only the crash states shall.
    workload.go_on_every = 1_000_000
    report = examine(workload, Random(1), findings_max=1)
    return str(report.findings[0]) if report.findings else ""


NO_FILE_SYNC = ("rename", "sync-directory")
NO_DIRECTORY_SYNC = ("sync", "rename")
RENAME_FIRST = ("rename", "sync", "sync-directory")
RIGHT = ("sync", "rename", "sync-directory")
EVERYWHERE = ("journal", "documents", "config-slots", "catalogue", "price-versions")


@pytest.mark.parametrize(
    "name", [*EVERYWHERE, pytest.param("journal on two shelves", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("steps", [NO_FILE_SYNC, NO_DIRECTORY_SYNC])
def test_a_missing_sync_in_the_replacement_of_a_file_is_found(monkeypatch, tmp_path, steps, name):
    for module in REPLACERS:
        monkeypatch.setattr(module, "replace_file", replacing(steps))

    assert first_finding(workloads(tmp_path)[name])


@pytest.mark.parametrize(
    "name", EVERYWHERE
)  # of two shelves the second makes good what the first loses by it
def test_a_rename_before_the_sync_is_found(monkeypatch, tmp_path, name):
    for module in REPLACERS:
        monkeypatch.setattr(module, "replace_file", replacing(RENAME_FIRST))

    assert first_finding(workloads(tmp_path)[name])


@pytest.mark.parametrize("name", [*EVERYWHERE, "journal on two shelves"])
def test_the_right_order_written_down_here_is_not_taken_for_a_bug(monkeypatch, tmp_path, name):
    for module in REPLACERS:
        monkeypatch.setattr(module, "replace_file", replacing(RIGHT))

    assert first_finding(workloads(tmp_path)[name]) == ""


@pytest.mark.parametrize("name", ["journal", "pruning", "salvage", "journal on two shelves"])
def test_records_that_are_written_and_not_synced_are_found(monkeypatch, tmp_path, name):
    monkeypatch.setattr(Shelf, "append", lambda self, data: self.files.write(self._handle, data))

    assert "are gone" in first_finding(workloads(tmp_path)[name])


def test_a_removal_whose_directory_is_not_synced_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(Shelf, "remove", lambda self, name: self.files.unlink(self._path(str(name))))

    assert first_finding(workloads(tmp_path)["pruning"])


def store_without_directory_sync(self, wanted):
    self._files.rename(self.path(wanted) + version_shelf.PART_SUFFIX, self.path(wanted))


def tidy_before_the_change(self, versions):
    for name in self._files.list(self.directory):
        if name != version_shelf.STATE_NAME and name[:64] not in {one.digest for one in versions.parts()}:
            self._files.unlink(f"{self.directory}/{name}")
    put_in_force(self, versions)


put_in_force = VersionShelf.put_in_force


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [
        (Arrival, "sync", lambda _: None),
        (VersionShelf, "store", store_without_directory_sync),
        (VersionShelf, "put_in_force", tidy_before_the_change),
    ],
    ids=["a version not synced", "its name not synced", "the old one removed first"],
)
def test_a_change_over_that_can_leave_a_mixture_is_found(monkeypatch, tmp_path, owner, name, planted):
    workload = workloads(tmp_path)["price-versions"]
    monkeypatch.setattr(owner, name, planted)

    assert first_finding(workload)


def look_without_checksum(data, view, at, size):
    start = at + frame.HEADER_BYTES
    if start > size:
        return "cut", None, size
    length, _, seq, chain = struct.unpack_from(">IIQ32s", data, at)
    if not 0 < length <= MAX_BODY_BYTES or not 0 < seq <= MAX_SEQ:
        return "header", None, start
    end = start + length
    if end > size:
        return "cut", None, size
    return "", frame.Frame(seq, chain, bytes(view[start:end])), end


def look_without_length(data, view, at, size):
    start = at + frame.HEADER_BYTES
    if start > size:
        return "cut", None, size
    length, crc, seq, chain = struct.unpack_from(">IIQ32s", data, at)
    if not 0 < length <= MAX_BODY_BYTES or not 0 < seq <= MAX_SEQ:
        return "header", None, start
    end = min(start + length, size)
    if end == start + length and binascii.crc32(view[at + 8 : end]) != crc:
        return "crc", None, end
    return "", frame.Frame(seq, chain, bytes(view[start:end])), end


@pytest.mark.parametrize("look", [look_without_checksum, look_without_length])
@pytest.mark.parametrize("name", ["journal", "pruning", "salvage"])
def test_a_recovery_that_does_not_check_checksum_or_length_is_found(monkeypatch, tmp_path, look, name):
    planted = workloads(tmp_path)[name]
    monkeypatch.setattr(frame, "_look", look)

    assert first_finding(planted)


def test_a_finding_says_workload_place_and_what_was_broken(monkeypatch, tmp_path):
    monkeypatch.setattr(config_slots, "replace_file", replacing(NO_FILE_SYNC))

    found = first_finding(workloads(tmp_path)["config-slots"])

    assert found.startswith("config-slots, after operation ")
    assert "(lost)" in found
