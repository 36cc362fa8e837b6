"""Real brokers for tests: an installation in a temporary directory, its broker as our own child, enrolled boxes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.broker.plan import Plan
from cloud.broker.supervisor import Broker, find_broker
from cloud.broker_link import BrokerLink
from cloud.database import open_database
from cloud.fleet import store
from cloud.fleet.authority import CLOUD_CLIENT_ID, Authority
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.rules import NewBox
from cloud.installation import Installation, Wishes, World, make_installation
from cloud.main import client_tls
from edge.config import BoxConfig, read_box
from edge.uplink.link import Link
from protocol.topics import box_subscription
from tests.conftest import find_program
from tests.mqtt_raw import refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from cloud.database import Database

TENANT, STORE, SHARD = "acme", "north", "3e"
PATIENCE_S = 15.0


def real_world() -> World:
    """Real time; random bytes that differ from call to call and are the same in every run."""
    drawn = iter(range(1, 1_000_000))

    def random_bytes(count: int) -> bytes:
        return next(drawn).to_bytes(8, "big").rjust(count, b"\x5a")[-count:]

    return World(now_ms=lambda: time.time_ns() // 1_000_000, random_bytes=random_bytes)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(is_so: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so, by looking, for a bounded time."""
    ends = asyncio.get_running_loop().time() + patience_s
    while not is_so():
        assert asyncio.get_running_loop().time() < ends, f"it never came: {what}"
        await asyncio.sleep(0.01)


@dataclass
class Site:
    """An installation whose broker runs."""

    kind: str
    there: Installation
    port: int
    world: World
    database: Database
    authority: Authority
    broker: Broker
    directory: Path
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    # Two boxes of two tenants and the cloud, where a test asks for them.
    mine: BoxConfig = field(init=False)
    other: BoxConfig = field(init=False)
    cloud: BrokerLink = field(init=False)

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment(
            database=self.database,
            authority=self.authority,
            lock=self.there.lock,
            now_ms=self.world.now_ms,
            random_bytes=self.world.random_bytes,
        )

    async def enroll(self, box: str, tenant: str = TENANT, shop: str = STORE, out: str = "") -> BoxConfig:
        """Enrol a box; the broker knows it after `refresh`."""
        directory = self.directory / (out or f"box-{tenant}-{box}")
        around = Surroundings("127.0.0.1", self.port, "localhost", "04" + "00" * 64, "11" * 32)
        await self.enrolment.enroll(
            NewBox(tenant, shop, box, replaces=bool(out)),
            surroundings=around,
            currency="GBP",
            devices={},
            directory=directory,
        )
        return read_box(directory)

    async def refresh(self) -> None:
        self.broker.refresh(await store.admitted(self.database))

    def box_tls(self, box: BoxConfig) -> ssl.SSLContext:
        root, certificate, key = box.certificate
        return client_tls(root, certificate, key)

    @property
    def cloud_tls(self) -> ssl.SSLContext:
        client = self.there.client
        return client_tls(self.authority.root_path, client / "cloud.cert.pem", client / "cloud.key.pem")

    def start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.append(task)
        return task

    async def cloud_link(self, shards: range = range(64)) -> BrokerLink:
        link = BrokerLink(
            host="127.0.0.1",
            port=self.port,
            tls=self.cloud_tls,
            client_id=CLOUD_CLIENT_ID,
            server_name="localhost",
            shards=shards,
        )
        self.start(link.run())
        await asyncio.wait_for(link.wait_until_up(), PATIENCE_S)
        return link

    async def box_link(self, box: BoxConfig) -> BoxEnd:
        end = BoxEnd(box)
        end.link = Link(
            host=box.broker.host,
            port=box.broker.port,
            tls=lambda: self.box_tls(box),
            client_id=box.client_id,
            subscription=box_subscription(box.shard, box.tenant, box.store, box.box),
            last_will=(end.topic("state"), b"gone"),
            on_message=lambda lane, payload: end.heard.append((lane, payload)),
            on_change=end.changes.append,
        )
        self.start(end.link.run())
        await eventually(lambda: end.link.is_up, "the box's link")
        return end


VISITOR = "visitor"  # a name of its own, so that a look does not take the place of the box itself


async def eventually_admitted(site: Site, box: BoxConfig) -> None:
    """Wait until the broker lets a box in: it reads what it is told of boxes a moment after `refresh`."""
    await _until_refused_is(site, box, is_refused=False)


async def eventually_refused(site: Site, box: BoxConfig) -> None:
    """Wait until the broker lets a box in no more."""
    await _until_refused_is(site, box, is_refused=True)


async def _until_refused_is(site: Site, box: BoxConfig, *, is_refused: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await refused(site.port, site.box_tls(box), VISITOR) is not is_refused:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.02)


class BoxEnd:
    """A box's real link, and what it heard."""

    def __init__(self, box: BoxConfig) -> None:
        self.box = box
        self.link: Link
        self.heard: list[tuple[str, bytes]] = []
        self.changes: list[bool] = []

    def topic(self, lane: str, direction: str = "up") -> str:
        return topic_of(self.box, lane, direction)


def topic_of(box: BoxConfig, lane: str, direction: str = "up") -> str:
    return f"tb1/{box.shard}/{box.tenant}/{box.store}/{box.box}/{direction}/{lane}"


@contextlib.asynccontextmanager
async def running_site(kind: Any, directory: Path, **limits: int) -> AsyncIterator[Site]:
    """Make an installation, start its broker, and end everything that was started."""
    if kind == "mosquitto":
        find_program("mosquitto")
    world, port = real_world(), free_port()
    there = make_installation(directory / "cloud", Wishes(port=port), world)
    database = await open_database(f"sqlite:///{directory}/cloud.db")
    authority = Authority(there.authority, now_ms=world.now_ms, random_bytes=world.random_bytes)
    kind, program = find_broker(kind)
    broker = Broker(
        kind, Plan(program, "127.0.0.1", port, there.broker, authority.root_path, **limits), authority
    )
    site = Site(kind, there, port, world, database, authority, broker, directory)
    broker.write(())
    running = asyncio.get_running_loop().create_task(broker.run())
    try:
        await broker.wait_until_listening()
        yield site
    finally:
        for task in [*reversed(site.tasks), running]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await database.close()
