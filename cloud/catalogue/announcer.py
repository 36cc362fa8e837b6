"""Announces publications to boxes, retained, until they answer; and once more after every start of the cloud.

It looks at rows that `publishing` committed, also from another process, so a crash between the two loses nothing. A box
that is enrolled later, or anew, is told what its store sells by at the next look.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cloud.catalogue import store
from cloud.catalogue.rules import is_open, next_delay_ms
from protocol import topics
from protocol.faults import declare, fault
from protocol.seal import seal

if TYPE_CHECKING:
    from cloud.catalogue.store import Due
    from cloud.database import Database
    from cloud.ports import BoxDirectory, Clock, Outbound

LOOK_INTERVAL_S = 0.5  # a publication waits this long; two indexed queries cost less than 100 us
OVERLAP_MS = 60_000  # an enrolment in a slow transaction may be older than the last look

ANNOUNCED = declare("catalogue.announced", "a publication was handed to the broker, no row says so")

_log = logging.getLogger(__name__)


class PublicationAnnouncer:
    """Says on down/ver what each box should sell by."""

    def __init__(
        self, *, database: Database, outbound: Outbound, directory: BoxDirectory, clock: Clock
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._directory = directory
        self._clock = clock
        self._since_ms = 0

    async def run(self) -> None:
        """Run until cancelled; a database that is away is asked again at the next look."""
        is_started = False
        while True:
            try:
                if not is_started:
                    await self.start()
                    is_started = True
                await self.look()
            except self._database.outages as error:
                _log.warning("publications cannot be read: %s", type(error).__name__)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def start(self) -> None:
        """Let everything be announced once: the broker's memory is not ours."""
        async with self._database.transaction() as tx:
            await store.mark_all_due(tx, self._clock.now_ms())

    async def look(self) -> int:
        """Announce what is due, at most 64; return how many. Twice in a row announces nothing twice."""
        now_ms = self._clock.now_ms()
        untold = await store.untold(self._database, self._since_ms)
        self._since_ms = now_ms - OVERLAP_MS
        if untold:
            async with self._database.transaction() as tx:
                await store.tell(tx, untold, now_ms)
        due = await store.due(self._database, now_ms)
        for told in due:
            await self._say(told, now_ms)
        return len(due)

    async def _say(self, told: Due, now_ms: int) -> None:
        box = await self._directory.find(told.tenant, told.box)
        if box is not None and box.status != "revoked" and told.expires_ms > now_ms:
            topic = topics.build(box.shard, box.tenant, box.store, box.box, topics.DOWN, "ver")
            await self._outbound.publish(topic, seal(box.down_key, topic, told.payload), retain=True)
            fault(ANNOUNCED)
            next_ms = now_ms + next_delay_ms(told.tries) if is_open(told.state) else 0
        else:
            next_ms = 0
        async with self._database.transaction() as tx:
            await store.mark_sent(tx, told, next_ms, now_ms)
