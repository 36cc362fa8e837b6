"""A box whose price versions come from a cloud, for tests: real shelf, keeper and flows, a source in memory."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from edge.effects import ApplyVersions, Record
from edge.flows.checkout import decide
from edge.flows.state import Box, Now
from edge.settings import Settings
from edge.versions.keeper import VersionKeeper
from edge.versions.opening import open_set
from edge.versions.shelf import VersionShelf
from protocol.catalogue import Catalogue, build
from protocol.configuration import pack
from protocol.errors import DeviceError
from protocol.identifiers import IdMaker
from protocol.item import Item
from protocol.overlay import Overlay
from protocol.pricing.tax import TaxTable
from protocol.publication import encode_publication, signed_part
from protocol.strict_json import dumps
from tests.builders import BREAD, ITEMS, NOON_MS, SOAP, small_shop
from tests.edge.configured_box import FLEET, IDENTITY, SIGNER, HandClock
from tests.edge.disk import MemoryDisk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DIRECTORY = "/versions"
SOURCE = "https://cloud:8884"
HOUR_MS = 3_600_000
STEPS_MAX = 50  # of the keeper until nothing more happens; a publication takes three


class Versions:
    """What a cloud has: versions by hash, and publications that name them."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}

    def image(self, price_minor: int) -> str:
        """The hash of an image in which bread and soap cost this."""
        dear = [
            Item(i.gtin, i.name, price_minor, i.tax_class, i.kind) if i in (BREAD, SOAP) else i for i in ITEMS
        ]
        image = build(dear, "GBP")
        digest = Catalogue(image).hash.hex()
        self.bytes[digest] = image
        return digest

    def overlay(self, catalogue: str, price_minor: int) -> str:
        """The hash of an urgent change of the bread's price."""
        bread = Item(BREAD.gtin, BREAD.name, price_minor, BREAD.tax_class)
        overlay = Overlay({BREAD.gtin: bread}, bytes.fromhex(catalogue))
        self.bytes[overlay.hash.hex()] = overlay.encode()
        return overlay.hash.hex()

    def taxes(self, ppm: int) -> str:
        """The hash of a tax table in which everything has this rate."""
        table = TaxTable("included", "line", {"A": ppm, "Z": ppm})
        self.bytes[table.hash.hex()] = dumps(table.document())
        return table.hash.hex()

    def published(
        self, number: int, *plan: dict[str, Any], key: Ed25519PrivateKey = FLEET, **changed: Any
    ) -> bytes:
        """A signed publication of these sets; what an entry leaves out is none."""
        none = {"from_ms": 0, "overlay": "", "promotions": "", "taxes": ""}
        entries = [{**none, **entry} for entry in plan]
        named = {
            e[part] for e in entries for part in ("catalogue", "overlay", "promotions", "taxes") if e[part]
        }
        document = {
            "v": 1,
            "tenant": "acme",
            "store": "north",
            "number": number,
            "issued_ms": NOON_MS,
            "expires_ms": NOON_MS + HOUR_MS,
            "source": SOURCE,
            "plan": entries,
            "sizes": {digest: len(self.bytes[digest]) for digest in named},
        }
        data = encode_publication({**document, **changed})
        return pack(key.sign(signed_part(data)), data)


class StillClock(HandClock):
    """Its waits are over at once: what is waited for here is done by then."""

    async def sleep_ms(self, delay_ms: int) -> None:
        self.ms += delay_ms


class VersionedBox:
    """One box from start to power cut; `start` again on the same disk is a restart."""

    def __init__(self, versions: Versions, disk: MemoryDisk | None = None) -> None:
        self.versions, self.disk = versions, disk or MemoryDisk()
        self.clock = StillClock()
        self.cloud_ms = NOON_MS
        self.answers: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.fetched: list[tuple[str, int]] = []
        self.breaks_after: int | None = None  # bytes, then the line is cut
        self.currency = "GBP"
        self.ids = IdMaker(1)
        self.start()

    def start(self) -> None:
        self.events: deque[Any] = deque()
        self.shelf = VersionShelf(self.disk, DIRECTORY)
        self.keeper = VersionKeeper(
            shelf=self.shelf,
            signer=SIGNER,
            identity=IDENTITY,
            clock=self.clock,
            cloud_time_ms=lambda: self.cloud_ms,
            post=self.events.append,
            answer=self.answers.append,
            fetch=self.fetch,
            open_set=lambda shelf, versions: open_set(shelf, versions, self.currency, self.opened),
        )
        self.box = Box(settings=Settings(), shop=self.keeper.start() or small_shop(), is_linked=True)
        self.keeper.link_changed(is_up=True)

    def opened(self, path: str) -> Catalogue:
        return Catalogue(memoryview(self.disk.read(path)))

    async def fetch(self, source: str, digest: str, offset: int) -> AsyncGenerator[bytes, None]:
        assert source == SOURCE
        self.fetched.append((digest, offset))
        data = self.versions.bytes[digest][offset:]
        for at in range(0, len(data), 100):
            if self.breaks_after is not None and at >= self.breaks_after:
                raise DeviceError("versions-unreachable", "the line was cut")
            yield data[at : at + 100]

    async def hears(self, payload: bytes) -> None:
        """A publication comes, and everything follows that can."""
        self.keeper.received(payload)
        await self.goes_on()

    async def goes_on(self) -> None:
        """Let the keeper work and the flows decide until nothing more happens."""
        idle = 0
        for _ in range(STEPS_MAX):
            await self.keeper.look()
            idle = 0 if self.events else idle + 1
            if idle > 1:
                return
            while self.events:
                self.plays(self.events.popleft())
        raise AssertionError("it never comes to rest")

    def plays(self, *events: Any) -> None:
        """Decide each event in turn, and carry out what concerns versions."""
        for event in events:
            now = Now(self.cloud_ms, self.clock.ms, lambda: self.ids.make(self.cloud_ms))
            self.box, effects = decide(self.box, event, now)
            for effect in effects:
                if isinstance(effect, Record):
                    self.records.append({"t": effect.t, **effect.fields})
                elif isinstance(effect, ApplyVersions):
                    self.keeper.applied(effect.number, effect.from_ms)

    def outcomes(self) -> list[tuple[int, str, str]]:
        """What was answered, in order."""
        return [(answer["number"], answer["outcome"], answer["reason"]) for answer in self.answers]

    def price(self) -> int:
        """What bread costs in the next sale."""
        item = self.box.shop.prices.find(BREAD.gtin)
        assert item is not None
        return item.unit_price_minor
