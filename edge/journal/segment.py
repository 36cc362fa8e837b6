"""One segment file of the journal: its name, its head, where its frames lie.

    name    <ordinal:6>-<generation:16 hex>-<first seq:16>-<attempt:3>.tbj      sorts in the order of writing
    head    "TBJ1" | ordinal u32 | generation 8 | first seq u64 | chain before it 32 | crc32 u32     (60 bytes)
    frames  as in protocol.frame, gapless from the first seq

The ordinal counts the generations of this box's disk. The attempt counts files that begin at the same seq: a later one
takes the place of what came before it from that seq on. So a file ends where the next one begins, whatever else it
holds, and a file is never written again once a write to it failed. Read `recovery` next.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field

from edge.journal.bounds import MARK_EVERY
from protocol.frame import HEADER_BYTES, scan

SUFFIX = ".tbj"
MAGIC = b"TBJ1"
_HEAD = struct.Struct(">4sI8sQ32s")
HEAD_BYTES = _HEAD.size + 4


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """What a file name says. The head says the same; a disagreement is damage."""

    ordinal: int
    generation: str
    first_seq: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.ordinal:06d}-{self.generation}-{self.first_seq:016d}-{self.attempt:03d}{SUFFIX}"


@dataclass(slots=True)
class Segment:
    """A segment as known in memory. `end_seq` is first_seq - 1 while it is empty; `length` counts the good bytes."""

    name: SegmentName
    chain_before: bytes
    end_seq: int
    end_chain: bytes
    length: int = HEAD_BYTES
    marks: list[tuple[int, int]] = field(
        default_factory=list
    )  # (seq, offset), rising; empty: not looked into yet
    is_indexed: bool = False
    receipted_ms: int | None = None
    file_bytes: int = HEAD_BYTES  # with whatever lies beyond the good bytes

    def mark(self, seq: int, offset: int) -> None:
        """Remember where a frame lies, if it is one of those worth remembering."""
        if (seq - self.name.first_seq) % MARK_EVERY == 0:
            self.marks.append((seq, offset))

    def offset_before(self, seq: int) -> int:
        """The remembered offset of the last marked frame at or before `seq`."""
        place = bisect_right(self.marks, seq, key=lambda mark: mark[0])
        return self.marks[place - 1][1] if place else HEAD_BYTES


def parse_name(name: str) -> SegmentName | None:
    """Read a file name; None when it is not a segment's."""
    parts = name.removesuffix(SUFFIX).split("-")
    if not name.endswith(SUFFIX) or len(parts) != 4:
        return None
    numbers = [parts[0], parts[2], parts[3]]
    if not all(part.isascii() and part.isdigit() for part in numbers) or len(parts[1]) != 16:
        return None
    found = SegmentName(int(parts[0]), parts[1], int(parts[2]), int(parts[3]))
    return found if str(found) == name else None


def encode_head(name: SegmentName, chain_before: bytes) -> bytes:
    """The head of a segment file."""
    head = _HEAD.pack(MAGIC, name.ordinal, bytes.fromhex(name.generation), name.first_seq, chain_before)
    return head + zlib.crc32(head).to_bytes(4, "big")


def read_head(name: SegmentName, data: bytes) -> bytes | None:
    """The chain before the first frame, or None when the head is damaged or belongs to another name."""
    if len(data) < HEAD_BYTES:
        return None
    chain_before = data[_HEAD.size - 32 : _HEAD.size]
    return chain_before if data[:HEAD_BYTES] == encode_head(name, chain_before) else None


def read_segment(name: SegmentName, data: bytes, until: int | None = None) -> tuple[Segment, str] | None:
    """Scan a whole file: (segment, tail kind of protocol.frame.scan), or None when its head is damaged.

    With `until` the segment ends at that seq, because another file begins there: what lies beyond is not looked at
    and the tail is "clean" when the seq was reached.
    """
    chain_before = read_head(name, data)
    if chain_before is None:
        return None
    found = scan(data[HEAD_BYTES:], name.first_seq, chain_before)
    segment = Segment(name, chain_before, name.first_seq - 1, chain_before, is_indexed=True)
    segment.file_bytes = len(data)
    for frame, offset in zip(found.frames, found.offsets, strict=True):
        if until is not None and frame.seq > until:
            break
        segment.mark(frame.seq, HEAD_BYTES + offset)
        segment.length = HEAD_BYTES + offset + HEADER_BYTES + len(frame.body)
        segment.end_seq, segment.end_chain = frame.seq, frame.chain
    return segment, "clean" if segment.end_seq == until else found.tail
