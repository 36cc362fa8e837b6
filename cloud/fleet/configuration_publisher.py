"""Publishes what boxes should be, retained, until they answer; and once more after every start of the cloud.

It looks at rows that a push committed, also from another process, so a crash between push and publishing loses
nothing. A document is published again, ever more seldom, while its box has not answered: brokers forget, and a
message handed to a broken link is gone. A box that is away gets the retained one when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cloud.fleet import configuration_store as store
from cloud.fleet.configuration_rules import OPEN, next_delay_ms, next_state
from protocol import topics
from protocol.faults import declare, fault
from protocol.seal import seal

if TYPE_CHECKING:
    from cloud.database import Database
    from cloud.fleet.configuration_store import Due
    from cloud.ports import BoxDirectory, Clock, Outbound

LOOK_INTERVAL_S = 0.5  # a push waits this long; one indexed query costs 30 us
OVERLAP_MS = 60_000  # an enrolment in a slow transaction may be older than the last look
LAPSED = "no answer before it expired"

PUBLISHED = declare(
    "fleet.configuration_published", "a configuration was handed to the broker, no row says so"
)

_log = logging.getLogger(__name__)


class ConfigurationPublisher:
    """Says on down/cfg what each box should be."""

    def __init__(
        self, *, database: Database, outbound: Outbound, directory: BoxDirectory, clock: Clock
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._directory = directory
        self._clock = clock

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
                _log.warning("configurations cannot be read: %s", type(error).__name__)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def start(self) -> None:
        """Let every desired document be published once: the broker's memory is not ours."""
        async with self._database.transaction() as tx:
            await store.mark_all_due(tx, self._clock.now_ms())

    async def look(self) -> int:
        """Publish what is due, at most 64; return how many. Twice in a row publishes nothing twice."""
        now_ms = self._clock.now_ms()
        anew = await store.enrolled_anew(self._database, now_ms - OVERLAP_MS)
        if anew:
            async with self._database.transaction() as tx:
                await store.mark_enrolled_anew(tx, anew, now_ms)
        due = await store.due(self._database, now_ms)
        for document in due:
            await self._say(document, now_ms)
        return len(due)

    async def _say(self, document: Due, now_ms: int) -> None:
        key = (document.tenant, document.box, document.version)
        box = await self._directory.find(document.tenant, document.box)
        is_open = document.state == OPEN
        if document.expires_ms <= now_ms or box is None or box.status == "revoked":
            async with self._database.transaction() as tx:
                await store.quiet(tx, key)
                if is_open and document.expires_ms <= now_ms:
                    await store.settle(tx, key, next_state(OPEN, "lapsed"), LAPSED, now_ms)
            return
        topic = topics.build(box.shard, box.tenant, box.store, box.box, topics.DOWN, "cfg")
        await self._outbound.publish(topic, seal(box.down_key, topic, document.payload), retain=True)
        fault(PUBLISHED)
        async with self._database.transaction() as tx:
            next_ms = now_ms + next_delay_ms(document.tries) if is_open else 0
            await store.mark_sent(tx, document, next_ms, now_ms)
