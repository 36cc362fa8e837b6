"""Looks for what is due, from rows that survive restarts, and hands it to the consumer. It decides nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cloud import intake_store, repair_store
from cloud.payments import store as payments_store
from cloud.repairs import Repair

if TYPE_CHECKING:
    from cloud.consumer import Consumer
    from cloud.database import Database
    from cloud.ports import Clock

LOOK_INTERVAL_S = 1.0  # the shortest due time is five seconds; one indexed query a second costs nothing
DUE_AT_ONCE = 64  # one batch of the consumer
RECHECK_EVERY_LOOKS = 60  # sales priced with versions that came late are checked within a minute

_TENANTS_TO_RECHECK = "SELECT DISTINCT tenant FROM sale_order WHERE price_check = 'price-not-checked'"

_log = logging.getLogger(__name__)


class Poller:
    """Offers due attempts and repairs to the consumer, and tells it when the database was declared as restored."""

    def __init__(self, *, database: Database, consumer: Consumer, clock: Clock) -> None:
        self._database = database
        self._consumer = consumer
        self._clock = clock
        self._looks = 0
        self._taken_up: set[tuple[str, str]] = set()  # repairs that are with the consumer since this start

    async def run(self) -> None:
        """Run until cancelled; a database that is away is asked again at the next look."""
        while True:
            try:
                await self.look()
            except self._database.outages as error:
                _log.warning("the poller cannot read the database: %s", type(error).__name__)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> int:
        """Offer what is due now, at most one batch; return how many attempts."""
        names = await payments_store.due(self._database, self._clock.now_ms(), DUE_AT_ONCE)
        for name in names:
            self._consumer.offer(name)
        if self._looks % RECHECK_EVERY_LOOKS == 0:
            for (tenant,) in await self._database.fetch(_TENANTS_TO_RECHECK):
                self._consumer.offer(Repair("recheck", tenant))
        self._looks += 1
        await self._take_up_repairs()
        self._consumer.learn_epoch(await intake_store.load_epoch(self._database))
        return len(names)

    async def _take_up_repairs(self) -> None:
        """Hand in what was asked for by command; the consumer goes on by itself until it is done."""
        waiting = {
            (tenant, request): kind for tenant, request, kind in await repair_store.waiting(self._database)
        }
        for (tenant, request), kind in waiting.items():
            if (tenant, request) not in self._taken_up:
                self._consumer.offer(Repair(kind, tenant, request))
        self._taken_up = set(waiting)
