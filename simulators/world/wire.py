"""The way between one client and the broker: it carries, delays, loses, doubles, reorders, or is cut.

One object a client, for both directions. Faults are set from outside (`faults`); each that bites is counted.
"""

from __future__ import annotations

from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections import Counter
    from collections.abc import Callable
    from random import Random

UP, DOWN = "up", "down"
STEP_S = 1e-6  # between two arrivals in order
TWICE_S = 2.0  # a doubled message comes again within this time
ORDER_LOST_S = 0.5  # what is overtaken comes within this time


@dataclass(slots=True)
class Weather:
    """How bad the way is: chances of one message, delays in seconds; `chance` decides what becomes of each."""

    chance: Random | None = None  # fine weather decides nothing
    delay_s: tuple[float, float] = (0.002, 0.03)
    loss: float = 0.0
    doubled: float = 0.0
    reordered: float = 0.0


FINE = Weather()


class Wire:
    """See the module. `cut` holds the directions through which nothing comes."""

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, chance: Random, counts: Counter[str]
    ) -> None:
        self.name = name
        self.weather = FINE
        self.cut: frozenset[str] = frozenset()
        self._loop, self._chance, self._counts = loop, chance, counts
        self._last_s = {UP: 0.0, DOWN: 0.0}
        self._outside = Context()

    def carry(self, direction: str, arrive: Callable[[], None]) -> None:
        """Have `arrive` called when the message comes out at the other end: once, never or twice."""
        weather, now_s = self.weather, self._loop.time()
        if direction in self.cut:
            self._counts["message-cut"] += 1
            return
        at = now_s + self._chance.uniform(*FINE.delay_s)
        chance = weather.chance
        if chance is None:
            self._in_order(direction, at, arrive)
            return
        if chance.random() < weather.loss:
            self._counts["message-lost"] += 1
            return
        if weather.delay_s[1] > FINE.delay_s[1]:
            self._counts["message-delayed"] += 1
            at = now_s + chance.uniform(*weather.delay_s)
        if chance.random() < weather.doubled:
            self._counts["message-doubled"] += 1
            self._later(at + chance.uniform(0, TWICE_S), arrive)
        if chance.random() < weather.reordered:
            self._counts["message-reordered"] += 1
            self._later(at + chance.uniform(0, ORDER_LOST_S), arrive)
        else:
            self._in_order(direction, at, arrive)

    def _in_order(self, direction: str, at: float, arrive: Callable[[], None]) -> None:
        self._last_s[direction] = max(at, self._last_s[direction] + STEP_S)
        self._later(self._last_s[direction], arrive)

    def _later(self, at_s: float, arrive: Callable[[], None]) -> None:
        """What is under way belongs to nobody: neither the sender's end nor its standing still holds it up."""
        self._loop.call_at(at_s, arrive, context=self._outside)
