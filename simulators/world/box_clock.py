"""A box's clocks, and what is wrong with them: a time of day set wrong, a crystal that runs too fast or too slow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.main import LATEST_MS, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

# An idle box looks at its clock ten times a second. In the world it does once a second: nothing in it is decided by
# less, and nine of ten looks find nothing.
LEAST_SLEEP_MS = 1_000
PPM = 1e-6


class Crystal:
    """What all lives of a box count time with. `skew_ms` is how far its time of day was set wrong."""

    def __init__(self, now_s: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self._now_s, self._now_ms = now_s, now_ms  # the true time, of the world and of the day
        self._ahead_s = 0.0  # of the true time, at `_since_s`
        self._since_s = 0.0
        self._right_s = 0.0  # how far ahead was what the time of day was corrected by
        self._rate = 0.0
        self.skew_ms = 0

    @property
    def seconds(self) -> float:
        """Seconds that it counted since the world began."""
        return self._now_s() + self._ahead()

    def run_at(self, rate_ppm: int) -> None:
        """Run too fast by this from now on, too slow when it is negative."""
        self._ahead_s, self._since_s = self._ahead(), self._now_s()
        self._rate = rate_ppm * PPM

    def set_right(self) -> None:
        """Somebody sets the time of day, and the crystal keeps it."""
        self.run_at(0)
        self._right_s, self.skew_ms = self._ahead_s, 0

    def utc_ms(self) -> int:
        """The time of day that it shows."""
        return self._now_ms() + self.skew_ms + int((self._ahead() - self._right_s) * 1000)

    def _ahead(self) -> float:
        return self._ahead_s + (self._now_s() - self._since_s) * self._rate


class BoxClock(SystemClock):
    """The clocks of one life of a box; the monotonic one begins with it."""

    def __init__(self, crystal: Crystal) -> None:
        self._crystal = crystal
        self._began_s = crystal.seconds

    def utc_ms(self) -> int:
        """UTC as this box believes it, within the product's bounds."""
        return min(max(self._crystal.utc_ms(), 0), LATEST_MS)

    def monotonic_ms(self) -> int:
        """Milliseconds since this start."""
        return int((self._crystal.seconds - self._began_s) * 1000)

    async def sleep_ms(self, delay_ms: int) -> None:
        """Wait at least `delay_ms`."""
        await asyncio.sleep(max(delay_ms, LEAST_SLEEP_MS) / 1000)
