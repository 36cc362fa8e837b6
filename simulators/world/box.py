"""A box in the world: the product's own `RunningBox` on a machine of ours, with its screen, paper and card reader.

One `BoxSite` is the place in the shop, with everything that survives a crash; `live` is one life of its process.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.bindings import Bindings
from edge.config import BoxConfig, BrokerAddress
from edge.devices import DeviceSet
from edge.journal.segment import HEAD_BYTES
from edge.main import LATEST_MS, Machine, Options, RunningBox, SystemClock
from edge.peripherals.connection import SerialSettings
from protocol import messages
from protocol.frame import HEADER_BYTES, scan
from simulators.goods import CURRENCY
from simulators.world.box_disk import BoxDisk
from simulators.world.cards import BlobShelf, WorldCards
from simulators.world.ground import SHARD, STORE, TENANT
from simulators.world.links import BoxLink
from simulators.world.paper import Paper
from simulators.world.process import PRESENT
from simulators.world.screen import Eyes

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from edge.secure.client import SecureClient
    from edge.uplink.link import Link
    from simulators.world.ground import Ground
    from simulators.world.process import Process
    from simulators.world.wire import Wire

# An idle box looks at its clock ten times a second. In the world it does once a second: nothing in it is decided by
# less, and nine of ten looks find nothing.
LEAST_SLEEP_MS = 1_000


class BoxClock(SystemClock):
    """A box's clocks: UTC may be wrong by `skew_ms`; the monotonic one begins with each life."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._began_s = ground.loop.time()
        self.skew_ms = 0

    def utc_ms(self) -> int:
        """UTC as this box believes it, within the product's bounds."""
        return min(max(self._ground.now_ms() + self.skew_ms, 0), LATEST_MS)

    def monotonic_ms(self) -> int:
        """Milliseconds since this start."""
        return int((self._ground.loop.time() - self._began_s) * 1000)

    async def sleep_ms(self, delay_ms: int) -> None:
        """Wait at least `delay_ms`."""
        await asyncio.sleep(max(delay_ms, LEAST_SLEEP_MS) / 1000)


class WorldBox(RunningBox):
    """The product's box with this world's broker, reader and paper."""

    def __init__(self, site: BoxSite, options: Options) -> None:
        self._site = site
        super().__init__(site.config, options, screen=site.eyes)

    def _secure_client(self, options: Options) -> SecureClient | None:
        del options
        site = self._site
        site.cards = WorldCards(
            (TENANT, site.name), site.config.card_zone_key, site.blobs, self.post, site.chance("cards")
        )
        return site.cards

    def _link(self) -> Link:
        topic, sealed = self.identity.seal("state", messages.offline_state())
        self._site.link = BoxLink(
            self._site.ground.broker,
            self._site.wire,
            client_id=self.config.client_id,
            subscription=self.identity.subscription,
            last_will=(topic, sealed),
            on_message=self.uplink.received,
            on_change=self.uplink.link_changed,
        )
        return self._site.link


@dataclass(frozen=True, slots=True)
class Provision:
    """What enrolment gives a box."""

    directory: Path  # settings.json and catalogue/: the same for all boxes of a world
    name: str
    number: int
    card_zone_key: str
    up_key: bytes
    down_key: bytes


class BoxSite:
    """See the module."""

    def __init__(self, ground: Ground, wire: Wire, provision: Provision) -> None:
        self.ground, self.wire, self.name = ground, wire, provision.name
        self.config = _config(provision)
        self.paper = Paper(ground.seeds.chance(f"paper {self.name}"))
        self.eyes = Eyes()
        self.blobs = BlobShelf()
        self.disk: BoxDisk | None = None
        self.box: WorldBox | None = None
        self.cards: WorldCards | None = None
        self.link: BoxLink | None = None
        self.skew_ms = 0
        self._life = 0

    def chance(self, purpose: str) -> Any:
        """The seed's generator for one purpose of this life of this box."""
        return self.ground.seeds.chance(f"{self.name} {purpose} {self._life}")

    async def live(self) -> None:
        """Start the box as it finds its disk, and run it until its process dies."""
        process = PRESENT.get()
        assert process is not None, "a box lives in a process"
        self._life += 1
        self.disk = self._next_disk(process)
        clock = BoxClock(self.ground)
        clock.skew_ms = self.skew_ms
        machine = Machine(clock, self.chance("bytes").randbytes, self.disk, self._devices)
        self.eyes.open()
        process.cut_with(self.eyes.shut)
        self.box = WorldBox(self, Options(self.config.directory, machine=machine))
        await self.box.run()

    def jump_clock(self, by_ms: int) -> None:
        """Set the box's wall clock wrong by this much from now on."""
        self.skew_ms = by_ms
        if self.box is not None and isinstance(self.box.clock, BoxClock):
            self.box.clock.skew_ms = by_ms

    def flip_bit(self, chance: Random) -> bool:
        """Turn a bit in a record that the cloud has confirmed; False when there is none."""
        if self.box is None or self.disk is None:
            return False
        newest = self.box.journal.spans()[-1]
        files = [path for path in sorted(self.disk.entries) if newest.generation in path]
        path = chance.choice(files) if files else ""
        data = self.disk.entries[path].data if path else bytearray()
        found = scan(bytes(data[HEAD_BYTES:]))
        ends = [
            offset + HEADER_BYTES + len(frame.body)
            for frame, offset in zip(found.frames, found.offsets, strict=True)
            if frame.seq <= newest.receipted_through
        ]
        if not ends:
            return False
        data[HEAD_BYTES + chance.randrange(ends[-1])] ^= 1 << chance.randrange(8)
        return True

    def _next_disk(self, process: Process) -> BoxDisk:
        if self.disk is None:
            return BoxDisk(process, self.ground.trace)
        return self.disk.next_life(process, self.chance("disk"))

    def _devices(self, *arguments: Any) -> DeviceSet:
        devices = DeviceSet(*arguments)
        devices.paper = self.paper  # type: ignore[assignment]  # it prints as the product's own does
        return devices


def _config(provision: Provision) -> BoxConfig:
    return BoxConfig(
        directory=provision.directory,
        tenant=TENANT,
        store=STORE,
        box=provision.name,
        box_number=provision.number,
        shard=SHARD,
        client_id=f"{TENANT}_{provision.number}_000000000000",
        broker=BrokerAddress("broker", 1, "broker"),
        currency=CURRENCY,
        card_zone_key=provision.card_zone_key,
        configuration_signer=bytes(32),
        devices=Bindings(reader=SerialSettings("reader")),
        up_key=provision.up_key,
        down_key=provision.down_key,
    )
