"""How much room the journal takes and has: quota, reserve, receipted segments that may go.

Only a segment that the cloud confirmed is ever removed. A file of zeros is kept as a reserve on each device; it is
given back when the disk is full, so that the running sale can end although others filled the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.journal.bounds import SALE_BYTES_MAX, Bounds
from edge.journal.opening import note_receipts, save_receipts
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from edge.journal.receipts import Receipts
    from edge.journal.recovery import Generation
    from edge.journal.segment import Segment
    from edge.journal.shelf import Shelf

RECEIPT_NOTED = declare("journal.receipt_noted", "a segment is known to be receipted, nothing is removed yet")
PRUNED = declare("journal.pruned", "a receipted segment is removed from one directory")


class Space:
    """The bookkeeping of bytes over the shelves and generations of one journal."""

    def __init__(
        self, shelves: list[Shelf], generations: list[Generation], receipts: Receipts, bounds: Bounds
    ) -> None:
        self._shelves = shelves
        self._generations = generations
        self._receipts = receipts
        self._bounds = bounds
        self.used_bytes = 0

    def prepare(self) -> None:
        """Take over what was remembered of receipts and lay the reserve aside."""
        for _, segment in self._segments():
            segment.receipted_ms = self._receipts.receipted_ms.get(str(segment.name))
        self.recount()
        self._has_reserve()

    def recount(self) -> None:
        """Count anew after segments came or went."""
        self.used_bytes = sum(segment.file_bytes for _, segment in self._segments())

    def refusal(self, needed_bytes: int) -> str:
        """Why that many bytes may not be promised: "", "journal-full" or "disk-full"."""
        free = self._bounds.quota_bytes - self.used_bytes + sum(s.file_bytes for _, s in self._reclaimable())
        if needed_bytes + self._bounds.reserve_bytes > free:
            return "journal-full"
        try:
            is_short = any(shelf.free_bytes() < needed_bytes for shelf in self._working())
        except OSError:
            is_short = True
        return "disk-full" if is_short or not self._has_reserve() else ""

    def note_receipt(self, found: Generation, through: int, now_ms: int) -> None:
        """Remember, durably, which whole segments the cloud has confirmed now."""
        segments = found.segments if found is not self._generations[-1] else found.segments[:-1]
        newly = [s for s in segments if s.receipted_ms is None and s.end_seq <= through]
        if not newly:
            return
        for segment in newly:
            segment.receipted_ms = now_ms
            self._receipts.receipted_ms[str(segment.name)] = now_ms
        note_receipts(self._shelves, self._receipts)
        fault(RECEIPT_NOTED)

    def reclaim(self, now_ms: int | None = None) -> None:
        """Remove receipted segments past the keeping time, and more, oldest first, while space is short."""
        is_changed = False
        for found, segment in self._reclaimable():
            is_expired = now_ms is not None and now_ms - (segment.receipted_ms or 0) >= self._bounds.keep_ms
            if (is_expired or self._is_short()) and self._remove(found, segment):
                is_changed = True
        for found in [f for f in self._generations[:-1] if not f.segments]:
            self._forget(found)
            is_changed = True
        if is_changed:
            note_receipts(self._shelves, self._receipts)

    def make_room(self) -> None:
        """The disk is full: give back the reserve and everything receipted."""
        for shelf in self._shelves:
            try:
                shelf.drop_ballast()
            except OSError as error:
                shelf.fail(error.strerror or "unwritable")
        for found, segment in self._reclaimable():
            if not self._remove(found, segment):
                break

    def forget_receipts(self) -> None:
        """Nothing counts as receipted any more, durably."""
        self._receipts.through.clear()
        self._receipts.receipted_ms.clear()
        for _, segment in self._segments():
            segment.receipted_ms = None
        save_receipts(self._shelves, self._receipts)

    def _is_short(self) -> bool:
        return self.used_bytes + self._bounds.reserve_bytes + SALE_BYTES_MAX > self._bounds.quota_bytes

    def _segments(self) -> list[tuple[Generation, Segment]]:
        return [(found, segment) for found in self._generations for segment in found.segments]

    def _reclaimable(self) -> list[tuple[Generation, Segment]]:
        """Receipted segments, oldest first, up to the first that is not: what is held stays gapless."""
        segments = self._segments()[:-1]
        kept = next((place for place, (_, s) in enumerate(segments) if s.receipted_ms is None), len(segments))
        return segments[:kept]

    def _working(self) -> list[Shelf]:
        return [shelf for shelf in self._shelves if not shelf.failure]

    def _remove(self, found: Generation, segment: Segment) -> bool:
        """Remove a segment, and with it what a shelf that failed meanwhile still has before it: no hole may stay.

        While no shelf works, as on a full disk, the files of all of them are the journal. False when nothing went.
        """
        is_gone = False
        for shelf in self._working() or self._shelves:
            try:
                for name in [name for name in shelf.names() if name <= segment.name]:
                    shelf.remove(name)
                is_gone = True
            except OSError as error:
                shelf.fail(error.strerror or "unwritable")
            fault(PRUNED)
        if not is_gone:
            return False
        found.segments.remove(segment)
        found.before_seq = segment.end_seq
        self._receipts.receipted_ms.pop(str(segment.name), None)
        self.used_bytes -= segment.file_bytes
        return True

    def _forget(self, found: Generation) -> None:
        """A closed generation has nothing provable left: its damaged files were salvaged long ago."""
        for shelf in self._working():
            try:
                for name in shelf.names():
                    if name.generation == found.generation:
                        shelf.remove(name)
            except OSError as error:
                shelf.fail(error.strerror or "unwritable")
        self._generations.remove(found)
        self._receipts.closed.pop(found.generation, None)
        self._receipts.through.pop(found.generation, None)

    def _has_reserve(self) -> bool:
        """Whether the reserve lies on every device; it is laid there again when there is room for it."""
        size = self._bounds.reserve_bytes
        try:
            for shelf in self._working():
                if not shelf.has_ballast(size):
                    if shelf.free_bytes() < 2 * size:
                        return False
                    shelf.load_ballast(size)
        except OSError:
            return False
        return True
