"""The agent's side of the secure module: starts it, talks to it, starts it again when it dies.

Implements `edge.ports.CardModule` and posts the reader's events. Packets are answered in order; one that is
not answered in time ends the module, because nothing about the line could be believed after it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.events import CardPresented, CardRemoved, DeviceChanged
from protocol.errors import DeviceError, PeerError
from protocol.packets import PacketReader, encode_packet

if TYPE_CHECKING:
    from pathlib import Path

    from edge.ports import Post

ANSWER_S = 5.0  # a slow flash disk syncs within one; after this the module is taken for dead
RESTART_S = 0.3  # first wait before it is started again; doubles
RESTART_S_MAX = 10.0  # a shopper waits for a reader no longer than this
STOP_S = 2.0  # it ends by itself when the link closes; after this it is killed
READ_BYTES = 65_536  # of one read; what comes in more pieces is put together


@dataclass(frozen=True, slots=True)
class SecureSettings:
    """How to start the module: the Python to use and its configuration file."""

    python: str
    config: Path
    tenant: str
    box: str


class SecureClient:
    """The card module as the agent uses it. `run` must be running."""

    def __init__(self, settings: SecureSettings, post: Post) -> None:
        self._settings, self._post = settings, post
        self._writer: asyncio.StreamWriter | None = None
        self._calls: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._process: asyncio.subprocess.Process | None = None
        self._fresh = (
            0,
            "",
        )  # attempt and blob of the last seal, until something is destroyed or the module ends

    async def run(self) -> None:
        """Keep the module running and hand its events on, for ever."""
        wait_s = RESTART_S
        while True:
            reader, process = await self._start()
            try:
                if await self._read(reader):
                    wait_s = RESTART_S
            finally:
                self._lost()
                await _end(process)
            self._post(DeviceChanged("reader", "failed", "secure-module-lost"))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RESTART_S_MAX)

    async def arm(self, amount_minor: int, currency: str) -> None:
        """Let the reader take a card."""
        await self._call({"do": "arm", "amount_minor": amount_minor, "currency": currency}, "armed")

    async def disarm(self) -> None:
        """Forget the card in memory; no card is wanted any more."""
        await self._call({"do": "disarm"}, "disarmed")

    async def seal(self, attempt: int, amount_minor: int, currency: str) -> tuple[str, str, str]:
        """Seal the presented card for one attempt: (digest hex, masked number, brand).

        The blob is durable when this returns, and the same one comes back for the same attempt. DeviceError
        "card-missing", "card-store-full", "not-possible", "secure-module-lost".
        """
        packet = {
            "do": "seal",
            "attempt": str(attempt),
            "amount_minor": amount_minor,
            "currency": currency,
            "tenant": self._settings.tenant,
            "box": self._settings.box,
        }
        sealed = await self._call(packet, "sealed")
        self._fresh = (attempt, str(sealed["blob"]))
        return sealed["digest"], sealed["masked"], sealed["brand"]

    async def stored(self, attempt: int) -> str:
        """Give the sealed blob of an attempt, base64; DeviceError "card-blob-gone" when it was destroyed.

        That of the last seal is at hand: a shopper who waits is spared the question.
        """
        if attempt == self._fresh[0]:
            return self._fresh[1]
        said = await self._call({"do": "stored", "attempt": str(attempt)}, "stored")
        return str(said["blob"])

    async def forget(self, attempt: int) -> None:
        """Destroy the sealed blob of an attempt; safe to repeat."""
        self._fresh = (0, "")
        await self._call({"do": "forget", "attempt": str(attempt)}, "forgotten")

    async def kept(self) -> list[int]:
        """Name the attempts whose blobs are kept: after a restart, those that are settled must be forgotten."""
        said = await self._call({"do": "list"}, "listed")
        return [int(attempt) for attempt in said["attempts"]]

    @property
    def pid(self) -> int:
        """The module's process id, or 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.subprocess.Process]:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = ("-m", "edge.secure.main", "--config", str(self._settings.config))
            process = await asyncio.create_subprocess_exec(
                self._settings.python, *arguments, "--fd", str(theirs.fileno()), pass_fds=[theirs.fileno()]
            )
        self._process = process
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        return reader, process

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        packets = PacketReader()
        is_heard = False
        with suppress(OSError, PeerError):
            while data := await reader.read(READ_BYTES):
                is_heard = True
                for said in packets.feed(data):
                    self._take(said if isinstance(said, dict) else {})
        return is_heard

    def _take(self, said: dict[str, Any]) -> None:
        match said.get("event"):
            case "card_present":
                self._post(CardPresented(said["masked"], said["brand"], said["entry"]))
            case "card_unreadable":  # a card without a number: sealing it fails, and the shopper is told
                self._post(CardPresented("", "", ""))
            case "card_removed":
                self._post(CardRemoved())
            case "reader":
                self._post(DeviceChanged("reader", said["state"], said["reason"]))
            case None if self._calls:
                waiting = self._calls.popleft()
                if not waiting.done():
                    waiting.set_result(said)

    async def _call(self, packet: dict[str, Any], wanted: str) -> dict[str, Any]:
        if self._writer is None or self._writer.is_closing():
            raise _lost()
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._calls.append(waiting)
        self._writer.write(encode_packet(packet))
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await waiting
        except TimeoutError:
            self._writer.close()
            raise _lost() from None
        if said.get("did") == wanted:
            return said
        code = "card-blob-gone" if said.get("did") == "absent" else str(said.get("reason", "not-possible"))
        raise DeviceError(code, "The secure module could not do it", "Present the card again")

    def _lost(self) -> None:
        self._fresh = (0, "")
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        while self._calls:
            waiting = self._calls.popleft()
            if not waiting.done():
                waiting.set_exception(_lost())


def _lost() -> DeviceError:
    return DeviceError("secure-module-lost", "The secure module went away", "It is started again by itself")


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
