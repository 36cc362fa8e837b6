"""A box in the world: the product's own `RunningBox` on a machine of ours, with its screen, paper and card reader.

One `BoxSite` is the place in the shop, with everything that survives a crash; `live` is one life of its process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.bindings import Bindings
from edge.config import BoxConfig, BrokerAddress
from edge.devices import DeviceSet
from edge.journal.segment import HEAD_BYTES
from edge.main import Machine, Options, RunningBox, renew_journal
from edge.peripherals.connection import SerialSettings
from edge.uplink.uplink import QUARANTINED
from protocol import messages
from protocol.catalogue import Catalogue
from protocol.frame import HEADER_BYTES, scan
from simulators.goods import CURRENCY
from simulators.world.box_clock import BoxClock, Crystal
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
    from edge.versions.keeper import Fetch
    from simulators.world.files import WorldFiles
    from simulators.world.ground import Ground
    from simulators.world.process import Process
    from simulators.world.wire import Wire

# What the disk of a box holds, by folder.
JOURNAL, CONFIGURATION, DOCUMENTS, VERSIONS = "journal", "config", "documents", "versions"


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

    def _fetch(self) -> Fetch:
        site = self._site
        assert site.files is not None, "a world has a file service"
        return site.files.fetch(site.wire, site.chance("fetch"))

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
    signer: bytes
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
        self.files: WorldFiles | None = None
        self.crystal = Crystal(ground.loop.time, ground.now_ms)
        self.written: dict[
            bytes, int
        ] = {}  # the true time at which each record was first written, by its chain
        self.put_back: list[str] = []  # what was replaced by an old copy, time after time
        self._copy: tuple[dict[str, bytes], tuple[str, ...]] | None = None
        self._life = 0

    def chance(self, purpose: str) -> Any:
        """The seed's generator for one purpose of this life of this box."""
        return self.ground.seeds.chance(f"{self.name} {purpose} {self._life}")

    async def live(self) -> None:
        """Start the box as it finds its disk, and run it until its process dies."""
        machine = self._machine()
        self.eyes.open()
        self._process.cut_with(self.eyes.shut)
        self.box = WorldBox(self, Options(self.config.directory, machine=machine))
        await self.box.run()

    async def renew(self) -> None:
        """What `tillbox box renew` does, while the box itself does not run."""
        renew_journal(self.config, Options(self.config.directory, machine=self._machine()))

    def put_back_at_start(self, copy: dict[str, bytes], folders: tuple[str, ...]) -> None:
        """The next start finds these folders as in an old copy."""
        self._copy = (copy, folders)
        self.put_back += folders

    @property
    def is_quarantined(self) -> bool:
        """Whether the box itself sees that the cloud holds another history of it."""
        return self.box is not None and QUARANTINED in self.box.agent.box.blocked

    @property
    def has_told_all(self) -> bool:
        """Whether the cloud confirmed whatever this box knows, and nobody's money is under way."""
        if self.box is None or self.is_quarantined:
            return False
        journal, known = self.box.journal, self.box.agent.box
        is_synced = journal.last_seq == journal.synced_through and not self.box.uplink.unsent
        return is_synced and not known.reversing and (known.sale is None or known.sale.tender is None)

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

    @property
    def _process(self) -> Process:
        process = PRESENT.get()
        assert process is not None, "a box lives in a process"
        return process

    def _machine(self) -> Machine:
        """The machine of one more life."""
        self._life += 1
        self.disk = self._next_disk(self._process)
        return Machine(
            BoxClock(self.crystal), self.chance("bytes").randbytes, self.disk, self._devices, self._image
        )

    def _image(self, path: str) -> Catalogue:
        """An image of this box's own disk."""
        assert self.disk is not None, "it lives"
        return Catalogue(self.disk.read(path))

    def _next_disk(self, process: Process) -> BoxDisk:
        if self.disk is None:
            return BoxDisk(process, self.ground.trace, self._note_record)
        found = self.disk.next_life(process, self.chance("disk"))
        if self._copy is not None:
            found.put_back(*self._copy)
            self._copy = None
        return found

    def _note_record(self, chain: bytes) -> None:
        self.written.setdefault(chain, self.ground.now_ms())

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
        configuration_signer=provision.signer,
        devices=Bindings(reader=SerialSettings("reader")),
        up_key=provision.up_key,
        down_key=provision.down_key,
    )
