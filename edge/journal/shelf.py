"""One directory of segment files with the handle that is being written.

The journal has one shelf, or two on two devices.

A shelf that fails is given up until the journal is opened again: its handle is closed and never written to, because
after a failed write or sync nobody knows what its file holds.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from edge.journal.files import REPLACEMENT_SUFFIX, join, read_if_there, replace_file
from edge.journal.receipts import RECEIPTS_NAME
from edge.journal.segment import SegmentName, parse_name
from protocol.errors import DeviceError
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from edge.journal.files import Files

BALLAST_NAME = "reserve.bin"  # a file of zeros that is given back to the disk when it is full
LOCK_NAME = "lock"

WRITTEN = declare("journal.written", "records are written to a segment, not synced")


class Shelf:
    """The segment files of one directory. OSError goes up; `failure` is "" while the shelf is in use."""

    def __init__(self, files: Files, directory: str) -> None:
        self.files = files
        self.directory = directory
        self.failure = ""
        self.is_full = False  # it failed for want of space
        self._handle: int | None = None
        self._lock: int | None = None

    def take(self) -> None:
        """Make the directory, take its lock, drop unfinished replacements. A device that cannot is a failed shelf.

        DeviceError("journal-in-use") when another process has the directory.
        """
        try:
            self.files.make_directory(self.directory)
            self._lock = self.files.lock(self._path(LOCK_NAME))
            for name in self.files.list(self.directory):
                if name.endswith(REPLACEMENT_SUFFIX):
                    self.files.unlink(self._path(name))
        except BlockingIOError as error:
            raise DeviceError(
                "journal-in-use", f"Another process has the journal in {self.directory}", "Stop the other box"
            ) from error
        except OSError as error:
            self.fail(error.strerror or type(error).__name__)

    def names(self) -> list[SegmentName]:
        """The segments, in the order of writing."""
        found = (parse_name(name) for name in self.files.list(self.directory))
        return sorted(name for name in found if name is not None)

    def read(self, name: SegmentName, offset: int = 0, length: int = -1) -> bytes:
        """Bytes of a segment file."""
        return self.files.read(self._path(str(name)), offset, length)

    def size(self, name: SegmentName) -> int:
        """Bytes of a segment file, -1 when absent."""
        return self.files.size(self._path(str(name)))

    def put(self, name: SegmentName, data: bytes) -> None:
        """Store a whole segment file: it is there with all of `data`, durable, or not at all."""
        replace_file(self.files, self._path(str(name)), data)

    def remove(self, name: SegmentName) -> None:
        """Remove a segment file for good, before the next one is touched: a hole never comes back."""
        with contextlib.suppress(FileNotFoundError):
            self.files.unlink(self._path(str(name)))
        self.files.sync_directory(self.directory)

    def load_receipts(self) -> bytes | None:
        """The receipts file, if there is one."""
        return read_if_there(self.files, self._path(RECEIPTS_NAME))

    def save_receipts(self, data: bytes) -> None:
        """Replace the receipts file, durably."""
        replace_file(self.files, self._path(RECEIPTS_NAME), data)

    def start(self, name: SegmentName, data: bytes) -> None:
        """Put a segment and go on writing to it."""
        self.put(name, data)
        self.stop()
        self._handle = self.files.open_append(self._path(str(name)))

    def append(self, data: bytes) -> None:
        """Write to the started segment and sync it."""
        if self._handle is None:
            raise OSError(9, "no segment is started")
        self.files.write(self._handle, data)
        fault(WRITTEN)
        self.files.fdatasync(self._handle)

    def stop(self) -> None:
        """Close the handle of the started segment."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with contextlib.suppress(OSError):
                self.files.close(handle)

    def fail(self, reason: str, *, is_full: bool = False) -> None:
        """Give the shelf up."""
        self.failure, self.is_full = reason, is_full
        self.stop()

    def close(self) -> None:
        """Let go of handle and lock."""
        self.stop()
        if self._lock is not None:
            self.files.close(self._lock)
            self._lock = None

    def has_ballast(self, size: int) -> bool:
        """Whether the reserve lies ready."""
        return self.files.size(self._path(BALLAST_NAME)) >= size

    def load_ballast(self, size: int) -> None:
        """Lay the reserve aside."""
        replace_file(self.files, self._path(BALLAST_NAME), bytes(size))

    def drop_ballast(self) -> None:
        """Give the reserve back to the disk."""
        with contextlib.suppress(FileNotFoundError):
            self.files.unlink(self._path(BALLAST_NAME))

    def free_bytes(self) -> int:
        """Bytes the device still takes."""
        return self.files.free_bytes(self.directory)

    def _path(self, name: str) -> str:
        return join(self.directory, name)
