"""Keeps one process of ours running, as an init system would: whenever it ends, it is started again.

Whoever wants it down for a while (a restore) holds the keeper; nobody else starts it meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from protocol.errors import ConfigError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from simulators.demo.processes import Process

STARTS_MAX = 4  # in a row without a ready line, each with the patience of `Process.start`: then it is broken
TRY_AGAIN_S = 0.5  # a machine under torture is slow; an init system waits about as long


class Keeper:
    """One process and its restarts. `bring_up` starts it and makes it usable."""

    def __init__(self, process: Process, bring_up: Callable[[], Awaitable[object]]) -> None:
        self.process = process
        self.restarts = 0
        self.is_broken = False
        self.down_s = 0.0  # how long it stays down after the next end
        self._bring_up = bring_up
        self._busy = asyncio.Lock()
        self._up = asyncio.Event()
        self._up.set()

    async def run(self) -> None:
        """Keep it running until cancelled; ConfigError when it does not start any more."""
        while True:
            await self.process.wait()
            self._up.clear()
            async with self._busy:
                if self.process.pid:  # who held the keeper has started it
                    self._up.set()
                    continue
                await asyncio.sleep(self.down_s)
                self.down_s = 0.0
                await self._start()
                self.restarts += 1

    async def is_up(self) -> None:
        """Wait until it runs and is usable."""
        await self._up.wait()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The process is stopped inside, and started again behind."""
        async with self._busy:
            self._up.clear()
            await self.process.stop()
            try:
                yield
            finally:
                await self._start()

    async def _start(self) -> None:
        for tries_left in reversed(range(STARTS_MAX)):
            try:
                with suppress(
                    OutcomeUnknown
                ):  # it runs, but its page is not there yet: whoever shops looks again
                    await self._bring_up()
                break
            except ConfigError:
                if not tries_left:
                    self.is_broken = True
                    raise
                await asyncio.sleep(TRY_AGAIN_S)
        self._up.set()
