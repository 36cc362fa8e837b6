"""The secure module's process: `python -m edge.secure.main --config FILE [--fd N]`.

With `--fd` it talks over an inherited socket and ends when the agent does; without, it listens on the
configured path (mode 0600), one agent at a time. Nothing it logs comes from a card.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.secure.blob_store import BlobStore
from edge.secure.config import ModuleConfig, read_config
from edge.secure.lockdown import lock_down
from edge.secure.module import CARD_HELD_MS, SecureModule
from edge.secure.reader import CardReader
from protocol.errors import ConfigError, PeerError
from protocol.masking import scrub
from protocol.packets import PacketReader, encode_packet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOG = logging.getLogger("edge.secure")
READ_BYTES = 65_536  # of one read; what comes in more pieces is put together
CARD_CHECK_S = 1.0  # how exactly CARD_HELD_MS is kept


class _Scrubbed(logging.Formatter):
    """The last net: no card number leaves in a log line, nor in a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class _Agent:
    """The link to the agent, if there is one."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self.module: SecureModule | None = None

    def send(self, packet: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode_packet(packet))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None or self.module is None:  # one agent; a second one is turned away
            writer.close()
            return
        self._writer = writer
        packets = PacketReader()
        try:
            self.module.greet()
            with suppress(OSError):
                while data := await reader.read(READ_BYTES):
                    for said in packets.feed(data):
                        self.module.take_packet(said)
                    await writer.drain()
        except PeerError as error:
            LOG.warning("the agent's link was closed: %s", error)
        finally:
            self._writer = None
            self.module.drop_card()
            writer.close()


async def serve(config: ModuleConfig, inherited: int | None) -> None:
    """Serve until cancelled, or until the agent of an inherited socket is gone."""
    agent, reader = _Agent(), CardReader(config.reader, config.times)
    module = SecureModule(config.zone, BlobStore(config.store), secrets.token_bytes, reader.send, agent.send)
    agent.module = module
    tasks = [asyncio.create_task(reader.run(module)), asyncio.create_task(_drop_old_cards(module))]
    try:
        await _talk(agent.serve, config.socket, inherited)
    finally:
        for task in tasks:
            task.cancel()


async def _talk(
    serve_agent: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    path: Path | None,
    inherited: int | None,
) -> None:
    if inherited is not None:
        streams = await asyncio.open_unix_connection(sock=socket.socket(fileno=inherited))
        await serve_agent(*streams)
        return
    if path is None:
        raise ConfigError("secure-config-wrong", "neither a socket nor --fd is given", "Name a socket")
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anything is served
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve_agent, str(path))
    finally:
        os.umask(before)
    async with server:
        await server.serve_forever()


async def _drop_old_cards(module: SecureModule) -> None:
    held_s = 0.0
    while True:
        await asyncio.sleep(CARD_CHECK_S)
        held_s = held_s + CARD_CHECK_S if module.holds_card else 0.0
        if held_s * 1000 >= CARD_HELD_MS:
            module.drop_card()


def main() -> int:
    """Run the process; the exit code is 0 after its agent left or a request to stop, 2 for wrong settings."""
    parser = argparse.ArgumentParser(description="The secure module of a tillbox.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--fd", type=int, default=None)
    said = parser.parse_args()
    handler = logging.StreamHandler()
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    missing = lock_down()
    if missing:
        LOG.warning("not protected against: %s", ", ".join(missing))
    try:
        asyncio.run(_until_stopped(read_config(said.config), said.fd))
    except ConfigError as error:
        LOG.critical("%s", error)
        return 2
    return 0


async def _until_stopped(config: ModuleConfig, inherited: int | None) -> None:
    serving = asyncio.create_task(serve(config, inherited))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    sys.exit(main())
