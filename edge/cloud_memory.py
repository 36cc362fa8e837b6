"""The little that a box must remember of its cloud between two starts: the epoch of the cloud's database.

It lies in TinyDB, for it can be rebuilt: a box that forgot it believes an old receipt at most until the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinydb import Query

from edge.documents import open_documents

if TYPE_CHECKING:
    from edge.journal.files import Files

_TABLE = "cloud"
_NAME = "epoch"


class CloudMemory:
    """The documents of one box that concern the cloud."""

    def __init__(self, files: Files, directory: str) -> None:
        self._documents = open_documents(files, directory)

    @property
    def epoch(self) -> int:
        """The highest epoch that was heard of; 0 before the first receipt."""
        found = self._documents.table(_TABLE).get(Query().name == _NAME)
        return int(found["number"]) if isinstance(found, dict) else 0

    def save_epoch(self, epoch: int) -> None:
        """Remember an epoch, durably. DeviceError("documents-write-failed")."""
        self._documents.table(_TABLE).upsert({"name": _NAME, "number": epoch}, Query().name == _NAME)
