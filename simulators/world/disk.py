"""A disk in memory that forgets what was not synced, behind the port `edge.journal.files.Files`.

`MemoryDisk` has a power switch that works by counting operations; `after_power_cut` is what is found afterwards.
The world's own disks, which die with a process and have seeded faults, are in `box_disk`.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulators.world.process import PowerCut

if TYPE_CHECKING:
    from random import Random

SECTOR_BYTES = 512
FIRST_HANDLE = 3  # as in a real process, after input, output and errors


@dataclass(slots=True)
class File:
    """One file: its bytes as the system shows them; the first `synced` of them are on the medium, but for `dropped`.

    Files only grow: nothing in the product writes into the middle of one. What a failed sync dropped is shown until the
    power goes, and no later sync brings it to the medium.
    """

    data: bytearray = field(default_factory=bytearray)
    synced: int = 0
    dropped: list[tuple[int, int]] = field(default_factory=list)

    def torn(self, chance: Random) -> bytes:
        """What is found after a power cut: the synced bytes, and of the rest any sectors, others being zeros."""
        end = chance.randint(self.synced, len(self.data))
        if chance.random() < 0.3:
            end = len(self.data)
        found = bytearray(self.data[:end])
        if chance.random() < 0.5:
            for start in range(self.synced // SECTOR_BYTES * SECTOR_BYTES, end, SECTOR_BYTES):
                if chance.random() < 0.5:
                    low = max(start, self.synced)
                    high = min(start + SECTOR_BYTES, end)
                    found[low:high] = bytes(high - low)
        return self._without_dropped(found)

    def on_medium(self) -> bytes:
        """What another system would read now: what is synced."""
        return self._without_dropped(self.data[: self.synced])

    def _without_dropped(self, found: bytearray) -> bytes:
        for start, end in self.dropped:
            high = min(end, len(found))
            if high == len(found):
                found = found[: min(start, high)]  # nothing came behind it: the file never grew
            else:
                found[start:high] = bytes(high - start)
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
        self.drops_pages = False  # a failed sync drops what it could not write, as most systems do
        self._next_handle = FIRST_HANDLE

    def step(self) -> None:
        """Count an operation that changes something; the power may go before it."""
        self.operations += 1
        if self.cut_at is not None and self.operations > self.cut_at:
            raise PowerCut

    def survivors(self, chance: Random) -> dict[str, bytes]:
        """What is found after a power cut now, by path: of what was not synced, anything may be there."""
        found = {}
        for name in sorted({*self.entries, *self.durable}):
            before, after = self.durable.get(name), self.entries.get(name)
            kept = after if before is not after and chance.random() < 0.5 else before
            if kept is not None:
                found[name] = kept.torn(chance)
        return found

    def fill(self, found: dict[str, bytes]) -> None:
        """Hold these files, all of them synced."""
        for name, data in found.items():
            self.entries[name] = self.durable[name] = File(bytearray(data), len(data))

    def create(self, path: str) -> int:
        """See Files."""
        self.step()
        self.entries[path] = File()
        return self._open(self.entries[path])

    def open_append(self, path: str) -> int:
        """See Files."""
        self.step()
        return self._open(self.entries.setdefault(path, File()))

    def write(self, handle: int, data: bytes) -> None:
        """See Files."""
        file = self.handles[handle]
        try:
            self.step()
        except PowerCut:
            file.data += data[: len(data) // 2]
            raise
        room = self.free_bytes("")
        if len(data) > room:
            file.data += data[:room]
            raise OSError(errno.ENOSPC, "No space left on device")
        file.data += data

    def fdatasync(self, handle: int) -> None:
        """See Files."""
        self.step()
        file = self.handles[handle]
        if self.sync_fails:
            self.sync_fails -= 1
            if self.drops_pages and len(file.data) > file.synced:
                file.dropped.append((file.synced, len(file.data)))
            raise OSError(errno.EIO, "Input/output error")
        file.synced = len(file.data)

    def close(self, handle: int) -> None:
        """See Files."""
        self.handles.pop(handle)

    def read(self, path: str, offset: int = 0, length: int = -1) -> bytes:
        """See Files."""
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        data = self.entries[path].data
        return bytes(data[offset:] if length < 0 else data[offset : offset + length])

    def size(self, path: str) -> int:
        """See Files."""
        return len(self.entries[path].data) if path in self.entries else -1

    def rename(self, source: str, target: str) -> None:
        """See Files."""
        self.step()
        self.entries[target] = self.entries.pop(source)

    def unlink(self, path: str) -> None:
        """See Files."""
        self.step()
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        del self.entries[path]

    def list(self, directory: str) -> list[str]:
        """See Files."""
        return sorted(path.rpartition("/")[2] for path in self.entries if _parent(path) == directory)

    def make_directory(self, directory: str) -> None:
        """See Files: directories are only names here."""

    def sync_directory(self, directory: str) -> None:
        """See Files."""
        self.step()
        for names in (self.durable, self.entries):
            for path in [path for path in names if _parent(path) == directory]:
                if path in self.entries:
                    self.durable[path] = self.entries[path]
                else:
                    del self.durable[path]

    def free_bytes(self, directory: str) -> int:
        """See Files."""
        del directory
        return max(0, self.room - sum(len(file.data) for file in self.entries.values()))

    def lock(self, path: str) -> int:
        """See Files: nobody else has this disk."""
        del path
        return self._open(File())

    def _open(self, file: File) -> int:
        self._next_handle += 1
        self.handles[self._next_handle] = file
        return self._next_handle


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
