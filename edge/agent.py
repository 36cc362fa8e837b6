"""The one loop of a box: event -> flow -> journal -> effects.

The agent decides nothing. It takes events one at a time, lets the flows decide, appends the records, syncs them where
anything irreversible follows, shows the screen and hands the commands to `edge.acts`. Basket lines alone may be shown
before they are synced; `edge/journal/commit.py` lets them share one. Read `edge/flows/checkout.py` next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from edge.effects import DURABLE, Record
from edge.events import CodeScanned, SellingBlocked
from edge.flows import recovery
from edge.flows.checkout import decide
from edge.flows.state import Now
from edge.screen.view import view_of
from protocol.errors import DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.records import encode_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.acts import Acts
    from edge.effects import Effect
    from edge.events import Event
    from edge.flows.state import Box
    from edge.ports import Clock, RecordStore, Screen

# A burst of scans while one sync takes long: far more than a person makes, small enough to forget nothing unseen.
MAX_WAITING_EVENTS = 4_096

# Between two tries to make records durable: long enough for a replugged disk, short for the person who waits.
DURABLE_RETRY_MS = 500

# Synced records do not read back: only a start salvages, so the agent ends and its supervisor starts the box again.
DAMAGED = "journal-damaged"

RECORDED = declare("agent.recorded", "records of an event are appended, not yet known to be on the disk")
SYNCED = declare("agent.synced", "durable records are on the disk, nothing was acted upon yet")
ACTED = declare("agent.acted", "a command was handed to its device or link")

_log = logging.getLogger(__name__)


class Agent:
    """Runs one box until cancelled. All callers live on the one event loop."""

    def __init__(  # noqa: PLR0913 - the composition root hands in the whole world
        self,
        *,
        box: Box,
        clock: Clock,
        new_id: Callable[[], int],
        boot: str,
        records: RecordStore,
        frame_of: Callable[[int], bytes],
        acts: Acts,
        screen: Screen,
    ) -> None:
        self.box = box
        self._clock = clock
        self._new_id = new_id
        self._boot = boot
        self._records = records
        self._frame_of = frame_of
        self._acts = acts
        self._screen = screen
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self.events_refused = 0

    def post(self, event: Event) -> None:
        """Queue an event; a scan beyond the bound is refused and counted, everything else is always taken."""
        if len(self._events) >= MAX_WAITING_EVENTS and isinstance(event, CodeScanned):
            self.events_refused += 1
            return
        self._events.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Handle events for ever, one at a time and in order. DeviceError("journal-damaged"): start the box again."""
        self._screen.changed(partial(view_of, self.box))
        while True:
            while self._events:
                await self.handle(self._events.popleft())
            self._wake.clear()
            await self._wake.wait()

    async def resume(self, box: Box) -> None:
        """Go on from the state that the journal's records left behind."""
        self.box = box
        now = self._now()
        await self._carry_out(*recovery.resume(box, now), now)

    async def handle(self, event: Event) -> None:
        """One event, from decision to effects. A fault of the journal leaves the state as it was."""
        now = self._now()
        try:
            box, effects = decide(self.box, event, now)
        except PeerError as bad_input:
            _log.warning("event refused: %s", bad_input.code)
            box, effects = replace(self.box, notice=bad_input.code), []
        await self._carry_out(box, effects, now)

    def _now(self) -> Now:
        return Now(self._clock.utc_ms(), self._clock.monotonic_ms(), self._new_id)

    async def _carry_out(self, box: Box, effects: list[Effect], now: Now) -> None:
        records = [effect for effect in effects if isinstance(effect, Record)]
        try:
            await self._write(records, now)
        except DeviceError as full:
            if full.code == DAMAGED:
                raise
            _log.error("journal refused records: %s", full)
            self.post(SellingBlocked(full.code))
            return
        self.box = box
        self._screen.changed(partial(view_of, box))
        for effect in effects:
            if not isinstance(effect, Record):
                self._acts.perform(effect, self.post)
                fault(ACTED)

    async def _write(self, records: list[Record], now: Now) -> None:
        if not records:
            return
        seqs = [self._records.append(self._body(record, now)) for record in records]
        fault(RECORDED)
        if not any(record.t in DURABLE for record in records):
            return
        await self._make_durable()
        fault(SYNCED)
        for record, seq in zip(records, seqs, strict=True):
            self._acts.remember_frame(record, self._frame_of(seq))

    async def _make_durable(self) -> None:
        """Stand still until the records are on a disk: whatever came of them must not be acted upon before."""
        while True:
            try:
                await self._records.sync()
            except DeviceError as failed:
                if failed.code == DAMAGED:
                    raise  # trying again cannot help
                _log.error("records are not durable yet: %s", failed)
                self._screen.changed(partial(_stopped_view, self.box, failed.code))
                await self._clock.sleep_ms(DURABLE_RETRY_MS)
            else:
                return

    def _body(self, record: Record, now: Now) -> bytes:
        body: dict[str, Any] = {"v": 1, "t": record.t, "at": now.utc_ms, "boot": self._boot}
        body.update(record.fields)
        return encode_record(body)


def _stopped_view(box: Box, reason: str) -> dict[str, Any]:
    """The view of a box that can do nothing before its disk works again."""
    return {**view_of(box), "page": "out_of_service", "blocked": [reason]}
