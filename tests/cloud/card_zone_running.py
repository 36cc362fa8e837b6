"""A real card zone process with a real acquirer simulator in front of it, for tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud.cardzone.client import CardZoneClient
from cloud.cardzone.keys import make_keys, public_key_hex
from edge.secure.brands import brand_of
from edge.secure.card_blob import Binding, ReadCard, seal_card, zone_key
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.acquirer.main import actions
from simulators.cards import BY_NAME, TestCard, host_cases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from simulators.device_control import Actions

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 20.0  # for anything that must happen: far above what it takes on a loaded machine
QUICK = {
    "reversal_first_ms": 100,
    "reversal_max_ms": 400,
    "back_off_first_ms": 20,
    "back_off_max_ms": 200,
}


async def eventually(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so, within a bound."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 - what is awaited lives in another process or in a simulator
            await asyncio.sleep(0.01)
    assert is_so(), what


async def connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a socket as soon as its process listens: the path is there a little earlier."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await asyncio.open_unix_connection(str(path))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.01)


@dataclass
class ZoneStage:
    """Everything around one card zone."""

    directory: Path
    acquirer: Acquirer
    port: int
    links: int = 1
    times: dict[str, int] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    client: CardZoneClient = field(init=False)
    listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.client = CardZoneClient(self.directory / "zone.sock", self._hear)

    async def start(self, killed_at: str = "") -> None:
        """Start the process; with `killed_at` it kills itself when it passes that fault point."""
        self._write_config()
        module = ["tests.cloud.card_zone_killed", killed_at] if killed_at else ["cloud.cardzone.main"]
        with (self.directory / "zone.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *module,
                "--config",
                str(self.directory / "zone.json"),
                cwd=ROOT,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        socket = self.directory / "zone.sock"
        await eventually(socket.exists, "the zone opened its socket")

    async def is_up(self) -> None:
        """Wait until a link is signed on."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    if (await self.client.health())["is_up"]:
                        return
                except Exception:  # noqa: BLE001 - it may still be starting, whatever it says
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.005)

    async def ended(self) -> None:
        """Wait until the process is gone, by its own hand."""
        assert self.process is not None
        async with asyncio.timeout(WAIT_S):
            await self.process.wait()
        (self.directory / "zone.sock").unlink(missing_ok=True)

    async def kill(self) -> None:
        """Kill it as a power cut does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> None:
        """Ask it to stop, and wait."""
        await self.stop_listening()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.ended()

    def listen(self) -> None:
        """Hear notices."""
        self.listening = asyncio.create_task(self.client.listen())

    async def stop_listening(self) -> None:
        """Hear nothing more and disconnect."""
        if self.listening is not None:
            self.listening.cancel()
        await self.client.close()

    async def _hear(self, notice: dict[str, Any]) -> None:
        self.notices.append(notice)

    async def pay(
        self,
        attempt: int,
        amount_minor: int = 1250,
        card: str | TestCard = "visa",
        deadline_ms: int = 5_000,
        **changes: Any,
    ) -> dict[str, Any]:
        """Authorize one attempt; `changes` override parts of the request."""
        asked = {
            "tenant": "acme",
            "box": "box-1",
            "merchant": "M1",
            "terminal": "TERM0001",
            "payment": str(attempt + 1_000_000),
            "attempt": str(attempt),
            "amount_minor": amount_minor,
            "currency": "EUR",
        }
        asked.update(changes)
        return await self.client.authorize(asked, self.seal(asked, card), deadline_ms)

    def seal(self, asked: dict[str, Any], card: str | TestCard) -> bytes:
        """Seal a test card as the secure module does."""
        found = BY_NAME[card] if isinstance(card, str) else card
        read = ReadCard(
            found.pan, found.expiry, found.entry, brand_of(found.pan), found.track2, found.sequence, found.emv
        )
        binding = Binding(
            asked["tenant"], asked["box"], asked["attempt"], asked["amount_minor"], asked["currency"]
        )
        return seal_card(zone_key(public_key_hex(self.directory / "keys")), binding, read, os.urandom)

    def rows(self, sql: str) -> list[Any]:
        """What the zone's file holds."""
        with closing(sqlite3.connect(self.directory / "zone.db")) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Change the zone's file while it does not run."""
        with closing(sqlite3.connect(self.directory / "zone.db")) as connection:
            connection.execute(sql)
            connection.commit()

    def net(self, attempt: int, tenant: str = "acme") -> int:
        """What the acquirer holds of this attempt."""
        return self.acquirer.books.net().get((tenant, str(attempt)), 0)

    def kinds(self, attempt: int) -> list[str]:
        """The acquirer's lines about this attempt, in order."""
        return [line["kind"] for line in self.acquirer.books.lines() if line["attempt"] == str(attempt)]

    def _write_config(self) -> None:
        endpoints = [
            {"name": f"link-{number}", "host": "127.0.0.1", "port": self.port} for number in range(self.links)
        ]
        config = {
            "v": 1,
            "socket": str(self.directory / "zone.sock"),
            "store": str(self.directory / "zone.db"),
            "keys": str(self.directory / "keys"),
            "acquirers": endpoints,
            **QUICK,
            **self.times,
        }
        (self.directory / "zone.json").write_text(json.dumps(config))


@asynccontextmanager
async def zone_stage(
    directory: Path, *, late_ms: int = 600, links: int = 1, **times: int
) -> AsyncIterator[ZoneStage]:
    """Set everything up; the zone is started by the test."""
    make_keys(directory / "keys", os.urandom)
    acquirer = Acquirer(Books(directory / "books.jsonl"), HostTimes(late_ms=late_ms), host_cases())
    stage = ZoneStage(directory, acquirer, await acquirer.start(), links, times)
    try:
        yield stage
    finally:
        await stage.stop()
        await acquirer.stop()
        acquirer.books.close()


def actions_of(stage: ZoneStage) -> Actions:
    """The acquirer's control line, as its process has it."""
    return actions(stage.acquirer)
