"""Reading a journal back from its directories: what is provable, what can be salvaged. Nothing is written here.

A generation is provable from its first held segment to the first place where bytes, chain or files do not fit. An
incomplete tail of the last file was never known to be synced and is left out. Valid frames beyond damage are
salvaged: their bodies go into a new generation (`opening`), as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.journal.segment import HEAD_BYTES, Segment, SegmentName, read_head, read_segment
from protocol.errors import PeerError
from protocol.frame import CLEAN, HEADER_BYTES, INCOMPLETE, MAX_FRAME_BYTES, Frame, decode_frame, salvage

if TYPE_CHECKING:
    from edge.journal.receipts import Receipts
    from edge.journal.shelf import Shelf


@dataclass(slots=True)
class Generation:
    """One generation as found: its provable segments, and the frames beyond them when there is damage."""

    ordinal: int
    generation: str
    segments: list[Segment] = field(default_factory=list)
    beyond: list[Frame] = field(default_factory=list)
    is_damaged: bool = False
    before_seq: int = 0  # the seq before the oldest held file
    renewed_at: int | None = None

    @property
    def end_seq(self) -> int:
        """The last provable seq."""
        return self.segments[-1].end_seq if self.segments else self.before_seq

    @property
    def closing_seq(self) -> int:
        """Where it ends once a newer generation is open: after a renewal at the last confirmed seq."""
        return self.end_seq if self.renewed_at is None else self.renewed_at

    @property
    def oldest_seq(self) -> int:
        """The oldest seq still held."""
        return self.segments[0].name.first_seq if self.segments else self.before_seq + 1


def read_generations(shelf: Shelf, receipts: Receipts) -> list[Generation]:
    """Everything on a shelf, oldest generation first."""
    by_ordinal: dict[tuple[int, str], list[SegmentName]] = {}
    for name in shelf.names():
        by_ordinal.setdefault((name.ordinal, name.generation), []).append(name)
    return [
        _Walk(shelf, receipts.through.get(generation, 0), receipts.closed.get(generation)).generation(names)
        for (_, generation), names in sorted(by_ordinal.items())
    ]


def frames_of(shelf: Shelf, generation: str) -> list[Frame]:
    """Every valid frame of a generation on a shelf, provable or not, without repeats, by seq."""
    names = [name for name in shelf.names() if name.generation == generation]
    return _distinct([frame for name in names for frame in _salvaged(shelf.read(name)[HEAD_BYTES:])])


class _Walk:
    """One generation's files from the oldest on, up to the first that does not fit."""

    def __init__(self, shelf: Shelf, through: int, closed_at: int | None) -> None:
        self._shelf = shelf
        self._through = through
        self._closed_at = closed_at

    def generation(self, names: list[SegmentName]) -> Generation:
        found = Generation(names[0].ordinal, names[0].generation, before_seq=names[0].first_seq - 1)
        for place, name in enumerate(names):
            following = names[place + 1] if place + 1 < len(names) else None
            if self._closed_at is not None and name.first_seq > self._closed_at:
                break
            damage = self._take(found, name, following)
            if damage is not None:
                found.is_damaged = True
                found.beyond = self._beyond(found.end_seq, damage, names[place + 1 :])
                break
        return found

    def _take(self, found: Generation, name: SegmentName, following: SegmentName | None) -> bytes | None:
        """Add a segment; the bytes from which to salvage when it does not fit, None when it does."""
        glanced = self._glance(name, following)
        data = b"" if glanced else self._shelf.read(name)
        read = (glanced, CLEAN) if glanced else read_segment(name, data, self._until(following))
        if read is None or not _joins(found, read[0]):
            return data or self._shelf.read(name)
        segment, tail = read
        found.segments.append(segment)
        if segment.end_seq == self._until(following) or glanced:
            return None
        rest = data[segment.length :]
        is_last = following is None and self._closed_at is None
        is_unfinished = tail == INCOMPLETE and whole_but_for_its_length(rest) is None
        return None if is_last and (tail == CLEAN or is_unfinished) else rest

    def _until(self, following: SegmentName | None) -> int | None:
        if following is None or (self._closed_at is not None and self._closed_at < following.first_seq):
            return self._closed_at
        return following.first_seq - 1

    def _glance(self, name: SegmentName, following: SegmentName | None) -> Segment | None:
        """A segment the cloud has confirmed is not scanned again: its two neighbouring heads say enough."""
        if (
            following is None
            or following.first_seq - 1 > self._through
            or following.first_seq <= name.first_seq
        ):
            return None
        before = read_head(name, self._shelf.read(name, 0, HEAD_BYTES))
        after = read_head(following, self._shelf.read(following, 0, HEAD_BYTES))
        if before is None or after is None:
            return None
        size = self._shelf.size(name)
        return Segment(name, before, following.first_seq - 1, after, length=size, file_bytes=size)

    def _beyond(self, end_seq: int, damage: bytes, later: list[SegmentName]) -> list[Frame]:
        frames = _salvaged(damage)
        for name in later:
            frames += _salvaged(self._shelf.read(name)[HEAD_BYTES:])
        last = self._closed_at
        return _distinct([f for f in frames if f.seq > end_seq and (last is None or f.seq <= last)])


def whole_but_for_its_length(rest: bytes) -> Frame | None:
    """The last frame of a file when only its length field is damaged; a torn one never fits its checksum.

    The length is not under the checksum: a flipped bit there looks like a frame that goes on behind the end.
    """
    if not HEADER_BYTES < len(rest) <= MAX_FRAME_BYTES:
        return None
    mended = (len(rest) - HEADER_BYTES).to_bytes(4, "big") + rest[4:]
    try:
        return decode_frame(mended)[0]
    except PeerError:
        return None


def _salvaged(data: bytes) -> list[Frame]:
    frames = [frame for _, frame in salvage(data)]
    mended = whole_but_for_its_length(data)
    return frames if mended is None else [*frames, mended]


def _joins(found: Generation, segment: Segment) -> bool:
    if not found.segments:
        return True
    last = found.segments[-1]
    return last.end_seq + 1 == segment.name.first_seq and last.end_chain == segment.chain_before


def _distinct(frames: list[Frame]) -> list[Frame]:
    return sorted({(frame.seq, frame.chain): frame for frame in frames}.values(), key=lambda frame: frame.seq)
