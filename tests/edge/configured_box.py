"""A box that is configured, for tests: real slots, real flows, a fleet that signs, clocks that a test moves."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.config_slots import ConfigSlots
from edge.configuration import Configuration
from edge.effects import ApplySettings
from edge.events import CodeScanned, TimerFired
from edge.flows.checkout import decide
from edge.flows.state import Box, Now
from edge.uplink.identity import Identity
from protocol.configuration import encode_document, pack, signed_part
from protocol.identifiers import IdMaker
from tests.builders import BREAD, NOON_MS, small_shop
from tests.edge.disk import MemoryDisk

if TYPE_CHECKING:
    from edge.journal.files import Files
    from edge.settings import Settings

FLEET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SIGNER = FLEET.public_key().public_bytes_raw()
IDENTITY = Identity(
    shard="0a", tenant="acme", store="north", box="till-1", up_key=bytes(32), down_key=bytes(32)
)
HOUR_MS = 3_600_000


def document(version: int, **changed: Any) -> dict[str, Any]:
    fields = {
        "v": 1,
        "tenant": "acme",
        "box": "till-1",
        "group": "",
        "version": version,
        "issued_ms": NOON_MS,
        "expires_ms": NOON_MS + HOUR_MS,
        "settings": {"store_name": f"Shop {version}"},
    }
    return {**fields, **changed}


def sign(data: bytes, key: Ed25519PrivateKey = FLEET) -> bytes:
    return pack(key.sign(signed_part(data)), data)


def pushed(version: int, **changed: Any) -> bytes:
    """A document as the fleet sends it."""
    return sign(encode_document(document(version, **changed)))


def digest_of(payload: bytes) -> str:
    return hashlib.sha256(payload[72:]).hexdigest()


class HandClock:
    """A monotonic clock that moves when a test says so; the wall clock of this box is years behind."""

    def __init__(self) -> None:
        self.ms = 1_000

    def utc_ms(self) -> int:
        return 1_000_000_000_000 + self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    async def sleep_ms(self, delay_ms: int) -> None:
        raise AssertionError(f"nothing waits here, and yet {delay_ms} ms")


class ConfiguredBox:
    """One box from start to power cut. `start` again on the same disk is a restart."""

    def __init__(
        self,
        files: Files | None = None,
        *,
        is_linked: bool = True,
        directory: str = "config",
        signer: bytes = SIGNER,
    ) -> None:
        self.signer = signer
        self.files = files or MemoryDisk()
        self.directory = directory
        self.clock = HandClock()
        self.cloud_ms = NOON_MS if is_linked else 0
        self.is_linked = is_linked
        self.trouble = ""
        self.answers: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.ids = IdMaker(1)
        self.start()

    def start(self) -> None:
        self.events: deque[Any] = deque()
        self.slots = ConfigSlots(self.files, self.directory)
        self.configuration = Configuration(
            slots=self.slots,
            signer=self.signer,
            identity=IDENTITY,
            clock=self.clock,
            cloud_time_ms=lambda: self.cloud_ms,
            post=self.events.append,
            answer=self.answers.append,
            health=lambda: self.trouble,
            record=self.records.append,
        )
        self.settings_at_start = self.configuration.start()
        self.box = Box(settings=self.settings_at_start, shop=small_shop())
        if self.is_linked:
            self.configuration.link_changed(is_up=True)
        self.run()

    def link(self, *, is_up: bool) -> None:
        self.is_linked = is_up
        if is_up and not self.cloud_ms:
            self.cloud_ms = NOON_MS
        self.configuration.link_changed(is_up=is_up)
        self.run()

    def receive(self, payload: bytes) -> None:
        self.configuration.received(payload)
        self.run()

    def pass_ms(self, duration_ms: int) -> None:
        """Let time pass, a tick each second."""
        for _ in range(0, duration_ms, 1_000):
            self.clock.ms += 1_000
            self.cloud_ms += 1_000 if self.cloud_ms else 0
            self.configuration.tick()
            self.run()

    def scan(self) -> None:
        """A shopper begins."""
        self.events.append(CodeScanned(BREAD.gtin))
        self.run()

    def finish_sale(self) -> None:
        """The open sale ends; what waits for that is carried out by the flows' own rule."""
        sale = self.box.sale
        assert sale is not None
        thanks = replace(sale, phase="paid")
        self.box = replace(self.box, sale=thanks)
        self.events.append(TimerFired("thanks"))
        self.run()

    def run(self) -> None:
        while self.events:
            now = Now(NOON_MS, self.clock.ms, lambda: self.ids.make(NOON_MS))
            self.box, effects = decide(self.box, self.events.popleft(), now)
            for effect in effects:
                if isinstance(effect, ApplySettings):
                    self.configuration.applied(effect.version)

    @property
    def settings(self) -> Settings:
        """What the flows use now."""
        return self.box.settings

    @property
    def active(self) -> int:
        return self.slots.active_version

    @property
    def last_answer(self) -> tuple[int, str, str]:
        answer = self.answers[-1]
        return answer["version"], answer["outcome"], answer["reason"]
