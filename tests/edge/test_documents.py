"""Documents in TinyDB survive a power cut at every operation as the state before or after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tinydb import TinyDB, where

from edge.documents import DOCUMENT_BYTES_MAX, CrashSafeStorage, open_documents
from edge.journal.files import OsFiles
from protocol.errors import CallerError, DeviceError
from tests.edge.disk import FailingFiles, MemoryDisk, PowerCut

if TYPE_CHECKING:
    from pathlib import Path


def was_set_aside(database: TinyDB) -> bool:
    assert isinstance(database.storage, CrashSafeStorage)
    return database.storage.is_set_aside


def test_documents_come_back(tmp_path: Path) -> None:
    database = open_documents(OsFiles(), str(tmp_path / "documents"))
    database.table("devices").insert({"name": "printer", "path": "价格"})

    again = open_documents(OsFiles(), str(tmp_path / "documents"))

    assert again.table("devices").get(where("name") == "printer") == {"name": "printer", "path": "价格"}


def change(disk: MemoryDisk) -> int:
    done = 0
    try:
        database = open_documents(disk, "/d")
        for number in range(6):
            database.insert({"n": number, "pad": "x" * 700})
            done += 1
    except PowerCut:
        pass
    return done


def test_a_power_cut_at_every_operation_leaves_a_state_that_existed() -> None:
    disk = MemoryDisk()
    change(disk)
    for cut_at in range(disk.operations + 1):
        cut = MemoryDisk(cut_at)
        done = change(cut)
        for seed in range(10):
            found = open_documents(cut.after_power_cut(seed), "/d")

            count = len(found.all())

            assert [document["n"] for document in found.all()] == list(range(count))
            assert count in (done, done + 1)
            assert not was_set_aside(found)


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"_default":3}', b"\xff"])
def test_a_damaged_file_is_set_aside_and_the_box_starts(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "documents.json").write_bytes(damage)

    database = open_documents(OsFiles(), str(tmp_path))

    assert database.all() == []
    assert was_set_aside(database)
    assert (tmp_path / "documents.json.damaged").read_bytes() == damage


def test_a_failing_disk_leaves_the_old_state(tmp_path: Path) -> None:
    files = FailingFiles()
    database = open_documents(files, str(tmp_path))
    database.insert({"n": 1})
    files.sync_fails = 1

    with pytest.raises(DeviceError, match="documents-write-failed"):
        database.insert({"n": 2})

    assert open_documents(OsFiles(), str(tmp_path)).all() == [{"n": 1}]


def test_more_than_the_bound_is_refused(tmp_path: Path) -> None:
    database = open_documents(OsFiles(), str(tmp_path))

    with pytest.raises(CallerError, match="documents-too-large"):
        database.insert({"pad": "x" * DOCUMENT_BYTES_MAX})
