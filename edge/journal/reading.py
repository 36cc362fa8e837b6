"""Reading frames from segments: a stretch for the uplink, one frame, everything for recovery of open sales."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from edge.journal.segment import HEAD_BYTES, Segment, read_segment
from protocol.errors import DeviceError, PeerError
from protocol.frame import MAX_FRAME_BYTES, Frame, decode_frame, salvage

if TYPE_CHECKING:
    from edge.journal.shelf import Shelf

READ_BYTES = 2 * MAX_FRAME_BYTES  # one read holds at least one whole frame, mostly a whole batch


def find_segment(segments: list[Segment], seq: int) -> Segment | None:
    """The segment that holds `seq`, or None."""
    place = bisect_right(segments, seq, key=lambda segment: segment.name.first_seq)
    for segment in reversed(segments[:place]):  # files without records may begin at the same seq
        if segment.end_seq >= seq:
            return segment
        if segment.end_seq >= segment.name.first_seq:
            return None
    return None


def read_stretch(shelves: list[Shelf], segment: Segment, from_seq: int, max_bytes: int) -> list[bytes]:
    """Encoded frames from `from_seq` on, at least one, in all at most `max_bytes` or one frame, of one segment.

    Every checksum is checked; a shelf whose bytes are wrong is passed over. DeviceError("journal-damaged") when no
    shelf has them right: opening the journal again salvages the rest.
    """
    for shelf in shelves:
        try:
            _index(shelf, segment)
            return _walk(shelf, segment, from_seq, max_bytes)
        except (OSError, PeerError):
            continue
    raise DeviceError(
        "journal-damaged", f"Records from {from_seq} on cannot be read in {segment.name}", "Restart the box"
    )


def read_all(shelves: list[Shelf], segment: Segment) -> list[Frame]:
    """Every valid frame of a segment, also those between damage, from all shelves if the first is not whole."""
    wanted = range(segment.name.first_seq, segment.end_seq + 1)
    found: dict[int, Frame] = {}
    for shelf in shelves:
        if len(found) < len(wanted):
            frames = (frame for _, frame in salvage(shelf.read(segment.name)[HEAD_BYTES:]))
            found = {frame.seq: frame for frame in frames if frame.seq in wanted} | found
    return [found[seq] for seq in sorted(found)]


def _index(shelf: Shelf, segment: Segment) -> None:
    if segment.is_indexed:
        return
    read = read_segment(segment.name, shelf.read(segment.name), segment.end_seq)
    if read is None or read[0].end_seq != segment.end_seq:
        raise PeerError("journal-damaged", f"{segment.name} is damaged", "Read the other shelf")
    segment.marks, segment.length, segment.is_indexed = read[0].marks, read[0].length, True


def _walk(shelf: Shelf, segment: Segment, from_seq: int, max_bytes: int) -> list[bytes]:
    offset = segment.offset_before(from_seq)
    found: list[bytes] = []
    room = max_bytes
    while offset < segment.length:
        data = shelf.read(segment.name, offset, min(READ_BYTES, segment.length - offset))
        at = 0
        while len(data) - at >= MAX_FRAME_BYTES or (offset + len(data) >= segment.length and at < len(data)):
            frame, end = decode_frame(data, at)
            if frame.seq >= from_seq:
                room -= end - at
                if found and room < 0:
                    return found
                found.append(data[at:end])
            at = end
        if not at:
            raise PeerError(
                "journal-damaged", f"{segment.name} is shorter than it was", "Read the other shelf"
            )
        offset += at
    return found
