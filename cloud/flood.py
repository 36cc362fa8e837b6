"""A bound for each box on what the cloud takes in, so that one that floods harms nobody else; and the alarm about it.

`FloodGuard` decides about each message as it arrives, before anything is opened: the topic is enough, because the
broker lets a box publish under its own name only. What is dropped is not lost: a box sends again what was not
receipted, and asks again what was not answered. `FloodWatch` tells people, and ends the alarm when the flood is over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cloud.alarms import Alarm, open_alarms, raise_alarms, settle_alarms
from protocol import topics
from protocol.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.database import Database
    from cloud.ports import BoxDirectory, Clock

BOX_MESSAGES_A_SECOND = 500  # a box that catches up sends 150 batches a second, one that sells a handful
BOX_MESSAGES_BURST = 1_000  # everything that a box may have on the way, after a pause, ten times over
BOX_BYTES_A_SECOND = (
    8_388_608  # 8 MiB: four times what one consumer books, so no honest backlog is slowed down
)
BOX_BYTES_BURST = 4_194_304  # 4 MiB: eight windows of full batches
BOXES_WATCHED_MAX = 20_000  # names in memory, one for each box of a large process; beyond it all start afresh
LOOK_INTERVAL_S = 1.0  # a person looks at alarms; the flood itself is held off at once
QUIET_MS = 60_000  # a flood that stops for a minute is over

FLOODING = "box-flooding"

_log = logging.getLogger(__name__)


class _Allowance:
    """What one box may still send: it fills up with time, to the bursts at most."""

    __slots__ = ("at_s", "bytes_left", "messages_left")

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s
        self.messages_left = float(BOX_MESSAGES_BURST)
        self.bytes_left = float(BOX_BYTES_BURST)

    def takes(self, size: int, now_s: float) -> bool:
        passed_s = now_s - self.at_s
        self.at_s = now_s
        self.messages_left = min(self.messages_left + passed_s * BOX_MESSAGES_A_SECOND, BOX_MESSAGES_BURST)
        self.bytes_left = min(self.bytes_left + passed_s * BOX_BYTES_A_SECOND, BOX_BYTES_BURST)
        if self.messages_left < 1 or self.bytes_left < size:
            return False
        self.messages_left -= 1
        self.bytes_left -= size
        return True


class FloodGuard:
    """Admits messages by their topic, and counts for each box what it did not admit."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._allowances: dict[str, _Allowance] = {}
        self._dropped: dict[str, int] = {}

    def admits(self, topic: str, size: int) -> bool:
        """Whether the box of this topic may be heard now."""
        place = topic.rpartition("/up/")[0]
        allowance = self._allowances.get(place)
        if allowance is None:
            if len(self._allowances) >= BOXES_WATCHED_MAX:
                self._allowances.clear()
            allowance = self._allowances[place] = _Allowance(self._now_s())
        if allowance.takes(size, self._now_s()):
            return True
        if place in self._dropped or len(self._dropped) < BOXES_WATCHED_MAX:
            self._dropped[place] = self._dropped.get(place, 0) + 1
        return False

    def take_dropped(self) -> dict[tuple[str, str], int]:
        """(tenant, box) -> messages dropped since this was asked last."""
        dropped, self._dropped = self._dropped, {}
        told: dict[tuple[str, str], int] = {}
        for place, count in dropped.items():
            try:
                topic = topics.parse(f"{place}/up/evt")
            except PeerError:
                continue  # No box of ours has such a name; the broker's access list keeps it out.
            told[topic.tenant, topic.box] = count
        return told


class FloodWatch:
    """Raises an alarm for each box that floods, and settles it when the box is quiet again."""

    def __init__(
        self, *, database: Database, directory: BoxDirectory, clock: Clock, guard: FloodGuard
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._guard = guard
        self._last_ms: dict[tuple[str, str], int] = {}
        self._knows_open = False

    async def run(self) -> None:
        """Look until cancelled; a database that is away is asked again at the next look."""
        while True:
            try:
                await self.look()
            except self._database.outages as error:
                _log.warning("alarms cannot be written: %s", type(error).__name__)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Look once."""
        now_ms = self._clock.now_ms()
        await self._recall(now_ms)
        alarms = []
        for (tenant, name), count in self._guard.take_dropped().items():
            box = await self._directory.find(tenant, name)
            if box is not None:
                detail = (
                    f"{count} messages dropped within a second; the others go on, nothing receipted is lost"
                )
                alarms.append(Alarm(tenant, FLOODING, name, box.shard, detail, now_ms))
                self._last_ms[tenant, name] = now_ms
        over = [who for who, last_ms in self._last_ms.items() if now_ms - last_ms >= QUIET_MS]
        if alarms or over:
            async with self._database.transaction() as tx:
                await raise_alarms(tx, alarms)
                await settle_alarms(tx, [(tenant, FLOODING, name) for tenant, name in over], now_ms)
        for who in over:
            del self._last_ms[who]

    async def _recall(self, now_ms: int) -> None:
        """Take over the alarms that an earlier run left open."""
        if self._knows_open:
            return
        for _, tenant, kind, subject, _ in await open_alarms(self._database):
            if kind == FLOODING:
                self._last_ms[tenant, subject] = now_ms
        self._knows_open = True
