"""One MQTT 3.1.1 connection at QoS 0, single-use: connect, subscribe, publish, hear.

Why one of our own: the library that the boxes use wakes a task for each packet and, over TLS, does not return to the
event loop while bytes keep coming; one process hears a whole estate here. Measured in docs/reference/topics.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cloud.mqtt_packets import (
    CONNACK,
    DISCONNECT,
    PING,
    SUBACK,
    PacketReader,
    encode_connect,
    encode_publish,
    encode_subscribe,
)
from protocol.errors import PeerError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

KEEPALIVE_S = 20  # a dead path is seen within half a minute
CONNECT_TIMEOUT_S = 10.0  # for each step of connecting
WAITING_BYTES_MAX = 16_777_216  # written and not yet taken by the network: tens of thousands of receipts


class Connection(asyncio.Protocol):
    """A connection; make one with `connect`. ConnectionError tells why it could not be had."""

    def __init__(self, on_message: Callable[[str, bytes, bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader(on_message, self._take)
        self._transport: asyncio.Transport | None = None
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._waiting: list[bytes] = []
        self._heard_s = self._loop.time()
        self.closed: asyncio.Future[str] = self._loop.create_future()

    @property
    def oversized(self) -> int:
        """Messages that were too large to be read."""
        return self._reader.oversized

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes; wrong ones end the connection."""
        self._heard_s = self._loop.time()
        try:
            self._reader.feed(data)
        except PeerError as error:
            self._end(error.what)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        self._end(f"{type(exc).__name__}: {exc}" if exc is not None else "the broker closed the connection")

    async def ask(self, packet: bytes, answer: int) -> bytes:
        """Send a packet and wait for the answer of that kind."""
        waiting: asyncio.Future[bytes] = self._loop.create_future()
        self._answers[answer] = waiting
        self._write(packet)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await waiting

    async def subscribe(self, filters: Sequence[str]) -> list[int]:
        """Subscribe, and return one code for each filter: 0x80 and above is a refusal."""
        return list((await self.ask(encode_subscribe(filters), SUBACK))[2:])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand one message over, to leave with the others of this turn of the loop; False at the bound."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            return False
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(encode_publish(topic, payload, retain=retain))
        return True

    async def keep_alive(self) -> None:
        """Ping until the connection ends, then raise ConnectionError with the reason; never returns."""
        while True:
            try:
                async with asyncio.timeout(KEEPALIVE_S / 2):
                    raise ConnectionError(await asyncio.shield(self.closed))
            except TimeoutError:
                if self._loop.time() - self._heard_s > KEEPALIVE_S * 1.5:
                    self._end("the broker is silent")
                self._write(PING)

    def close(self) -> None:
        """Say good-bye and close."""
        self._flush()
        self._write(DISCONNECT)
        self._end("closed by ourselves")

    def _flush(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._write(b"".join(waiting))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _take(self, kind: int, body: bytes) -> None:
        waiting = self._answers.pop(kind, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(body)

    def _end(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if not self.closed.done():
            self.closed.set_result(reason)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(reason))
        self._answers.clear()


async def connect(
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    server_name: str,
    client_id: str,
    on_message: Callable[[str, bytes, bool], None],
) -> Connection:
    """Open a connection that the broker accepted. OSError, TimeoutError: it did not."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(on_message),
            host,
            port,
            ssl=tls,
            server_hostname=server_name if tls is not None else None,
        )
    try:
        answer = await connection.ask(encode_connect(client_id, KEEPALIVE_S), CONNACK)
        if answer[1:2] != b"\x00":
            raise ConnectionError(f"the broker refused us with code {answer[1:2].hex()}")
    except BaseException:
        connection.close()
        raise
    return connection
