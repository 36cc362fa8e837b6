"""Builds one box and runs it: the only place that reads clocks, random bytes and files of configuration.

Everything else gets what it uses handed in. `run_box` lives until it is cancelled and leaves a clean journal behind.
Read `edge/agent.py` next.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import recall
from edge.acts import Acts
from edge.agent import Agent
from edge.badge import BadgeCheck
from edge.catalogue_file import open_image, open_shop
from edge.cloud_memory import CloudMemory
from edge.config import first_settings
from edge.config_slots import ConfigSlots
from edge.configuration import Configuration
from edge.devices import DeviceSet
from edge.events import DeviceChanged, LinkChanged, SellingBlocked
from edge.flows.state import Box
from edge.journal.commit import Committer
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from edge.renewal import renewed
from edge.screen.server import ScreenServer
from edge.secure.client import SecureClient, SecureSettings
from edge.uplink.identity import identity_of
from edge.uplink.link import Link
from edge.uplink.tls import client_context
from edge.uplink.uplink import BoxUplink, run_uplink
from edge.versions.fetching import HttpsFetch
from edge.versions.keeper import VersionKeeper
from edge.versions.opening import open_set
from edge.versions.shelf import VersionShelf
from edge.watch import WATCH_MS, journal_changes, selling_changes
from protocol import messages
from protocol.errors import DeviceError
from protocol.pricing.engine import ENGINE
from protocol.records import encode_record
from protocol.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import BoxConfig
    from edge.journal.files import Files
    from edge.ports import ServedScreen
    from edge.renewal import Renewed
    from edge.versions.keeper import Fetch
    from protocol.catalogue import Catalogue

SOFTWARE = "tillbox 0.1.0"
# Durable records wait this long for company on the way to the cloud: the records of a sale come in few messages, and a
# live request does not wait behind the replica of its own intention.
GATHER_S = 0.05
# How often the sealed cards are looked through: a secure module that died may have kept one that nobody asks for.
CARD_CHECK_MS = 30_000
# A clock before this instant (2026-01-01 UTC) was never set.
EARLIEST_MS = 1_767_225_600_000
# A clock beyond this instant (2100-01-01 UTC) is garbage too, and would use up the ids of this box number for ever.
LATEST_MS = 4_102_444_800_000

_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's two clocks."""

    def utc_ms(self) -> int:
        """UTC milliseconds from 1970 to the end of 2099; may jump."""
        return min(max(time.time_ns() // 1_000_000, 0), LATEST_MS)

    def monotonic_ms(self) -> int:
        """Monotonic milliseconds."""
        return time.monotonic_ns() // 1_000_000

    async def sleep_ms(self, delay_ms: int) -> None:
        """Wait at least `delay_ms`."""
        await asyncio.sleep(delay_ms / 1000)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a box stands on: clocks, random bytes, disk, devices. The simulated world brings its own."""

    clock: SystemClock = field(default_factory=SystemClock)
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    files: Files = field(default_factory=OsFiles)
    devices: Callable[..., DeviceSet] = DeviceSet
    open_image: Callable[[str], Catalogue] = lambda path: open_image(Path(path))


@dataclass(frozen=True, slots=True)
class Options:
    """Where a box works: its directory for journal and documents, and the screen's loopback port (0: any)."""

    work: Path
    screen_port: int = 0
    second_journal: str = ""
    machine: Machine = field(default_factory=Machine)


class RunningBox:
    """One box put together; another `screen` than the shopper's page is for those who drive many boxes at once."""

    def __init__(self, config: BoxConfig, options: Options, screen: ServedScreen | None = None) -> None:
        self.config = config
        self.clock = options.machine.clock
        self.boot = options.machine.random_bytes(4).hex()
        self.identity = identity_of(config)
        self.journal = open_journal(config, options, self.boot)
        self._is_doubled = bool(options.second_journal)
        if self.journal.opened_because == "salvaged":
            _log.warning(
                "the journal was damaged: generation %s takes over %d records from beyond the damage",
                self.journal.generation,
                self.journal.saved,
            )
        self._gathering: asyncio.TimerHandle | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self.committer = Committer(
            self.journal, self._synced, self._sync_failed, self._disk, is_inline_for_waiters=True
        )
        self.memory = CloudMemory(options.machine.files, str(options.work / "documents"))
        self.uplink = self._uplink()
        self.configuration = self._configuration(options)
        settings = self.configuration.start()
        self.versions = self._versions(options)
        shop = self.versions.start() or open_shop(options.work / "catalogue", config.currency)
        records = recall.recent_records(self.journal)
        self.ids = recall.id_maker(config.box_number, records)
        first = Box(settings, replace(shop, place=config.box), unbound=config.devices.unbound)
        self.recalled = recall.recall(first, records)
        self.devices = options.machine.devices(config.devices, self.post, self.clock.monotonic_ms)
        self.cards = self._secure_client(options)
        badge = BadgeCheck(lambda: self.agent.box.settings.staff, self.clock.monotonic_ms)
        self.screen = screen or ScreenServer(
            self.post, port=options.screen_port, badge=badge, look=lambda: self.agent.box.settings.screen
        )
        self.acts = Acts(
            uplink=self.uplink,
            cards=self.cards,
            printer=self.devices.paper,
            pole=self.devices.pole,
            scale=self.devices.scale,
            apply_settings=self.configuration.applied,
            apply_versions=self.versions.applied,
        )
        for attempt, frame in recall.reversal_frames(self.journal, self.recalled).items():
            self.acts.remember("reverse", attempt, frame)
        self.agent = Agent(
            box=self.recalled,
            clock=self.clock,
            new_id=lambda: self.ids.make(self.clock.utc_ms()),
            boot=self.boot,
            records=self.committer,
            frame_of=self.journal.frame,
            acts=self.acts,
            screen=self.screen,
        )

    def post(self, event: Any) -> None:
        """Hand an event to the agent."""
        if isinstance(event, LinkChanged):
            self.configuration.link_changed(event.is_up)
            self.versions.link_changed(event.is_up)
        self.agent.post(event)

    async def run(self, ready: Callable[[str], None] | None = None) -> None:
        """Live until cancelled; `ready` gets the screen's address once it answers."""
        try:
            async with asyncio.TaskGroup() as tasks:
                screen = tasks.create_task(self.screen.run())
                if self.cards is not None:
                    tasks.create_task(self.cards.run())
                await self._start()
                tasks.create_task(self.agent.run())
                tasks.create_task(self.devices.run())
                tasks.create_task(run_uplink(self.uplink, self._link()))
                tasks.create_task(self.versions.run())
                tasks.create_task(self._watch())
                tasks.create_task(self._forget_settled_cards())
                await self.screen.started()
                await self.devices.looked()
                if ready is not None:
                    ready(self.screen.address)
                await screen
        finally:
            await self.acts.stop()
            if self._gathering is not None:
                self._gathering.cancel()
            await self.committer.close()
            self._disk.shutdown()

    async def _start(self) -> None:
        """The first records of this start, then the sale that was open before it."""
        is_set = self.clock.utc_ms() >= EARLIEST_MS
        box = self.recalled
        self._record(
            "box_started",
            software=SOFTWARE,
            engine=ENGINE,
            catalogue=box.shop.catalogue,
            overlay=box.shop.overlay,
            taxes=box.taxes.hash.hex(),
            clock="ok" if is_set else "suspect",
        )
        await self.committer.sync()
        await self.agent.resume(box)

    def _record(self, t: str, **fields: object) -> None:
        body = {"v": 1, "t": t, "at": self.clock.utc_ms(), "boot": self.boot, **fields}
        self.committer.append(encode_record(body))

    def _uplink(self) -> BoxUplink:
        return BoxUplink(
            identity=self.identity,
            journal=self.journal,
            clock=self.clock,
            post=self.post,
            state=self._state,
            on_configuration=lambda payload: self.configuration.received(payload),  # noqa: PLW0108 - it is built after the link
            on_publication=lambda payload: self.versions.received(payload),  # noqa: PLW0108 - as above
            epoch=self.memory.epoch,
            save_epoch=self.memory.save_epoch,
        )

    def _configuration(self, options: Options) -> Configuration:
        return Configuration(
            slots=ConfigSlots(options.machine.files, str(options.work / "config")),
            signer=self.config.configuration_signer,
            identity=self.identity,
            clock=self.clock,
            cloud_time_ms=lambda: self.uplink.cloud_time_ms,
            post=self.post,
            answer=self.uplink.answer_configuration,
            health=self._health,
            record=lambda fields: self._record("config_applied", **fields),
            defaults=first_settings(self.config.directory),
        )

    def _versions(self, options: Options) -> VersionKeeper:
        return VersionKeeper(
            shelf=VersionShelf(options.machine.files, str(options.work / "versions")),
            signer=self.config.configuration_signer,
            identity=self.identity,
            clock=self.clock,
            cloud_time_ms=lambda: self.uplink.cloud_time_ms,
            post=self.post,
            answer=self.uplink.answer_publication,
            fetch=self._fetch(),
            open_set=lambda shelf, one: open_set(
                shelf, one, self.config.currency, options.machine.open_image
            ),
        )

    def _fetch(self) -> Fetch:
        config = self.config
        return HttpsFetch(lambda: client_context(*config.certificate, config.broker.server_name))

    def _secure_client(self, options: Options) -> SecureClient | None:
        reader = self.config.devices.reader
        if reader is None:
            return None
        store = options.work / "secure"
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        told: dict[str, object] = {
            "v": 1,
            "reader": reader.path,
            "baud": reader.baud,
            "store": str(store / "blobs"),
            "card_zone_key": self.config.card_zone_key,
        }
        path = store / "secure.json"
        path.write_bytes(dumps(told))
        settings = SecureSettings(sys.executable, path, self.config.tenant, self.config.box)
        return SecureClient(settings, self.post)

    def _link(self) -> Link:
        config = self.config
        offline = messages.offline_state()
        topic, sealed = self.identity.seal("state", offline)
        return Link(
            host=config.broker.host,
            port=config.broker.port,
            tls=lambda: client_context(*config.certificate, config.broker.server_name),
            client_id=config.client_id,
            subscription=self.identity.subscription,
            last_will=(topic, sealed),
            on_message=self.uplink.received,
            on_change=self.uplink.link_changed,
            on_unusable=lambda code: self.post(DeviceChanged("link", "failed" if code else "ready", code)),
        )

    def _synced(self) -> None:
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._replicate)

    def _replicate(self) -> None:
        """Send what became durable meanwhile in as few messages as it takes."""
        self._gathering = None
        self.uplink.synced()

    def _sync_failed(self, failed: DeviceError) -> None:
        _log.error("basket lines are not durable yet: %s", failed)
        self.post(SellingBlocked(failed.code))

    def _health(self) -> str:
        """What is wrong with this box, "" for nothing."""
        if not self.screen.address:
            return "screen-down"
        return self.journal.refusal()

    async def _watch(self) -> None:
        """Look once a second at the journal's room and copies, and whether a configuration needs a decision."""
        told = ""
        while True:
            self.configuration.tick()
            degraded = self.journal.degraded if self._is_doubled else ""
            changes = [
                *selling_changes(self.agent.box.blocked, self.journal.refusal()),
                *journal_changes(told, degraded),
            ]
            if degraded and degraded != told:
                _log.error("the journal has no second copy: %s", degraded)
            told = degraded
            for event in changes:
                self.post(event)
            await self.clock.sleep_ms(WATCH_MS)

    async def _forget_settled_cards(self) -> None:
        """Sealed cards whose attempt is over must not outlive it: destroy what a crash left behind, here or there."""
        if self.cards is None:
            return
        while True:
            wait_ms = WATCH_MS
            with suppress(DeviceError):
                for attempt in await self.cards.kept():
                    sale = self.agent.box.sale
                    if sale is None or sale.tender is None or sale.tender.attempt != attempt:
                        await self.cards.forget(attempt)
                wait_ms = CARD_CHECK_MS
            await self.clock.sleep_ms(wait_ms)

    def _state(self) -> dict[str, Any]:
        newest = self.journal.spans()[-1]
        return {
            "v": 1,
            "online": True,
            "generation": newest.generation,
            "last_seq": self.journal.last_seq,
            "synced_through": newest.synced_through,
            "oldest_unsent_ms": self.uplink.oldest_unsent_ms(),
            "devices": dict(self.agent.box.devices),
            "config_version": self.configuration.active_version,
            "software": SOFTWARE,
            "clock_ms": self.clock.utc_ms(),
            "unknown_open": len(self.agent.box.reversing),
        }


def open_journal(config: BoxConfig, options: Options, boot: str) -> Journal:
    """Open the box's journal, making it when there is none. Errors as `Journal` names them."""
    machine = options.machine

    def opened(previous: str, previous_seq: int, reason: str) -> bytes:
        told: dict[str, object] = {"v": 1, "t": "generation_opened", "boot": boot}
        told["at"] = machine.clock.utc_ms()
        return encode_record(told | {"previous": previous, "previous_seq": previous_seq, "reason": reason})

    birth = Birth(config.tenant, config.box, lambda: machine.random_bytes(8), opened)
    directory = str(options.work / "journal")
    return Journal(machine.files, directory, birth, second_directory=options.second_journal)


def renew_journal(config: BoxConfig, options: Options) -> Renewed:
    """Give a stopped box's journal a new generation. Errors as `renewal` and `Journal` name them."""
    os.umask(0o077)
    machine = options.machine
    boot = machine.random_bytes(4).hex()
    return renewed(machine.files, str(options.work / "journal"), lambda: open_journal(config, options, boot))


async def run_box(config: BoxConfig, options: Options, ready: Callable[[str], None] | None = None) -> None:
    """Run one box until cancelled. ConfigError when it cannot start; DeviceError when its journal cannot be opened."""
    os.umask(0o077)
    await RunningBox(config, options).run(ready)
