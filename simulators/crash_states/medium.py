"""The model of a disk that loses power: what may be on the medium after some operations of a program.

- The content of a file is durable after a sync of that file; an entry of a directory (a file made, renamed, removed, a
  directory made) after a sync of that directory. A sync of a file says nothing of its name, one of a directory nothing
  of contents. Whatever is synced stays.
- Of all other operations any subset may have happened: none waits for another, also not a rename for the write before
  it, nor a later write for an earlier one. Each entry operation happens whole or not at all.
- A write may be torn: of its sectors of 512 bytes any subset reached the medium. A sector that did not shows what was
  there before, and zeros where nothing was. The length may end behind the last sector that arrived, or where the whole
  write would have ended (length without data). A sector is never torn itself.
- Files are changed by appending and by emptying only, as the product does.

Not in the model: garbage instead of zeros, bits that flip by themselves, and a disk that says "synced" and lies.
The pieces of one write and the subsets of many are bounded by the numbers here and in `states`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.crash_states.recording import (
    CREATE,
    DIRECTORY,
    MAKE_DIRECTORY,
    RENAME,
    SYNC,
    SYNC_DIRECTORY,
    TRUNCATE,
    UNLINK,
    WRITE,
    directories_of,
    parent,
)
from simulators.world.disk import SECTOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from simulators.crash_states.recording import Operation

SECTORS_MAX = 6  # every subset of so many sectors is tried: 64, each with both lengths
SECTOR_SAMPLES = (
    48  # seeded subsets of the sectors of a longer write, beside all single ones and all beginnings
)
_CONTENT = (TRUNCATE, WRITE)
_ENTRY = (CREATE, RENAME, UNLINK, MAKE_DIRECTORY)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one pending operation. Of a write: the pieces that arrived and where the file then ends."""

    is_done: bool
    pieces: tuple[tuple[int, bytes], ...] = ()
    end: int = 0
    words: str = ""


ABSENT = Outcome(is_done=False, words="lost")
DONE = Outcome(is_done=True, words="done")


class Medium:
    """What is durable and what is pending after the operations so far."""

    def __init__(self, found: Mapping[str, tuple[int, bytes]]) -> None:
        self.entries = {path: file for path, (file, _) in found.items()}
        self.entries |= {name: DIRECTORY for path in found for name in directories_of(path)}
        self.contents = dict(found.values())
        self.pending: list[Operation] = []

    def step(self, operation: Operation) -> bool:
        """Take the next operation; True when it makes others durable, False when it waits itself."""
        if operation.kind == SYNC:
            self._settle([o for o in self.pending if o.kind in _CONTENT and o.file == operation.file])
        elif operation.kind == SYNC_DIRECTORY:
            self._settle([o for o in self.pending if o.kind in _ENTRY and parent(o.path) == operation.path])
        else:
            self.pending.append(operation)
            return False
        return True

    def _settle(self, settled: list[Operation]) -> None:
        done = [whole(operation) for operation in settled]
        contents = [(o, d) for o, d in zip(settled, done, strict=True) if o.kind in _CONTENT]
        for file in {operation.file for operation, _ in contents}:
            mine = [(o, d) for o, d in contents if o.file == file]
            self.contents[file] = content_after(self.contents.get(file, b""), mine)
        apply_entries(self.entries, [(o, DONE) for o in settled if o.kind in _ENTRY])
        gone = {id(operation) for operation in settled}  # two operations may be equal
        self.pending = [operation for operation in self.pending if id(operation) not in gone]


def is_content(operation: Operation) -> bool:
    """Whether it changes the bytes of a file, not a directory."""
    return operation.kind in _CONTENT


def apply_entries(entries: dict[str, int], done: Sequence[tuple[Operation, Outcome]]) -> None:
    """Let entry operations happen, in their order, as far as they did."""
    for operation, outcome in done:
        if not outcome.is_done:
            continue
        if operation.kind == RENAME:
            entries.pop(operation.path, None)
            entries[operation.target] = operation.file
        elif operation.kind == UNLINK:
            entries.pop(operation.path, None)
        else:
            entries[operation.path] = operation.file


def content_after(before: bytes, done: Sequence[tuple[Operation, Outcome]]) -> bytes:
    """The bytes of a file after its content operations, in their order, as far as they happened."""
    data = bytearray(before)
    for operation, outcome in done:
        if not outcome.is_done:
            continue
        if operation.kind == TRUNCATE:
            del data[:]
            continue
        data += bytes(max(0, outcome.end - len(data)))
        for offset, piece in outcome.pieces:
            data[offset : offset + len(piece)] = piece
    return bytes(data)


def whole(operation: Operation) -> Outcome:
    """The outcome of an operation that happened entirely."""
    if operation.kind != WRITE:
        return DONE
    return Outcome(
        is_done=True,
        pieces=((operation.offset, operation.data),),
        end=operation.offset + len(operation.data),
        words="done",
    )


def torn(operation: Operation, chance: Random) -> list[Outcome]:
    """Every way a write may be torn (seeded samples of a long one); none for other operations."""
    if operation.kind != WRITE:
        return []
    sectors = _sectors(operation)
    count, every = len(sectors), (1 << len(sectors)) - 1
    if count <= SECTORS_MAX:
        masks = range(every + 1)
    else:
        beginnings = [(1 << kept) - 1 for kept in range(count + 1)]
        single = [1 << place for place in range(count)]
        samples = [chance.randrange(every) for _ in range(SECTOR_SAMPLES)]
        masks = sorted({*beginnings, *single, *(every ^ one for one in single), *samples})  # type: ignore[assignment]
    full = operation.offset + len(operation.data)
    found = []
    for mask in masks:
        pieces = tuple(sector for place, sector in enumerate(sectors) if mask >> place & 1)
        end = pieces[-1][0] + len(pieces[-1][1]) if pieces else operation.offset
        words = f"sectors {mask:0{count}b}"
        if pieces and end < full:
            found.append(Outcome(is_done=True, pieces=pieces, end=end, words=words))
        if mask != every:
            found.append(Outcome(is_done=True, pieces=pieces, end=full, words=f"{words}, whole length"))
    return found


def _sectors(operation: Operation) -> list[tuple[int, bytes]]:
    """A write in pieces, cut at the sectors of its file."""
    start, end = operation.offset, operation.offset + len(operation.data)
    cuts = [start, *range(start // SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES, end, SECTOR_BYTES), end]
    return [
        (low, operation.data[low - start : high - start])
        for low, high in itertools.pairwise(cuts)
        if high > low
    ]
