"""The disk of one box in the world: dies with the box's process, fails on demand, notes what it was told."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge.journal.segment import HEAD_BYTES
from simulators.world.disk import MemoryDisk
from simulators.world.process import PowerCut

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from simulators.world.process import Process
    from simulators.world.trace import Trace

SEGMENT_SUFFIX, SEGMENT_MAGIC = ".tbj", b"TBJ1"
FRAME = struct.Struct(">I12x32s")  # length and chain of a frame's head
ROOM_BYTES = 1 << 40  # of a disk that is not full


class BoxDisk(MemoryDisk):
    """One life of a box's disk; `next_life` is what the next one finds."""

    def __init__(self, owner: Process, trace: Trace, note_record: Callable[[bytes], None]) -> None:
        super().__init__()
        self._owner, self._trace = owner, trace
        self._note_record = note_record
        self._segments: set[int] = set()  # the handles of journal files

    def step(self) -> None:
        """Nothing reaches the disk of a box without power."""
        if self._owner.is_dead:
            raise PowerCut
        super().step()

    def fill_up(self, free: int) -> None:
        """Somebody else's files take all room but this."""
        self.room = sum(len(file.data) for file in self.entries.values()) + free

    def empty(self) -> None:
        """There is room again."""
        self.room = ROOM_BYTES

    def create(self, path: str) -> int:
        """See Files."""
        return self._opened(path, super().create(path))

    def open_append(self, path: str) -> int:
        """See Files."""
        return self._opened(path, super().open_append(path))

    def write(self, handle: int, data: bytes) -> None:
        """See Files; `note_record` gets the chain of each record that is written here."""
        super().write(handle, data)
        if handle in self._segments:
            place = HEAD_BYTES if data[:4] == SEGMENT_MAGIC else 0
            while place + FRAME.size <= len(data):
                length, chain = FRAME.unpack_from(data, place)
                self._note_record(chain)
                place += FRAME.size + length

    def fdatasync(self, handle: int) -> None:
        """See Files."""
        super().fdatasync(handle)
        self._trace.note("disk.synced", self._owner.name, len(self.handles[handle].data))

    def copy(self, folders: tuple[str, ...]) -> dict[str, bytes]:
        """What an image of these folders holds that is taken now: whatever is on the medium."""
        return {
            path: file.on_medium() for path, file in sorted(self.durable.items()) if _folder(path) in folders
        }

    def put_back(self, copy: dict[str, bytes], folders: tuple[str, ...]) -> None:
        """These folders are as in the copy again."""
        for names in (self.entries, self.durable):
            for path in [path for path in names if _folder(path) in folders]:
                del names[path]
        self.fill(copy)

    def next_life(self, owner: Process, chance: Random) -> BoxDisk:
        """The same disk after a crash of its box: what was not synced is torn or lost."""
        found = BoxDisk(owner, self._trace, self._note_record)
        found.room = self.room
        found.fill(self.survivors(chance))
        if any(
            bytes(file.data) != found.read(path)
            for path, file in self.entries.items()
            if path in found.entries
        ):
            self._trace.note("disk.torn", owner.name)
        return found

    def _opened(self, path: str, handle: int) -> int:
        if SEGMENT_SUFFIX in path:
            self._segments.add(handle)
        return handle


def _folder(path: str) -> str:
    """The name of the folder that a file lies in."""
    return path.rpartition("/")[0].rpartition("/")[2]
