"""A disk in memory that writes down every operation of a program, for the enumeration of its crash states.

It stands behind the port `edge.journal.files.Files`, so the product's own code runs on it. What the program promises
meanwhile ("these records are synced now") is written down beside the operations by `promise`. What the operations mean
for a power cut is said in `medium`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.world.disk import File, MemoryDisk

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE, TRUNCATE, WRITE, SYNC = "create", "truncate", "write", "sync"
RENAME, UNLINK, MAKE_DIRECTORY, SYNC_DIRECTORY = "rename", "unlink", "mkdir", "sync-directory"
DIRECTORY = -1  # what an entry points to instead of a file


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `path` is the entry, or the directory of a sync; `file` numbers the file behind the name."""

    kind: str
    path: str
    file: int = DIRECTORY
    target: str = ""  # of a rename
    offset: int = 0  # of a write
    data: bytes = b""

    def __str__(self) -> str:
        what = f" -> {self.target}" if self.target else ""
        return f"{self.kind} {self.path}{what}" + (
            f" [{self.offset}, +{len(self.data)}]" if self.data else ""
        )


class RecordingDisk(MemoryDisk):
    """The files `found`, all of them durable, then whatever happens to them: `log`, and `promises` by its length."""

    def __init__(self, found: Mapping[str, bytes]) -> None:
        super().__init__()
        self.fill(dict(found))
        self.log: list[Operation] = []
        self.promises: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._files: list[File] = []  # kept alive, so that no second file is taken for the first
        self._names: dict[int, str] = {}
        self._directories = {directory for path in found for directory in directories_of(path)}
        self.found = {path: (self._number(self.entries[path]), data) for path, data in found.items()}

    def promise(self, given: Any) -> None:
        """From here on, after what is logged so far, the program promises this."""
        self.promises[len(self.log)] = given

    def create(self, path: str) -> int:
        """See Files. A file of that name is emptied, not replaced by another."""
        if path in self.entries:
            file = self.entries[path]
            self._note(TRUNCATE, path, file)
            del file.data[:]
            file.synced = 0
            return self._named(self._open(file), path)
        handle = super().create(path)
        self._note(CREATE, path, self.entries[path])
        return self._named(handle, path)

    def open_append(self, path: str) -> int:
        """See Files."""
        is_new = path not in self.entries
        handle = super().open_append(path)
        if is_new:
            self._note(CREATE, path, self.entries[path])
        return self._named(handle, path)

    def write(self, handle: int, data: bytes) -> None:
        """See Files."""
        file = self.handles[handle]
        number = self._number(file)
        self.log.append(
            Operation(WRITE, self._names[handle], number, offset=len(file.data), data=bytes(data))
        )
        super().write(handle, data)

    def fdatasync(self, handle: int) -> None:
        """See Files."""
        super().fdatasync(handle)
        self._note(SYNC, self._names[handle], self.handles[handle])

    def rename(self, source: str, target: str) -> None:
        """See Files."""
        if parent(source) != parent(target):
            raise AssertionError("the model knows no rename from one directory to another")
        number = self._number(self.entries[source])
        super().rename(source, target)
        self.log.append(Operation(RENAME, source, number, target))

    def unlink(self, path: str) -> None:
        """See Files."""
        super().unlink(path)
        self.log.append(Operation(UNLINK, path))

    def make_directory(self, directory: str) -> None:
        """See Files: parents first, each made durable in its own parent before the next."""
        for path in [*directories_of(directory), directory]:
            if path not in self._directories:
                self._directories.add(path)
                self.log.append(Operation(MAKE_DIRECTORY, path))
                self.sync_directory(parent(path))

    def sync_directory(self, directory: str) -> None:
        """See Files."""
        super().sync_directory(directory)
        self.log.append(Operation(SYNC_DIRECTORY, directory))

    def lock(self, path: str) -> int:
        """See Files: the file of the lock is an entry like others."""
        return self.open_append(path)

    def _note(self, kind: str, path: str, file: File) -> None:
        self.log.append(Operation(kind, path, self._number(file)))

    def _number(self, file: File) -> int:
        if id(file) not in self._numbers:
            self._numbers[id(file)] = len(self._files)
            self._files.append(file)
        return self._numbers[id(file)]

    def _named(self, handle: int, path: str) -> int:
        self._names[handle] = path
        return handle


def parent(path: str) -> str:
    """The directory that a path is in; "" is the root."""
    return path.rpartition("/")[0]


def directories_of(path: str) -> list[str]:
    """Every directory above a path, the outermost first, without the root."""
    found = []
    while path := parent(path):
        found.append(path)
    return found[::-1]
