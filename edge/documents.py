"""Small documents that can be rebuilt from the cloud (settings, templates, device registry), in TinyDB.

TinyDB's own JSON storage rewrites its file in place; a power cut leaves garbage or, worse, a state that never
existed. `CrashSafeStorage` replaces the file as a whole. Money never lives here: that is the journal's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tinydb import TinyDB
from tinydb.storages import Storage

from edge.journal.files import join, read_if_there, replace_file
from protocol.errors import CallerError, DeviceError

if TYPE_CHECKING:
    from edge.journal.files import Files

DOCUMENT_BYTES_MAX = 4 * 1024 * 1024  # each change rewrites the whole file: more than this belongs elsewhere
SET_ASIDE_SUFFIX = ".damaged"  # an unreadable file is kept under this name for a person to look at


class CrashSafeStorage(Storage):
    """A TinyDB storage whose file is, after a power cut at any instant, the state before or after the last write."""

    def __init__(self, files: Files, path: str) -> None:
        self.files = files
        self.path = path
        self.is_set_aside = False

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The whole state, or None when there is none. A damaged file is set aside: its content can be rebuilt."""
        data = read_if_there(self.files, self.path)
        if data is None:
            return None
        try:
            found = json.loads(data.decode())
        except ValueError:
            found = None
        if isinstance(found, dict) and all(isinstance(table, dict) for table in found.values()):
            return found
        self.files.rename(self.path, self.path + SET_ASIDE_SUFFIX)
        self.is_set_aside = True
        return None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Replace the state, durably. CallerError("documents-too-large"), DeviceError("documents-write-failed")."""
        encoded = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        if len(encoded) > DOCUMENT_BYTES_MAX:
            raise CallerError(
                "documents-too-large", f"{len(encoded)} bytes of documents", "Keep fewer documents"
            )
        try:
            replace_file(self.files, self.path, encoded)
        except OSError as error:
            raise DeviceError(
                "documents-write-failed",
                f"The documents could not be written ({error.strerror})",
                "Check the disk",
            ) from error


def open_documents(files: Files, directory: str, name: str = "documents.json") -> TinyDB:
    """Open the box's documents in `directory`, which is made when absent.

    `database.storage.is_set_aside` tells, after the first read, that the file was damaged and begins anew.
    """
    files.make_directory(directory)
    return TinyDB(files, join(directory, name), storage=CrashSafeStorage)
