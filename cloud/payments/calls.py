"""Calls to a channel, outside of any transaction and never in the consumer's way.

Calls of one terminal go one after another, in the order in which they were decided; calls of different terminals
run side by side up to a bound. What comes back is handed to the consumer, which stores it in its next transaction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from cloud.payments.attempt import CallResult
from cloud.ports import ChannelAnswer
from protocol.errors import OutcomeUnknown
from protocol.faults import declare, fault
from protocol.schema import MASKED

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.payments.attempt import AttemptName, Call, CallKind
    from cloud.ports import CardChannel, Clock, LateAnswer

CALLS_AT_ONCE = 256  # more than an acquirer's link takes; bounds memory and open frames in the card zone
CALLS_WAITING_MAX = 256  # of one terminal: its box asks for 16 at a time; a restored database brings more
REPAIR_BUDGET_MS = 30_000  # a reversal or query: nobody waits at a till, but a dead link must be noticed
GRACE_MS = 2_000  # the channel watches the deadline itself; this only catches a channel that forgot

REQUESTED = declare("payments.requested", "the intention is committed, the channel was not asked yet")
ANSWERED = declare("payments.answered", "the channel answered, nothing of it is stored yet")


class ChannelCalls:
    """Makes the calls that the rules decided, and reports each exactly once as a CallResult."""

    def __init__(self, *, channel: CardChannel, clock: Clock, report: Callable[[CallResult], None]) -> None:
        self._channel = channel
        self._clock = clock
        self._report = report
        self._places = asyncio.Semaphore(CALLS_AT_ONCE)
        self._lanes: dict[tuple[str, str], deque[Call]] = {}
        self._waiting: dict[AttemptName, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        channel.listen(self._hear_late)

    def start(self, call: Call) -> None:
        """Queue one call behind the others of its terminal; at the bound it is turned away."""
        about = call.about
        name = (about.tenant, about.attempt)
        terminal = (about.tenant, about.box)
        lane = self._lanes.get(terminal)
        if lane is not None and len(lane) >= CALLS_WAITING_MAX:
            self._turn_away(call)
            return
        self._waiting[name] = self._waiting.get(name, 0) + 1
        if lane is not None:
            lane.append(call)
            return
        self._lanes[terminal] = deque([call])
        task = asyncio.get_running_loop().create_task(self._run_lane(terminal))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_in_flight(self, name: AttemptName) -> bool:
        """Tell whether a call for this attempt is queued or running."""
        return name in self._waiting

    async def close(self) -> None:
        """Drop everything under way; what was asked and not answered is settled by the poller later."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _turn_away(self, call: Call) -> None:
        """Do without a call. A payment was never asked for; a reversal or a query comes again when it is due."""
        if call.kind == "authorize":
            about = call.about
            self._report(CallResult(about.tenant, about.attempt, "expired", ChannelAnswer("declined")))

    async def _run_lane(self, terminal: tuple[str, str]) -> None:
        lane = self._lanes[terminal]
        while lane:
            call = lane.popleft()
            async with self._places:
                result = await self._make(call)
            name = (call.about.tenant, call.about.attempt)
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
            self._report(result)
        del self._lanes[terminal]

    async def _make(self, call: Call) -> CallResult:
        about = call.about
        if call.kind == "authorize" and call.deadline_ms <= self._clock.now_ms():
            return CallResult(about.tenant, about.attempt, "expired", ChannelAnswer("declined"))
        fault(REQUESTED)
        try:
            answer = await self._ask(call)
        except Exception as error:  # noqa: BLE001 - whatever broke, money may have moved: that is "unknown"
            answer = ChannelAnswer("unknown", reason=getattr(error, "code", type(error).__name__))
        fault(ANSWERED)
        return CallResult(about.tenant, about.attempt, call.kind, _cleaned(answer))

    async def _ask(self, call: Call) -> ChannelAnswer:
        if call.kind == "authorize":
            remaining_ms = call.deadline_ms - self._clock.now_ms()
            async with asyncio.timeout((remaining_ms + GRACE_MS) / 1000):
                return await self._channel.authorize(call.about, call.blob, remaining_ms)
        async with asyncio.timeout(REPAIR_BUDGET_MS / 1000):
            if call.kind == "reverse":
                return await self._channel.reverse(call.about)
            return await self._channel.query(call.about)

    async def _hear_late(self, late: LateAnswer) -> None:
        """Report what was said unasked, and return once it is committed: the channel forgets it after that.

        OutcomeUnknown("notice-not-kept"): it was not, so it must be told again.
        """
        kind: CallKind = "authorize" if late.about == "authorization" else "reverse"
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._report(
            CallResult(late.tenant, late.attempt, kind, _cleaned(late.answer), is_late=True, kept=kept)
        )
        if not await kept:
            raise OutcomeUnknown("notice-not-kept", "What the channel told was not stored", "Tell it again")


def _cleaned(answer: ChannelAnswer) -> ChannelAnswer:
    """Keep of a channel's words what a message to the box may carry: printable, and not longer."""
    return replace(
        answer,
        approval_code=_printable(answer.approval_code, 16),
        rrn=_printable(answer.rrn, 64),
        response_code=_printable(answer.response_code, 16),
        reason=_printable(answer.reason, 128),
        masked=answer.masked if MASKED.test(answer.masked) else "",
        brand=_printable(answer.brand, 32),
        token=_printable(answer.token, 128),
    )


def _printable(text: str, most: int) -> str:
    return "".join(letter for letter in text if " " <= letter <= "~")[:most]
