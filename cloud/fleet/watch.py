"""Notices boxes that were enrolled, revoked or changed, also by another process, and tells who must know.

It looks at the table of boxes; that works the same on both databases, and survives a restart of either side.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cloud.fleet import store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloud.database import Database
    from cloud.ports import BoxDirectory, Clock

LOOK_INTERVAL_S = 0.5  # a new box waits this long for the broker; one indexed query costs 30 us
OVERLAP_MS = 60_000  # a slow transaction may commit a change that is older than the last look

_log = logging.getLogger(__name__)


class FleetWatch:
    """Forgets changed boxes in the directory, then calls `on_change`."""

    def __init__(
        self,
        *,
        database: Database,
        directory: BoxDirectory,
        clock: Clock,
        on_change: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._on_change = on_change
        self._seen: set[tuple[str, str, int]] = set()

    async def run(self) -> None:
        """Run until cancelled; a database that is away is asked again at the next look."""
        while True:
            try:
                await self.look()
            except self._database.outages as error:
                _log.warning("the fleet cannot be read: %s", type(error).__name__)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> int:
        """Look once; return how many boxes changed since the last look."""
        now = await store.changed(self._database, self._clock.now_ms() - OVERLAP_MS)
        fresh = now - self._seen
        self._seen = now
        for tenant, box, _ in fresh:
            self._directory.forget(tenant, box)
        if fresh:
            await self._on_change()
        return len(fresh)
