"""A real secure module process on a real serial line with a simulated card reader, for tests."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cloud.cardzone.keys import Keys, make_keys, public_key_hex
from edge.events import DeviceChanged
from edge.secure.client import SecureClient, SecureSettings
from simulators.card_reader import CardReaderSettings, CardReaderSim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 20.0  # for anything that must happen: far above what it takes on a loaded machine
Event = TypeVar("Event")


class SecureStage:
    """A box's card side: reader, module process, client, and the key of the card zone."""

    def __init__(self, directory: Path, python: str = sys.executable) -> None:
        self.directory = directory
        make_keys(directory / "zone-keys", os.urandom)
        self.zone = Keys(directory / "zone-keys", os.urandom)
        self.reader = CardReaderSim(CardReaderSettings(str(directory / "tty-reader")))
        self.events: list[Any] = []
        self.config = directory / "secure.json"
        self.config.write_text(json.dumps(self.settings()))
        self.client = SecureClient(SecureSettings(python, self.config, "acme", "box-1"), self.events.append)
        self.running: asyncio.Task[None] | None = None

    def settings(self) -> dict[str, Any]:
        """What the module is told."""
        return {
            "v": 1,
            "reader": str(self.directory / "tty-reader"),
            "store": str(self.directory / "cards"),
            "card_zone_key": public_key_hex(self.directory / "zone-keys"),
            "question_ms": 400,
        }

    def start(self) -> None:
        """Start the module."""
        self.running = asyncio.create_task(self.client.run())

    async def stop(self) -> None:
        """Stop module and reader."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
        await self.reader.close()

    async def seen(self, kind: type[Event], count: int = 1) -> list[Event]:
        """Wait for so many events of a kind."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = [event for event in self.events if isinstance(event, kind)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)

    async def reader_was(self, state: str, reason: str) -> None:
        """Wait until the reader was told to be in this state, even if it left it again."""
        async with asyncio.timeout(WAIT_S):
            while DeviceChanged("reader", state, reason) not in self.events:  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.01)

    async def reader_is(self, state: str, reason: str = "") -> None:
        """Wait until the reader's last told state is this."""
        async with asyncio.timeout(WAIT_S):
            while True:
                told = [event for event in self.events if isinstance(event, DeviceChanged)]
                if told and (told[-1].state, told[-1].reason) == (state, reason):
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def secure_stage(directory: Path) -> AsyncIterator[SecureStage]:
    """Plug the reader in, start the module, wait until the reader is ready."""
    stage = SecureStage(directory)
    stage.reader.plug()
    stage.start()
    try:
        await stage.reader_is("ready")
        yield stage
    finally:
        await stage.stop()
