"""Reads a box's journal directory as evidence: own parsing of files, frames, checksums and chain.

Nothing here is shared with the product, so an error of its code is not repeated. The layout stands in
docs/explanation/journal.md and docs/reference/frames.md. Nothing is written, no lock is taken: a running box is not
disturbed. `read_journal` is for those who only count; `read_directory` also tells what is damaged and what lies beyond.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"(\d{6})-([0-9a-f]{16})-(\d{16})-(\d{3})\.tbj")
_HEAD = struct.Struct(">4sI8sQ32sI")
_FRAME = struct.Struct(">IIQ32s")
MAX_BODY_BYTES = 65_536  # a longer body is no frame
MAX_SEQ = 1 << 40  # larger numbers are no frame either; the box would need centuries to get there
READ_TRIES = 3  # a running box may replace a file between the listing and the reading


class JournalRecord(NamedTuple):
    """One frame whose checksum and chain hold; `ordinal` orders the generations of one disk."""

    ordinal: int
    generation: str
    seq: int
    chain: bytes
    body: bytes


@dataclass(slots=True)
class JournalEvidence:
    """What one directory says: records that are proved, valid frames beyond damage, and the damage in words.

    `starts` holds the chain before the first record of each generation that is held from its beginning.
    """

    records: list[JournalRecord] = field(default_factory=list)
    beyond: list[JournalRecord] = field(default_factory=list)
    damages: list[str] = field(default_factory=list)
    starts: dict[str, bytes] = field(default_factory=dict)


class _File(NamedTuple):
    ordinal: int
    generation: str
    first_seq: int
    attempt: int
    path: Path


def chain_start(tenant: str, box: str, generation: str) -> bytes:
    """The chain before the first record of a box's journal."""
    parts = (b"tillbox", tenant.encode(), box.encode(), bytes.fromhex(generation))
    return hashlib.sha256(b"\x00".join(parts)).digest()


def chain_next(chain: bytes, seq: int, body: bytes) -> bytes:
    """The chain after a record."""
    return hashlib.sha256(chain + seq.to_bytes(8, "big") + body).digest()


def read_journal(directory: Path) -> list[JournalRecord]:
    """Every record of a journal directory that is proved, in the order of writing."""
    return read_directory(directory).records


def read_directory(directory: Path) -> JournalEvidence:
    """Read a journal directory; one that is missing is evidence of nothing."""
    for tries_left in reversed(range(READ_TRIES)):
        try:
            return _read(directory)
        except FileNotFoundError:
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _read(directory: Path) -> JournalEvidence:
    found = JournalEvidence()
    if not directory.is_dir():
        found.damages.append(f"{directory.name}: there is no such directory")
        return found
    by_generation: dict[tuple[int, str], list[_File]] = {}
    for path in directory.iterdir():
        name = _NAME.fullmatch(path.name)
        if name is not None:
            file = _File(int(name[1]), name[2], int(name[3]), int(name[4]), path)
            by_generation.setdefault((file.ordinal, file.generation), []).append(file)
    closed = _closed(directory)
    for (_, generation), files in sorted(by_generation.items()):
        _read_generation(found, sorted(files), closed.get(generation))
    return found


def _closed(directory: Path) -> dict[str, int]:
    """Where older generations end: what lies beyond was written again into the next one."""
    try:
        told = json.loads((directory / "receipts.json").read_bytes())
        return {str(name): int(seq) for name, seq in told["closed"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def _read_generation(found: JournalEvidence, files: list[_File], closed_at: int | None) -> None:
    """A file ends where the next one begins, whatever else it holds."""
    chain: bytes | None = None
    expected = files[0].first_seq
    for place, file in enumerate(files):
        following = files[place + 1].first_seq if place + 1 < len(files) else None
        until = None if following is None else following - 1
        if closed_at is not None:
            until = closed_at if until is None else min(until, closed_at)
        if until is not None and until < file.first_seq:
            continue
        data = file.path.read_bytes()
        head = _head(file, data)
        if head is None or file.first_seq != expected or (chain is not None and head != chain):
            found.damages.append(
                f"{file.path.name}: head damaged, or it does not continue record {expected - 1}"
            )
            _salvage(found, file, data[_HEAD.size :], expected)
            return
        if file.first_seq == 1:
            found.starts[file.generation] = head
        expected, chain, rest = _read_frames(found, file, data, head, until)
        is_short = until is not None and expected <= until
        if is_short or (until is None and _salvage(found, file, rest, expected)):
            found.damages.append(f"{file.path.name}: damaged after record {expected - 1}")
            if is_short:
                _salvage(found, file, rest, expected)
            return


def _head(file: _File, data: bytes) -> bytes | None:
    """The chain before the first frame; None when the head is damaged or is another file's."""
    if len(data) < _HEAD.size:
        return None
    magic, ordinal, generation, first_seq, chain, crc = _HEAD.unpack_from(data)
    told = (magic, ordinal, generation.hex(), first_seq)
    is_whole = zlib.crc32(data[: _HEAD.size - 4]) == crc
    return chain if is_whole and told == (b"TBJ1", file.ordinal, file.generation, file.first_seq) else None


def _read_frames(
    found: JournalEvidence, file: _File, data: bytes, chain: bytes, until: int | None
) -> tuple[int, bytes, bytes]:
    """Take frames while they hold: (next seq, chain, the bytes that are left)."""
    seq, offset = file.first_seq, _HEAD.size
    while until is None or seq <= until:
        frame = _frame(data, offset)
        if frame is None or frame[0] != seq or chain_next(chain, seq, frame[2]) != frame[1]:
            break
        chain = frame[1]
        found.records.append(JournalRecord(file.ordinal, file.generation, seq, chain, frame[2]))
        offset += _FRAME.size + len(frame[2])
        seq += 1
    return seq, chain, data[offset:]


def _frame(data: bytes, offset: int) -> tuple[int, bytes, bytes] | None:
    """(seq, chain, body) of the frame at an offset, None when none is whole there."""
    if offset + _FRAME.size > len(data):
        return None
    length, crc, seq, chain = _FRAME.unpack_from(data, offset)
    if not (1 <= length <= MAX_BODY_BYTES and 1 <= seq < MAX_SEQ):
        return None
    end = offset + _FRAME.size + length
    if end > len(data) or zlib.crc32(data[offset + 8 : end]) != crc:
        return None
    return seq, chain, data[offset + _FRAME.size : end]


def _salvage(found: JournalEvidence, file: _File, data: bytes, from_seq: int) -> int:
    """Keep every whole frame in bytes that do not continue the journal; how many there were."""
    kept = 0
    for seq, chain, body in _anywhere(data):
        if seq >= from_seq:
            found.beyond.append(JournalRecord(file.ordinal, file.generation, seq, chain, body))
            kept += 1
    return kept


def _anywhere(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    offset = 0
    while offset + _FRAME.size <= len(data):
        frame = _frame(data, offset)
        if frame is None:
            offset += 1
        else:
            yield frame
            offset += _FRAME.size + len(frame[2])
