"""What the journal holds, for reading: synced frames only. The live tail is answered from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.journal.reading import find_segment, read_all, read_stretch
from edge.ports import Span
from protocol.frame import decode_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.journal.receipts import Receipts
    from edge.journal.recovery import Generation
    from edge.journal.segment import Segment
    from edge.journal.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it lies in the journal."""

    generation: str
    seq: int
    chain: bytes
    body: bytes


class Held:
    """The records of all generations on the shelves; the last segment of the last generation is the live one."""

    def __init__(
        self, shelves: list[Shelf], generations: list[Generation], receipts: Receipts, recent_bytes_max: int
    ) -> None:
        self._shelves = shelves
        self._generations = generations
        self._receipts = receipts
        self._recent: dict[int, bytes] = {}
        self._recent_room = recent_bytes_max

    @property
    def newest(self) -> Generation:
        """The generation that is written."""
        return self._generations[-1]

    @property
    def live(self) -> Segment:
        """The segment that is written."""
        return self.newest.segments[-1]

    def find(self, generation: str) -> Generation | None:
        """A generation by its 16 hex digits."""
        return next((found for found in self._generations if found.generation == generation), None)

    def add(self, frames: list[bytes]) -> None:
        """Account for frames that are synced now, at the end of the live segment."""
        live = self.live
        for frame in frames:
            live.end_seq += 1
            live.mark(live.end_seq, live.length)
            live.length += len(frame)
            self._recent[live.end_seq] = frame
            self._recent_room -= len(frame)
        live.end_chain = frames[-1][16:48]
        live.file_bytes = live.length
        while self._recent_room < 0 and len(self._recent) > 1:
            self._recent_room += len(self._recent.pop(next(iter(self._recent))))

    def frames(self, generation: str, from_seq: int, max_bytes: int) -> list[bytes]:
        """See Journal.frames."""
        found = self.find(generation)
        if found is None:
            return []
        if found is self.newest and from_seq in self._recent:
            return self._recent_frames(from_seq, max_bytes)
        segment = find_segment(found.segments, from_seq)
        return [] if segment is None else read_stretch(self.working, segment, from_seq, max_bytes)

    def chain_at(self, generation: str, seq: int) -> bytes | None:
        """See Journal.chain_at."""
        found = self.find(generation)
        if found is None:
            return None
        for segment in found.segments:
            if segment.end_seq == seq:
                return segment.end_chain
            if segment.name.first_seq == seq + 1:
                return segment.chain_before
        frames = self.frames(generation, seq, 1)
        return decode_frame(frames[0])[0].chain if frames else None

    def records(self, starts: Mapping[str, int]) -> Iterator[Stored]:
        """See Journal.records."""
        for found in self._generations:
            start = starts.get(found.generation, 1)
            for segment in found.segments:
                if segment.end_seq < max(start, segment.name.first_seq):
                    continue
                for frame in read_all(self.working, segment):
                    if frame.seq >= start:
                        yield Stored(found.generation, frame.seq, frame.chain, frame.body)

    def spans(self) -> list[Span]:
        """See Journal.spans."""
        return [
            Span(
                found.generation,
                found.oldest_seq,
                last.end_seq,
                last.end_chain,
                self._through(found.generation),
            )
            for found in self._generations
            for last in found.segments[-1:]
        ]

    @property
    def working(self) -> list[Shelf]:
        """The shelves to read from: those in use, or all when none is."""
        return [shelf for shelf in self._shelves if not shelf.failure] or self._shelves

    def _through(self, generation: str) -> int:
        return self._receipts.through.get(generation, 0)

    def _recent_frames(self, from_seq: int, max_bytes: int) -> list[bytes]:
        found: list[bytes] = []
        room = max_bytes
        for seq in range(from_seq, self.live.end_seq + 1):
            room -= len(self._recent[seq])
            if found and room < 0:
                break
            found.append(self._recent[seq])
        return found
