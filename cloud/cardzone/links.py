"""The sockets to the acquirer: keeps every link signed on, spreads what is sent over those that are up.

When to connect, echo and back off is decided by `link`; here it is carried out. Whatever comes in is cut into
messages, read, and handed on; a message that cannot be read is counted and set aside, the link stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from cloud.cardzone.iso8583 import (
    ECHO,
    SIGN_ON,
    Fields,
    Splitter,
    decode,
    encode,
    frame,
    network,
    network_answer,
)
from cloud.cardzone.link import LinkMachine, LinkTimes
from cloud.cardzone.rules import stan_after
from protocol.errors import DeviceError, PeerError, TillboxError

LOG = logging.getLogger(__name__)
UNSENT_BYTES_MAX = 65_536  # a link that takes nothing off our hands is not used for new purchases
READ_BYTES = 65_536  # of one read; what comes in more pieces is put together

OnAnswer = Callable[[Fields], Awaitable[None]]
Clock = Callable[[], str]  # field 7 of now: MMDDhhmmss


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one link goes."""

    name: str
    host: str
    port: int


class Links:
    """All links to one acquirer, used in turn."""

    def __init__(
        self, endpoints: list[Endpoint], times: LinkTimes, de7_now: Clock, on_answer: OnAnswer
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._links = [_Link(endpoint, times, de7_now, on_answer, self) for endpoint in endpoints]
        self._turn = 0
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """True while at least one link is signed on."""
        return self._up.is_set()

    async def wait_up(self) -> None:
        """Wait until a link is signed on."""
        await self._up.wait()

    async def run(self) -> None:
        """Keep all links, for ever."""
        async with asyncio.TaskGroup() as group:
            for link in self._links:
                group.create_task(link.run())

    def send(self, fields: Fields) -> None:
        """Send on the next link that is up; DeviceError ("acquirer-unreachable") when there is none."""
        data = frame(encode(fields))
        for _ in self._links:
            self._turn = (self._turn + 1) % len(self._links)
            if self._links[self._turn].send(data):
                return
        raise DeviceError(
            "acquirer-unreachable", "No acquirer link is up", "Check the network and the acquirer"
        )

    def note_change(self) -> None:
        """Look again which links are up."""
        if any(link.is_up for link in self._links):
            self._up.set()
        else:
            self._up.clear()


class _Link:
    def __init__(
        self, endpoint: Endpoint, times: LinkTimes, de7_now: Clock, on_answer: OnAnswer, links: Links
    ) -> None:
        self._endpoint, self._times, self._de7_now = endpoint, times, de7_now
        self._on_answer, self._links = on_answer, links
        self._machine = LinkMachine(times)
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stan = 0
        self._wait_ms = 0
        self.is_up = False

    async def run(self) -> None:
        try:
            while True:
                await self._step(await self._next_event())
        finally:
            self._close()

    def send(self, data: bytes) -> bool:
        if not self.is_up or self._writer is None or self._writer.is_closing():
            return False
        if self._writer.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            return False
        self._writer.write(data)
        return True

    async def _next_event(self) -> str:
        try:
            async with asyncio.timeout(self._wait_ms / 1000):
                return await self._events.get()
        except TimeoutError:
            return "timer"

    async def _step(self, event: str) -> None:
        for effect, amount in self._machine.take(event):
            if effect == "connect":
                await self._connect()
            elif effect == "wait":
                self._wait_ms = amount
            elif effect in ("send_sign_on", "send_echo"):
                self._send_network(SIGN_ON if effect == "send_sign_on" else ECHO)
            elif effect == "close":
                self._close()
            else:
                self.is_up = effect == "tell_up"
                self._links.note_change()
                LOG.info("link %s is %s", self._endpoint.name, "up" if self.is_up else "down")

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._times.connect_ms / 1000):
                reader, writer = await asyncio.open_connection(self._endpoint.host, self._endpoint.port)
        except (OSError, TimeoutError):
            self._events.put_nowait("lost")
            return
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))
        self._events.put_nowait("connected")

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _send_network(self, kind: str) -> None:
        self._stan = stan_after(self._stan)
        if self._writer is not None:
            self._writer.write(frame(encode(network(kind, f"{self._stan:06d}", self._de7_now()))))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        splitter = Splitter()
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                try:
                    messages = splitter.feed(data)
                except PeerError:
                    self._links.counts["frame-lost"] += 1
                    break
                for message in messages:
                    await self._take(message)
        self._events.put_nowait("lost")

    async def _take(self, message: bytes) -> None:
        try:
            fields = decode(message)
        except PeerError as error:
            self._links.counts[error.code] += 1
            LOG.warning("link %s: %s", self._endpoint.name, error)
            return
        kind = fields["t"]
        if kind == "0810":
            if fields.get("70") == SIGN_ON:
                self._events.put_nowait("signed_on" if fields.get("39") == "00" else "refused")
            else:
                self._events.put_nowait("heard")
            return
        self._events.put_nowait("heard")
        if kind == "0800" and self._writer is not None:
            self._writer.write(frame(encode(network_answer(fields))))
        else:
            await self._hand_on(fields)

    async def _hand_on(self, fields: Fields) -> None:
        """An answer that cannot be taken must not silence the link for all others."""
        try:
            await self._on_answer(fields)
        except TillboxError as error:
            self._links.counts[error.code] += 1
            LOG.warning("link %s: an answer was not taken: %s", self._endpoint.name, error.code)
