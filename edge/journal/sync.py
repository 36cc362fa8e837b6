"""One sync as a job that may run in another thread, and the mending of a failed one.

A job touches only the handles of its shelves and its own fields; everything else happens in the journal's thread.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from edge.journal.segment import Segment, SegmentName, encode_head, read_segment
from protocol.errors import DeviceError

if TYPE_CHECKING:
    from edge.journal.shelf import Shelf

_FULL = (errno.ENOSPC, errno.EDQUOT)


class SyncJob:
    """Write these frames on these shelves and sync them; into a fresh segment when one is named."""

    __slots__ = ("_failures", "_full", "_shelves", "chain_before", "data", "frames", "fresh")

    def __init__(
        self, shelves: list[Shelf], frames: list[bytes], fresh: SegmentName | None, chain_before: bytes
    ) -> None:
        self._shelves = shelves
        self._failures: dict[Shelf, str] = {}
        self._full = False
        self.frames = frames
        self.data = b"".join(frames)
        self.fresh = fresh
        self.chain_before = chain_before

    def run(self) -> None:
        """Do it, once. A shelf that fails is noted; the others go on."""
        for shelf in self._shelves:
            try:
                if self.fresh is not None:
                    shelf.start(self.fresh, encode_head(self.fresh, self.chain_before) + self.data)
                else:
                    shelf.append(self.data)
            except OSError as error:
                self._full = self._full or error.errno in _FULL
                self._failures[shelf] = error.strerror or type(error).__name__

    @property
    def is_durable(self) -> bool:
        """Whether at least one shelf has it all."""
        return len(self._failures) < len(self._shelves)

    @property
    def found_no_space(self) -> bool:
        """Whether a device was full."""
        return self._full

    def give_up_failed_shelves(self) -> list[Shelf]:
        """Close what failed: the handle is dead. The shelves that failed are returned."""
        for shelf, reason in self._failures.items():
            shelf.fail(reason)
        return list(self._failures)


def mend(shelves: list[Shelf], live: Segment, fresh: SegmentName, data: bytes) -> None:
    """Read back what was synced, then write `data` anew into a fresh segment on every shelf that takes it.

    A system forgets a failed write: the pages look clean, a second sync says yes, and nothing is on the disk. So
    the old file is left as it is and ends, by the name of the fresh one, at its last synced record.
    DeviceError: "journal-not-durable" (no shelf takes it), "journal-damaged" (none has the synced records).
    """
    damaged = 0
    for shelf in shelves:
        try:
            if not _has_synced(shelf, live):
                shelf.fail("damaged")
                damaged += 1
                continue
            shelf.start(fresh, encode_head(fresh, live.end_chain) + data)
            shelf.failure = ""
        except OSError as error:
            shelf.fail(error.strerror or type(error).__name__, is_full=error.errno in _FULL)
    if damaged == len(shelves):
        raise DeviceError("journal-damaged", "Synced records do not read back", "Restart the box")
    if all(shelf.failure for shelf in shelves):
        reasons = [f"{shelf.directory}: {shelf.failure}" for shelf in shelves]
        raise DeviceError(
            "journal-not-durable",
            f"Records could not be made durable ({'; '.join(reasons)})",
            "Check the disk",
        )


def _has_synced(shelf: Shelf, live: Segment) -> bool:
    read = read_segment(live.name, shelf.read(live.name), live.end_seq)
    return read is not None and (read[0].end_seq, read[0].end_chain) == (live.end_seq, live.end_chain)
