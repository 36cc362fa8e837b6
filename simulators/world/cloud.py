"""The cloud's process in the world: consumer, poller, card channel and stores as `cloud.main` puts them together.

The database is real SQLite. A crash closes it: what was committed is there, everything else is not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

from cloud.cardzone.client import CardZoneClient
from cloud.catalogue.announcer import PublicationAnnouncer
from cloud.catalogue.handlers import PublicationAnswers
from cloud.catalogue_shelf import DirectoryShelf
from cloud.channels.card import Acceptors, CardChannel
from cloud.consumer import Consumer
from cloud.database_schema import bring_up_to_date
from cloud.database_sqlite import SqliteDatabase
from cloud.fleet.authority import CLOUD_CLIENT_ID
from cloud.fleet.configuration_handlers import ConfigurationAnswers, StateReports
from cloud.fleet.configuration_publisher import ConfigurationPublisher
from cloud.fleet.watch import FleetWatch
from cloud.intake_boxes import BoxTable
from cloud.intake_store import raise_epoch
from cloud.poller import Poller
from cloud.publisher import Publisher
from simulators.world.ground import SHARD, STORE, TENANT
from simulators.world.links import CloudLink
from simulators.world.process import PRESENT
from simulators.world.zone import SOCKET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulators.world.ground import Ground
    from simulators.world.process import Process
    from simulators.world.wire import Wire

DATABASE, BACKUP = "cloud.db", "cloud.backup.db"
SHELF = "shelf"
# The cloud's watches look twice a second. In the world they do every third second: a push or a release waits so long.
LOOK_S = 3.0


class WorldDatabase(SqliteDatabase):
    """A database whose process may die. Nobody's power fails here, so nothing waits for a medium."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._writer.execute("PRAGMA synchronous = OFF")

    def cut(self) -> None:
        """Die with what is committed."""
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        self._reader.close()
        self._writer.close()


class CloudClock:
    """The cloud's time; `skew_ms` is how far it is wrong."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.skew_ms = 0

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self._ground.now_ms() + self.skew_ms


class WorldCloud:
    """The cloud; `live` is one life of its process."""

    def __init__(self, ground: Ground, wire: Wire) -> None:
        self._ground, self.wire = ground, wire
        self.clock = CloudClock(ground)
        self.database: WorldDatabase | None = None
        self.link: CloudLink | None = None
        self.restored = 0
        self._process: Process | None = None
        self._is_restored = False

    @property
    def is_alive(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and not self._process.is_dead

    async def enrol(self, boxes: list[tuple[str, int, bytes, bytes]]) -> None:
        """Make the database with these boxes in it: (name, number, up key, down key)."""
        database = WorldDatabase(str(self._ground.path(DATABASE)))
        await bring_up_to_date(database)
        async with database.transaction() as tx:
            for name, number, up_key, down_key in boxes:
                await tx.execute(
                    "INSERT INTO box VALUES ($1,$2,$3,$4,$5,'serving','','',$6,$7,$8,$8)",
                    *(TENANT, name, STORE, SHARD, number, up_key, down_key, self.clock.now_ms()),
                )
        await database.close()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[WorldDatabase]:
        """The database as another program opens it, for one transaction, whether the cloud runs or not."""
        database = WorldDatabase(str(self._ground.path(DATABASE)))
        try:
            yield database
        finally:
            await database.close()

    def back_up(self) -> None:
        """Copy the database as it is now."""
        with closing(sqlite3.connect(self._ground.path(DATABASE))) as now:
            now.execute("VACUUM INTO ?", (str(self._ground.path(BACKUP)),))

    def forget_backup(self) -> None:
        """The copy is not needed."""
        self._ground.path(BACKUP).unlink()

    def restore(self) -> None:
        """While the cloud stands: put the copy in place of the database; the next start declares it."""
        for end in ("", "-wal", "-shm"):
            self._ground.path(DATABASE + end).unlink(missing_ok=True)
        self._ground.path(BACKUP).rename(self._ground.path(DATABASE))
        self._is_restored = True
        self.restored += 1

    async def live(self) -> None:
        """Run until the process dies."""
        database = WorldDatabase(str(self._ground.path(DATABASE)))
        if self._is_restored:
            self._is_restored = False
            async with database.transaction() as tx:
                await raise_epoch(tx)
        process = self._process = PRESENT.get()
        assert process is not None, "a cloud lives in a process"
        process.cut_with(database.cut)
        self.database = database
        link = self.link = CloudLink(self._ground.broker, self.wire, CLOUD_CLIENT_ID)
        directory = BoxTable(database)
        channel = CardChannel(Acceptors({}))
        zone = CardZoneClient(self._ground.path(SOCKET), channel.hear)
        channel.attach(zone)
        consumer = Consumer(
            database=database,
            intake=link,
            publisher=Publisher(outbound=link, directory=directory, clock=self.clock),
            directory=directory,
            shelf=DirectoryShelf(self._ground.path(SHELF)),
            channel=channel,
            clock=self.clock,
            lanes={"cfg": ConfigurationAnswers(), "state": StateReports(), "ver": PublicationAnswers()},
        )
        poller = Poller(database=database, consumer=consumer, clock=self.clock)
        watch = FleetWatch(
            database=database, directory=directory, clock=self.clock, on_change=self._note_change
        )
        configurations = ConfigurationPublisher(
            database=database, outbound=link, directory=directory, clock=self.clock
        )
        announcer = PublicationAnnouncer(
            database=database, outbound=link, directory=directory, clock=self.clock
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run())
            group.create_task(zone.listen())
            await link.wait_until_up()
            group.create_task(consumer.run())
            group.create_task(poller.run())
            await configurations.start()
            await announcer.start()
            while True:
                await watch.look()
                await configurations.look()
                await announcer.look()
                await asyncio.sleep(LOOK_S)

    async def _note_change(self) -> None:
        """A broker of this world takes everybody; a real one would be told whom."""
        self._ground.trace.note("fleet.changed", "cloud")

    async def under_way(self) -> list[str]:
        """What is not at rest in the cloud: open attempts, boxes that wait for a person or for their configuration."""
        if self.database is None:
            return ["the cloud"]
        counts = {what: (await self.database.fetch(sql))[0][0] for what, sql in _UNDER_WAY.items()}
        return [f"{count} {what}" for what, count in counts.items() if count]


_OPEN = (
    "SELECT count(*) FROM payment_attempt WHERE state IN ('intended', 'requested', 'unknown', 'reversing')"
)
_QUARANTINED = "SELECT count(*) FROM box WHERE status = 'quarantined'"
_UNCONFIGURED = """
SELECT count(*) FROM configuration_desired d
JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
LEFT JOIN box_report r ON r.tenant = d.tenant AND r.box = d.box
WHERE c.state = 'sent' OR (c.state = 'applied' AND COALESCE(r.config_version, 0) <> d.version)
"""
_OTHER_PRICES = "SELECT count(*) FROM publication_box WHERE state <> 'applied' OR held <> number"
_UNDER_WAY = {
    "attempts open": _OPEN,
    "quarantined": _QUARANTINED,
    "not configured": _UNCONFIGURED,
    "not at the newest prices": _OTHER_PRICES,
}
