"""The world's disk in memory for the journal's tests, and a real disk that fails on demand."""

from __future__ import annotations

import errno
import random

from edge.journal.files import OsFiles
from simulators.world import disk
from simulators.world.disk import File
from simulators.world.process import PowerCut

__all__ = ["FailingFiles", "File", "MemoryDisk", "PowerCut"]


class MemoryDisk(disk.MemoryDisk):
    """The same, found again after a power cut by the number of a seed."""

    def after_power_cut(self, seed: int) -> MemoryDisk:
        found = MemoryDisk(room=self.room)
        found.fill(self.survivors(random.Random(seed)))
        return found


class FailingFiles(OsFiles):
    """The real disk, whose next syncs or writes fail; in one directory only when that is named."""

    def __init__(self) -> None:
        self.sync_fails = 0
        self.write_fails = 0
        self.bad_directory = ""
        self.paths: dict[int, str] = {}

    def create(self, path: str) -> int:
        handle = super().create(path)
        self.paths[handle] = path
        return handle

    def open_append(self, path: str) -> int:
        handle = super().open_append(path)
        self.paths[handle] = path
        return handle

    def _is_bad(self, handle: int) -> bool:
        return self.paths.get(handle, "").startswith(self.bad_directory)

    def write(self, handle: int, data: bytes) -> None:
        if self.write_fails and self._is_bad(handle):
            self.write_fails -= 1
            super().write(handle, data[: len(data) // 2])
            raise OSError(errno.EIO, "Input/output error")
        super().write(handle, data)

    def fdatasync(self, handle: int) -> None:
        if self.sync_fails and self._is_bad(handle):
            self.sync_fails -= 1
            raise OSError(errno.EIO, "Input/output error")
        super().fdatasync(handle)
