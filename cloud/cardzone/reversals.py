"""Sends every pending reversal until it is answered: growing intervals, a bounded rate, never a last try.

A terminal with a pending reversal is blocked; `wait_free` tells when it is not any more. Nothing here is lost
by a crash: the reversals and their number of tries are in the store before anything is sent.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloud.cardzone.iso8583 import Fields, Trace, reversal, trace_of
from cloud.cardzone.rules import judge_reversal, reversal_delay_ms
from protocol.errors import DeviceError, PeerError
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloud.cardzone.keys import Keys
    from cloud.cardzone.links import Links
    from cloud.cardzone.store import Attempt, Reversal, Store

REVERSAL_COUNTED = declare("cardzone.reversal_counted", "the try is durable, the reversal is not sent yet")
REVERSAL_SENT = declare("cardzone.reversal_sent", "the reversal left, its answer is not known")
REVERSAL_ANSWERED = declare("cardzone.reversal_answered", "the reversal's answer came, it is not durable yet")
IDLE_S = 3_600.0  # nothing is pending: sleep until woken


@dataclass(frozen=True, slots=True)
class ReversalTimes:
    """How patiently reversals are repeated."""

    first_ms: int = 1_000
    max_ms: int = 60_000
    pace_ms: int = 20  # between any two: fifty a second, so that a returning acquirer is not flooded


class Reversals:
    """All reversals that the acquirer has not answered."""

    def __init__(
        self,
        store: Store,
        links: Links,
        keys: Keys,
        on_settled: Callable[[Attempt], Awaitable[None]],
        times: ReversalTimes,
    ) -> None:
        self._store, self._links, self._keys, self._times = store, links, keys, times
        self._on_settled = on_settled
        self._pending: dict[Trace, Reversal] = {}
        self._settling: set[Trace] = set()
        self._blocked: Counter[str] = Counter()
        self._due: list[tuple[float, Trace]] = []  # a heap
        self._woken = asyncio.Event()
        self._changed = asyncio.Condition()

    def add(self, planted: Reversal) -> None:
        """Send this one as soon as possible."""
        self._pending[planted.trace] = planted
        self._blocked[planted.trace.terminal] += 1
        heapq.heappush(self._due, (0.0, planted.trace))
        self._woken.set()

    def is_blocked(self, terminal: str) -> bool:
        """Say whether a reversal of this terminal is pending."""
        return self._blocked[terminal] > 0

    async def wait_free(self, terminal: str) -> None:
        """Wait until no reversal of this terminal is pending."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.is_blocked(terminal))

    async def wait_settled(self, tenant: str, attempt: str) -> None:
        """Wait until no reversal of this attempt is pending."""
        mine = (tenant, attempt)
        async with self._changed:
            await self._changed.wait_for(
                lambda: all((one.tenant, one.attempt) != mine for one in self._pending.values())
            )

    async def run(self) -> None:
        """Send what is due, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            wait = self._due[0][0] - loop.time() if self._due else IDLE_S
            if wait > 0:
                await self._sleep(wait)
                continue
            await self._links.wait_up()
            _, trace = heapq.heappop(self._due)
            if trace in self._pending:
                await self._send(trace)
                await asyncio.sleep(self._times.pace_ms / 1000)

    async def answered(self, fields: Fields) -> None:
        """Take a 0410. Unmatched, repeated and undecided ones change nothing."""
        pending = self._pending.get(trace_of(fields))
        event = judge_reversal(fields)
        if pending is None or not event or pending.trace in self._settling:
            return
        fault(REVERSAL_ANSWERED)
        self._settling.add(pending.trace)  # the same answer may come again before it is durable
        try:
            settled = await self._store.settle(pending, event)
        finally:
            self._settling.discard(pending.trace)
        del self._pending[pending.trace]
        self._blocked[pending.trace.terminal] -= 1
        await self._on_settled(settled)
        async with self._changed:
            self._changed.notify_all()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send(self, trace: Trace) -> None:
        counted = await self._store.count_try(self._pending[trace])
        fault(REVERSAL_COUNTED)
        if trace not in self._pending:  # answered meanwhile
            return
        self._pending[trace] = counted
        delay_ms = reversal_delay_ms(counted.tries, self._times.first_ms, self._times.max_ms)
        heapq.heappush(self._due, (asyncio.get_running_loop().time() + delay_ms / 1000, trace))
        try:
            self._links.send(self._message(counted))
        except DeviceError:
            return  # it is due again after the same interval
        fault(REVERSAL_SENT)

    def _message(self, pending: Reversal) -> Fields:
        number = ""
        if pending.sealed_number:
            try:
                number = self._keys.open_number(pending.tenant, pending.attempt, pending.sealed_number)
            except (
                PeerError
            ):  # a damaged number must not stop a reversal: the original's data finds it as well
                number = ""
        original = replace(pending.original, card_number=number)
        return reversal(pending.purchase, original, is_repeat=pending.tries > 1)
