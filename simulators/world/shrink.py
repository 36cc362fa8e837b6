"""Cuts a failing world down: to few faults that still bring about the same kind of finding, and to little time.

First the shortest beginning of the world that still fails, by halving; then delta debugging over its faults: without
one half of them, one quarter, ... down to one. As every fault has a number and a generator of its own, those that are
left do what they did. The number of worlds is bounded; what is left then may not be the least, but it fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.world.run import Outcome
    from simulators.world.scene import Deed
    from simulators.world.world import Wishes

RUNS_MAX = 120  # worlds in all: some minutes, as they get smaller fast
AFTER_S = (
    45.0,
    150.0,
    400.0,
)  # how long a world may go on behind its last fault: a sale, a crash that waits, a backup
HOURS_STEP = 0.01  # what the command takes


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is left: a world that fails as the first one did."""

    kind: str  # of the finding
    wishes: Wishes
    outcome: Outcome
    runs: int

    @property
    def deeds(self) -> list[Deed]:
        """What the faults that are left did."""
        return list(self.outcome.deeds)


class _Search:
    """All worlds of one seed that were tried; `best` is the smallest that fails."""

    def __init__(
        self, kind: str, wishes: Wishes, outcome: Outcome, live: Callable[[Wishes], Outcome]
    ) -> None:
        self.runs = 1
        self.kind, self.wishes, self.outcome = kind, wishes, outcome
        self._live = live

    @property
    def numbers(self) -> tuple[int, ...]:
        """The faults that really did something, in order."""
        return tuple(sorted({deed.number for deed in self.outcome.deeds}))

    @property
    def is_over(self) -> bool:
        """Whether the bound is reached."""
        return self.runs >= RUNS_MAX

    def try_with(self, numbers: Sequence[int], hours: float) -> bool:
        """Let a smaller world live; it becomes the best when it fails in the same way."""
        if self.is_over:
            return False
        self.runs += 1
        wishes = replace(self.wishes, only=tuple(numbers), hours=hours)
        outcome = self._live(wishes)
        if self.kind not in outcome.wrongs:
            return False
        done = {deed.number for deed in outcome.deeds}
        self.wishes = replace(wishes, only=tuple(number for number in numbers if number in done))
        self.outcome = outcome
        return True


def shrink(wishes: Wishes, live: Callable[[Wishes], Outcome]) -> Shrunk | None:
    """Shrink the world that `live` runs with these wishes; None when nothing is wrong with it."""
    outcome = live(wishes)
    if not outcome.wrongs:
        return None
    search = _Search(outcome.wrongs[0], wishes, outcome, live)
    if not search.try_with((), wishes.hours):
        _halve(search)
        _leave_out(search)
    _end_sooner(search)
    return Shrunk(search.kind, search.wishes, search.outcome, search.runs)


def _halve(search: _Search) -> None:
    """Find the shortest beginning that fails."""
    passing, numbers = 0, search.numbers
    while len(search.numbers) - passing > 1 and not search.is_over:
        middle = (passing + len(search.numbers)) // 2
        part = numbers[:middle]
        if not search.try_with(part, _hours_until(search, part, AFTER_S[-1])):
            passing = middle


def _leave_out(search: _Search) -> None:
    """Delta debugging: leave out one part after the other, in ever smaller parts."""
    size = max(len(search.numbers) // 2, 1)
    while search.numbers and not search.is_over:
        numbers, place, has_shrunk = search.numbers, 0, False
        while place < len(numbers) and not search.is_over:
            rest = numbers[:place] + numbers[place + size :]
            if search.try_with(rest, search.wishes.hours):
                numbers, has_shrunk = tuple(n for n in rest if n in search.numbers), True
            else:
                place += size
        if size == 1 and not has_shrunk:
            return
        size = max(size // 2, 1) if not has_shrunk or size > 1 else 1


def _end_sooner(search: _Search) -> None:
    for after_s in AFTER_S:
        hours = _hours_until(search, search.numbers, after_s)
        if hours < search.wishes.hours and search.try_with(search.numbers, hours):
            return


def _hours_until(search: _Search, numbers: Sequence[int], after_s: float) -> float:
    """Hours of a world that ends soon after the last of these faults, not more than now."""
    last_s = max((deed.at_s for deed in search.outcome.deeds if deed.number in numbers), default=0.0)
    steps = math.ceil((last_s + after_s) / 3_600 / HOURS_STEP)
    return min(round(steps * HOURS_STEP, 2), search.wishes.hours)
