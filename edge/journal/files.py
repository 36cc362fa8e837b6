"""The thin layer over the disk: every file call of the journal, the documents and the configuration slots.

It is an object that is passed in, so that the disk enumerator, a failing disk or a small disk can take its place.
Nothing here decides anything; an OSError goes up as it is. `replace_file` is the one way to replace a whole file.
Read `segment` next.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from protocol.faults import declare, fault

REPLACEMENT_SUFFIX = (
    ".new"  # what a replacement is called before it takes its place; leftovers are overwritten
)
FILE_MODE = 0o600  # sales are nobody's business but the box's

REPLACEMENT_WRITTEN = declare(
    "files.replacement_written", "a replacement is written beside the file, not synced"
)
REPLACEMENT_SYNCED = declare("files.replacement_synced", "a replacement is on disk under its temporary name")
REPLACEMENT_RENAMED = declare(
    "files.replacement_renamed", "a replacement has its name, its directory is not synced"
)


class Files(Protocol):
    """What the journal needs from a file system. Paths are plain texts; handles are small integers."""

    def create(self, path: str) -> int:
        """Make an empty file and open it for appending; an older file of that name is emptied."""

    def open_append(self, path: str) -> int:
        """Open a file for appending; it is made when absent."""

    def write(self, handle: int, data: bytes) -> None:
        """Append all of `data` or raise OSError; a part may then be in the file."""

    def fdatasync(self, handle: int) -> None:
        """Return only when what was written is on the medium."""

    def close(self, handle: int) -> None:
        """Let go of a handle."""

    def read(self, path: str, offset: int = 0, length: int = -1) -> bytes:
        """At most `length` bytes from `offset`; -1 is all of them."""

    def size(self, path: str) -> int:
        """Bytes of a file; -1 when there is none."""

    def rename(self, source: str, target: str) -> None:
        """Give a file another name; a file of that name is replaced."""

    def unlink(self, path: str) -> None:
        """Remove a file; FileNotFoundError when there is none."""

    def list(self, directory: str) -> list[str]:
        """The names in a directory, sorted."""

    def make_directory(self, directory: str) -> None:
        """Make a directory and its parents when absent, so that they survive a power cut."""

    def sync_directory(self, directory: str) -> None:
        """Return only when creations, renames and removals in the directory are on the medium."""

    def free_bytes(self, directory: str) -> int:
        """Bytes that may still be written to this file system."""

    def lock(self, path: str) -> int:
        """Take the one exclusive lock on a path until the handle is closed; BlockingIOError when it is taken."""


class OsFiles:
    """The real file system."""

    def create(self, path: str) -> int:
        """See Files."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)

    def open_append(self, path: str) -> int:
        """See Files."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)

    def write(self, handle: int, data: bytes) -> None:
        """See Files."""
        written = os.write(handle, data)
        while written < len(data):  # a short write is legal; a full disk then fails the next one
            written += os.write(handle, data[written:])

    def fdatasync(self, handle: int) -> None:
        """See Files. On macOS fsync leaves the data in the drive's cache; only F_FULLFSYNC does not."""
        if hasattr(fcntl, "F_FULLFSYNC"):
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(handle)

    def close(self, handle: int) -> None:
        """See Files."""
        os.close(handle)

    def read(self, path: str, offset: int = 0, length: int = -1) -> bytes:
        """See Files."""
        with Path(path).open("rb", buffering=0) as file:
            if offset:
                file.seek(offset)
            return file.read(length) or b""

    def size(self, path: str) -> int:
        """See Files."""
        try:
            return Path(path).stat().st_size
        except FileNotFoundError:
            return -1

    def rename(self, source: str, target: str) -> None:
        """See Files."""
        Path(source).replace(target)

    def unlink(self, path: str) -> None:
        """See Files."""
        Path(path).unlink()

    def list(self, directory: str) -> list[str]:
        """See Files."""
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are wanted, not paths

    def make_directory(self, directory: str) -> None:
        """See Files."""
        path = Path(directory).absolute()
        if path.is_dir():
            return
        self.make_directory(str(path.parent))
        path.mkdir(mode=0o700, exist_ok=True)
        self.sync_directory(str(path.parent))

    def sync_directory(self, directory: str) -> None:
        """See Files."""
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def free_bytes(self, directory: str) -> int:
        """See Files."""
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize

    def lock(self, path: str) -> int:
        """See Files."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle


def replace_file(files: Files, path: str, data: bytes) -> None:
    """Make `path` hold exactly `data`: after a power cut it holds the old bytes or the new, nothing else.

    Temporary file, sync, rename, directory sync; the file is durable when this returns. OSError leaves the old
    file in place, but for a failure of the last step, where it is one or the other.
    """
    temporary = path + REPLACEMENT_SUFFIX
    handle = files.create(temporary)
    try:
        files.write(handle, data)
        fault(REPLACEMENT_WRITTEN)
        files.fdatasync(handle)
    finally:
        files.close(handle)
    fault(REPLACEMENT_SYNCED)
    files.rename(temporary, path)
    fault(REPLACEMENT_RENAMED)
    files.sync_directory(str(Path(path).parent))


def read_if_there(files: Files, path: str) -> bytes | None:
    """All bytes of a file, or None when there is none."""
    return None if files.size(path) < 0 else files.read(path)


def join(directory: str, name: str) -> str:
    """The path of `name` in `directory`."""
    return directory.rstrip("/") + "/" + name
