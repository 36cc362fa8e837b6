"""Collects what devices tell, and lets a test wait for it within a bound instead of sleeping."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, TypeVar

from edge.peripherals.events import DeviceStateChanged
from edge.peripherals.supervision import BackOff, supervise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from edge.peripherals.supervision import Peripheral

T = TypeVar("T")
PATIENCE_S = 15.0  # only a hang waits so long; a machine with other work must not fail a test
QUICK = BackOff(first_delay_s=0.01, longest_delay_s=0.05)


def clock() -> int:
    return time.monotonic_ns() // 1_000_000


class Told:
    """Hand it to a device as `on_event`."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._more = asyncio.Event()

    def __call__(self, event: Any) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self) -> list[str]:
        return [event.state for event in self.of(DeviceStateChanged)]

    def has_more_than(self, count: int) -> bool:
        return len(self.events) > count

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until `holds()` is true; returns its value."""
        async with asyncio.timeout(PATIENCE_S):
            while not (value := holds()):
                self._more.clear()
                await self._more.wait()
        return value

    async def until_or_quiet(self, holds: Callable[[], Any], quiet_s: float = 0.3) -> None:
        """Wait until `holds()` is true, or for a while that a shopper would wait before trying again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(quiet_s):
                await self.until(holds)

    async def first(self, kind: type[T], where: Callable[[T], bool] = lambda _: True) -> T:
        found: list[T] = await self.until(lambda: [event for event in self.of(kind) if where(event)])
        return found[0]

    async def state(self, name: str, after: int = 0) -> None:
        """Wait until the device has told state `name` (not counting the first `after` states)."""
        await self.until(lambda: name in self.states()[after:])


@contextlib.asynccontextmanager
async def living(device: Peripheral, back_off: BackOff = QUICK) -> AsyncIterator[None]:
    """Supervise a device for the length of a block."""
    task = asyncio.create_task(supervise(device, clock, back_off))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
