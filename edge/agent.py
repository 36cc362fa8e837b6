"""The one loop of a box: event -> flow -> journal -> effects.

The agent decides nothing. It takes events one at a time, lets the flows decide, appends the records, syncs them where
anything irreversible follows, shows the screen and hands the commands to `edge.acts`. Basket lines alone may be shown
before they are synced; they share one sync within `GROUP_SYNC_MS`. Read `edge/flows/checkout.py` next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from protocol.records import encode_record

from edge.effects import DURABLE, Record
from edge.events import CodeScanned, SellingBlocked
from edge.flows.checkout import decide
from edge.flows.state import Now
from edge.screen.view import view_of
from protocol.errors import DeviceError, PeerError
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.acts import Acts
    from edge.events import Event
    from edge.flows.state import Box
    from edge.ports import Clock, RecordStore, Screen

# A burst of scans while one sync takes long: far more than a person makes, small enough to forget nothing unseen.
MAX_WAITING_EVENTS = 4_096
# A basket line may be lost by a power cut for this long, as the architecture allows; a tender never.
GROUP_SYNC_MS = 20

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
        journal: RecordStore,
        acts: Acts,
        screen: Screen,
        on_synced: Callable[[], None],
    ) -> None:
        self.box = box
        self._clock = clock
        self._new_id = new_id
        self._boot = boot
        self._journal = journal
        self._acts = acts
        self._screen = screen
        self._on_synced = on_synced
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._group_sync: asyncio.TimerHandle | None = None
        self.events_refused = 0

    def post(self, event: Event) -> None:
        """Queue an event; a scan beyond the bound is refused and counted, everything else is always taken."""
        if len(self._events) >= MAX_WAITING_EVENTS and isinstance(event, CodeScanned):
            self.events_refused += 1
            return
        self._events.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Handle events for ever, one at a time and in order."""
        self._screen.show(view_of(self.box))
        while True:
            while self._events:
                await self.handle(self._events.popleft())
            self._wake.clear()
            await self._wake.wait()

    async def handle(self, event: Event) -> None:
        """One event, from decision to effects. A fault of the journal leaves the state as it was."""
        now = Now(self._clock.utc_ms(), self._clock.monotonic_ms(), self._new_id)
        try:
            box, effects = decide(self.box, event, now)
        except PeerError as bad_input:
            _log.warning("event refused: %s", bad_input.code)
            box, effects = replace(self.box, notice=bad_input.code), []
        records = [effect for effect in effects if isinstance(effect, Record)]
        try:
            await self._write(records, now)
        except DeviceError as full:
            _log.error("journal refused records: %s", full)
            self.post(SellingBlocked(full.code))
            return
        self.box = box
        self._screen.show(view_of(box))
        for effect in effects:
            if not isinstance(effect, Record):
                self._acts.perform(effect, self.post)
                fault(ACTED)

    async def _write(self, records: list[Record], now: Now) -> None:
        if not records:
            return
        bodies = [self._body(record, now) for record in records]
        frames = self._journal.append(bodies)
        self._acts.remember_frames(records, frames)
        fault(RECORDED)
        if any(record.t in DURABLE for record in records):
            await self.sync()
            fault(SYNCED)
        elif self._group_sync is None:
            loop = asyncio.get_running_loop()
            self._group_sync = loop.call_later(GROUP_SYNC_MS / 1000, self._sync_group)

    async def sync(self) -> None:
        """Make everything appended durable now, and tell the uplink."""
        if self._group_sync is not None:
            self._group_sync.cancel()
            self._group_sync = None
        await self._journal.sync()
        self._on_synced()

    def _sync_group(self) -> None:
        self._group_sync = None
        try:
            self._journal.sync_now()
        except DeviceError as failed:
            self.post(SellingBlocked(failed.code))
            return
        self._on_synced()

    def _body(self, record: Record, now: Now) -> bytes:
        body: dict[str, Any] = {"v": 1, "t": record.t, "at": now.utc_ms, "boot": self._boot}
        body.update(record.fields)
        return encode_record(body)
