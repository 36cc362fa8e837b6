"""Every crash state of a log of operations: after each prefix, each choice of what the medium kept of the pending.

With up to 12 pending operations every subset is tried, and every way to tear each write: all combinations of them
while these are no more than 4,096, otherwise each torn write with all, with none and with seeded choices of the
others. Beyond 12 pending operations subsets are sampled by seed, too.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.crash_states.medium import (
    ABSENT,
    Medium,
    apply_entries,
    content_after,
    is_content,
    torn,
    whole,
)
from simulators.crash_states.recording import DIRECTORY, directories_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from simulators.crash_states.medium import Outcome
    from simulators.crash_states.recording import Operation, RecordingDisk

SUBSETS_OF_MAX = 12  # every subset of so many pending operations is tried
COMBINATIONS_MAX = 1 << SUBSETS_OF_MAX  # of all outcomes of all pending operations at one prefix
SAMPLES = 256  # seeded choices at one prefix where not all are tried

State = tuple[tuple[str, int], ...]  # (path, number of its content), sorted: equal states are equal tuples


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a state can be found: after so many operations, with these outcomes of the pending ones."""

    prefix: int
    pending: tuple[Operation, ...]
    outcomes: tuple[Outcome, ...]

    def __str__(self) -> str:
        kept = [f"{o} ({d.words})" for o, d in zip(self.pending, self.outcomes, strict=True)]
        return f"after operation {self.prefix}: " + ("; ".join(kept) or "nothing pending")


class Contents:
    """Bytes of files, each distinct content once, by its number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._bytes: list[bytes] = []

    def number(self, data: bytes) -> int:
        """The number of a content; the same bytes have the same number."""
        found = self._numbers.setdefault(data, len(self._bytes))
        if found == len(self._bytes):
            self._bytes.append(data)
        return found

    def files(self, state: State) -> dict[str, bytes]:
        """The files of a state."""
        return {path: self._bytes[number] for path, number in state}


class Prefix:
    """The crash states at one prefix of a log. `is_sampled`: not all choices were tried."""

    def __init__(self, number: int, medium: Medium, contents: Contents, chance: Random) -> None:
        self.number = number
        self.pending = tuple(medium.pending)
        self._entries = dict(medium.entries)
        self._before = dict(medium.contents)
        self._contents = contents
        self._chance = chance
        self._cache: dict[tuple[int, tuple[Outcome, ...]], int] = {}
        self.choices = [[ABSENT, whole(o), *torn(o, chance)] for o in self.pending]
        self.is_sampled = math.prod(map(len, self.choices)) > COMBINATIONS_MAX
        self._writes: dict[int, list[int]] = {}
        for place, operation in enumerate(self.pending):
            if is_content(operation):
                self._writes.setdefault(operation.file, []).append(place)
        named = {*self._entries, *(o.target or o.path for o in self.pending)}
        self._has_all_directories = all(is_reachable(path, self._entries) for path in named)
        self._entry_places = [place for place, o in enumerate(self.pending) if not is_content(o)]

    def states(self) -> Iterator[tuple[tuple[Outcome, ...], State]]:
        """Every choice of outcomes with the state that it makes; states repeat."""
        for outcomes in self._sampled() if self.is_sampled else itertools.product(*self.choices):
            yield outcomes, self._state(outcomes)

    def _sampled(self) -> Iterator[tuple[Outcome, ...]]:
        plain = [choices[:2] for choices in self.choices]
        if len(plain) <= SUBSETS_OF_MAX:
            yield from itertools.product(*plain)
        else:
            yield from (tuple(map(self._chance.choice, plain)) for _ in range(SAMPLES))
            yield from (
                tuple(pair[place < kept] for place, pair in enumerate(plain))
                for kept in range(len(plain) + 1)
            )
        for place, choices in enumerate(self.choices):
            for outcome in choices[2:]:
                for others in ([pair[1] for pair in plain], [pair[0] for pair in plain]):
                    yield (*others[:place], outcome, *others[place + 1 :])
        yield from (tuple(map(self._chance.choice, self.choices)) for _ in range(SAMPLES))

    def _state(self, outcomes: tuple[Outcome, ...]) -> State:
        entries = dict(self._entries)
        apply_entries(entries, [(self.pending[place], outcomes[place]) for place in self._entry_places])
        found = [
            (path, self._content(file, outcomes))
            for path, file in entries.items()
            if file != DIRECTORY and (self._has_all_directories or is_reachable(path, entries))
        ]
        found.sort()
        return tuple(found)

    def _content(self, file: int, outcomes: tuple[Outcome, ...]) -> int:
        places = self._writes.get(file, ())
        key = (file, tuple([outcomes[place] for place in places]))
        number = self._cache.get(key)
        if number is None:
            done = [(self.pending[place], outcomes[place]) for place in places]
            number = self._contents.number(content_after(self._before.get(file, b""), done))
            self._cache[key] = number
        return number


def is_reachable(path: str, entries: Mapping[str, int]) -> bool:
    """Whether every directory above a path is there."""
    return all(entries.get(above) == DIRECTORY for above in directories_of(path))


def prefixes(disk: RecordingDisk, contents: Contents, chance: Random) -> Iterator[Prefix]:
    """Every prefix of what a disk recorded, the empty one first; samples are drawn by `chance`."""
    medium = Medium(disk.found)
    yield Prefix(0, medium, contents, chance)
    for number, operation in enumerate(disk.log, start=1):
        medium.step(operation)
        yield Prefix(number, medium, contents, chance)
