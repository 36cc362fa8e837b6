"""A disk in memory that forgets what was not synced, and a real disk that fails on demand, for the journal's tests."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from edge.journal.files import OsFiles

SECTOR_BYTES = 512


class PowerCut(BaseException):
    """The lights are out: nothing in the process may go on."""


@dataclass
class File:
    """One file: its bytes as the system shows them, and how many of them are on the medium."""

    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""

    def torn(self, chance: random.Random) -> bytes:
        """What is found after a power cut: the synced bytes, and of the rest any sectors, others being zeros."""
        if bytes(self.data[: len(self.synced)]) != self.synced:
            return self.synced if chance.random() < 0.5 else bytes(self.data)
        end = chance.randint(len(self.synced), len(self.data))
        if chance.random() < 0.3:
            end = len(self.data)
        found = bytearray(self.data[:end])
        if chance.random() < 0.5:
            for start in range(len(self.synced) // SECTOR_BYTES * SECTOR_BYTES, end, SECTOR_BYTES):
                if chance.random() < 0.5:
                    low = max(start, len(self.synced))
                    high = min(start + SECTOR_BYTES, end)
                    found[low:high] = bytes(high - low)
        return bytes(found)


class MemoryDisk:
    """Files with a power switch. `cut_at` is the number of the operation at which the power goes."""

    def __init__(self, cut_at: int | None = None, room: int = 1 << 40) -> None:
        self.entries: dict[str, File] = {}
        self.durable: dict[str, File] = {}
        self.handles: dict[int, File] = {}
        self.operations = 0
        self.cut_at = cut_at
        self.room = room
        self.sync_fails = 0
        self._next_handle = 3

    def step(self) -> None:
        self.operations += 1
        if self.cut_at is not None and self.operations > self.cut_at:
            raise PowerCut

    def after_power_cut(self, seed: int) -> MemoryDisk:
        chance = random.Random(seed)
        found = MemoryDisk(room=self.room)
        names = sorted({*self.entries, *self.durable})
        for name in names:
            before, after = self.durable.get(name), self.entries.get(name)
            kept = after if before is not after and chance.random() < 0.5 else before
            if kept is not None:
                data = kept.torn(chance)
                found.entries[name] = found.durable[name] = File(bytearray(data), data)
        return found

    def _open(self, file: File) -> int:
        self._next_handle += 1
        self.handles[self._next_handle] = file
        return self._next_handle

    def create(self, path: str) -> int:
        self.step()
        self.entries[path] = File()
        return self._open(self.entries[path])

    def open_append(self, path: str) -> int:
        self.step()
        return self._open(self.entries.setdefault(path, File()))

    def write(self, handle: int, data: bytes) -> None:
        file = self.handles[handle]
        try:
            self.step()
        except PowerCut:
            file.data += data[: len(data) // 2]
            raise
        if len(data) > self.free_bytes(""):
            file.data += data[: self.free_bytes("")]
            raise OSError(errno.ENOSPC, "No space left on device")
        file.data += data

    def fdatasync(self, handle: int) -> None:
        self.step()
        file = self.handles[handle]
        if self.sync_fails:
            self.sync_fails -= 1
            raise OSError(errno.EIO, "Input/output error")
        file.synced = bytes(file.data)

    def close(self, handle: int) -> None:
        self.handles.pop(handle)

    def read(self, path: str, offset: int = 0, length: int = -1) -> bytes:
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        data = bytes(self.entries[path].data)
        return data[offset:] if length < 0 else data[offset : offset + length]

    def size(self, path: str) -> int:
        return len(self.entries[path].data) if path in self.entries else -1

    def rename(self, source: str, target: str) -> None:
        self.step()
        self.entries[target] = self.entries.pop(source)

    def unlink(self, path: str) -> None:
        self.step()
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        del self.entries[path]

    def list(self, directory: str) -> list[str]:
        return sorted(
            PurePosixPath(path).name for path in self.entries if str(PurePosixPath(path).parent) == directory
        )

    def make_directory(self, directory: str) -> None:
        pass

    def sync_directory(self, directory: str) -> None:
        self.step()
        for names in (self.durable, self.entries):
            for path in [path for path in names if str(PurePosixPath(path).parent) == directory]:
                if path in self.entries:
                    self.durable[path] = self.entries[path]
                else:
                    del self.durable[path]

    def free_bytes(self, directory: str) -> int:  # noqa: ARG002 - the port has it
        return max(0, self.room - sum(len(file.data) for file in self.entries.values()))

    def lock(self, path: str) -> int:  # noqa: ARG002 - the port has it
        return self._open(File())


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
