"""A bare MQTT 3.1.1 peer that sends whatever bytes a test wants, also wrong ones."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

CONNACK, PUBLISH, SUBACK, PINGRESP = 2, 3, 9, 13


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(first_byte: int, body: bytes) -> bytes:
    return bytes([first_byte]) + length(len(body)) + body


def length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, digit = divmod(value, 128)
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def connect(
    client_id: str, *, keepalive_s: int = 20, will: tuple[str, bytes] | None = None, level: int = 4
) -> bytes:
    flags, extra = 0x02, b""
    if will is not None:
        flags |= 0x04
        extra = text(will[0]) + text(will[1])
    properties = b"\x00" if level == 5 else b""
    head = text("MQTT") + bytes([level, flags]) + struct.pack(">H", keepalive_s) + properties
    return packet(0x10, head + text(client_id) + extra)


def subscribe(*filters: str) -> bytes:
    return packet(0x82, b"\x00\x01" + b"".join(text(one) + b"\x00" for one in filters))


def publish(topic: str | bytes, payload: bytes, *, retain: bool = False) -> bytes:
    return packet(0x31 if retain else 0x30, text(topic) + payload)


PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None) -> Raw:
        name = "localhost" if tls is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
        return cls(reader, writer)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def packet(self, patience_s: float = 5.0) -> tuple[int, bytes] | None:
        """The next packet as (kind, body); None when the other side closed."""
        try:
            async with asyncio.timeout(patience_s):
                first = (await self.reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    digit = (await self.reader.readexactly(1))[0]
                    size |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                return first >> 4, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def connack(self) -> int | None:
        """The return code of CONNACK; None when the other side closed instead."""
        found = await self.packet()
        return None if found is None else found[1][1]

    async def is_closed(self, patience_s: float = 10.0) -> bool:
        """Whether the other side closes within the time, whatever it says before."""
        try:
            async with asyncio.timeout(patience_s):
                while await self.reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        self.writer.transport.abort()


async def refused(port: int, tls: ssl.SSLContext | None, client_id: str = "nobody") -> bool:
    """Whether a connection ends without an accepting CONNACK."""
    try:
        raw = await Raw.open(port, tls)
    except OSError:
        return True
    try:
        await raw.send(connect(client_id))
        return await raw.connack() != 0
    except OSError:
        return True
    finally:
        raw.close()
