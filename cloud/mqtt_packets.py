r"""The few MQTT 3.1.1 packets that the cloud sends and reads, as bytes. Pure.

Every packet: type and flags (1 byte) | remaining length (1 to 4 bytes, seven bits each, low first) | body.
CONNECT body: "\x00\x04MQTT" | level 4 | flags | keepalive u16 | client id.  PUBLISH body at QoS 0: topic | payload.
SUBSCRIBE body: packet id u16 | (filter | QoS)*.  Texts: length u16 | UTF-8. OASIS MQTT 3.1.1, chapters 2 and 3.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from protocol.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK, PINGRESP = 1, 2, 3, 8, 9, 13
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
MAX_LENGTH_BYTES = 4  # of the remaining length, by the standard
MAX_BODY_BYTES = 327_680  # our largest payload and topic with room to spare; more is skipped unread

_CLEAN_SESSION = 0x02
_RETAIN, _QOS = 0x01, 0x06
_LEVEL_311 = 4


def encode_connect(client_id: str, keepalive_s: int) -> bytes:
    r"""Encode a CONNECT with a clean session and no will.

    >>> encode_connect("a", 20)
    b'\x10\r\x00\x04MQTT\x04\x02\x00\x14\x00\x01a'
    """
    body = _text("MQTT") + bytes([_LEVEL_311, _CLEAN_SESSION]) + struct.pack(">H", keepalive_s)
    return _packet(CONNECT << 4, body + _text(client_id))


def encode_subscribe(filters: Sequence[str]) -> bytes:
    r"""Encode a SUBSCRIBE at QoS 0 with the packet id 1.

    >>> encode_subscribe(["a/#"])
    b'\x82\x08\x00\x01\x00\x03a/#\x00'
    """
    return _packet(SUBSCRIBE << 4 | 2, b"\x00\x01" + b"".join(_text(one) + b"\x00" for one in filters))


def encode_publish(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    r"""Encode a PUBLISH at QoS 0.

    >>> encode_publish("a", b"xyz")
    b'0\x06\x00\x01axyz'
    """
    return _packet(PUBLISH << 4 | int(retain), _text(topic) + payload)


class PacketReader:
    """Cuts a stream into packets; `on_publish(topic, payload, is_retained)` and `on_other(kind, body)` get them.

    A body above MAX_BODY_BYTES is skipped and counted. PeerError "mqtt-malformed" ends the connection.
    """

    __slots__ = ("_buffer", "_on_other", "_on_publish", "_skip", "oversized")

    def __init__(
        self, on_publish: Callable[[str, bytes, bool], None], on_other: Callable[[int, bytes], None]
    ) -> None:
        self._buffer = bytearray()
        self._skip = 0
        self._on_publish = on_publish
        self._on_other = on_other
        self.oversized = 0

    def feed(self, data: bytes) -> None:
        """Take what came from the network, in pieces of any size."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._buffer += data
        buffer = bytes(self._buffer)
        at, size = 0, len(buffer)
        while at + 2 <= size:
            start, length = _remaining_length(buffer, at + 1)
            if start == 0:
                break
            end = start + length
            if length > MAX_BODY_BYTES:
                self.oversized += 1
                self._skip = max(0, end - size)
                at = min(end, size)
                continue
            if end > size:
                break
            self._take(buffer[at], buffer[start:end])
            at = end
        del self._buffer[:at]

    def _take(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind != PUBLISH:
            self._on_other(kind, body)
            return
        topic_end = 2 + int.from_bytes(body[:2], "big")
        if first & _QOS or len(body) < topic_end or topic_end <= 2:
            raise PeerError("mqtt-malformed", "A PUBLISH is not one at QoS 0 with a topic", "Connect again")
        try:
            topic = body[2:topic_end].decode()
        except UnicodeDecodeError:
            raise PeerError("mqtt-malformed", "A topic is not UTF-8", "Connect again") from None
        self._on_publish(topic, body[topic_end:], bool(first & _RETAIN))


def _remaining_length(buffer: bytes, at: int) -> tuple[int, int]:
    """(where the body starts, its length); (0, 0) while the length is incomplete."""
    length = 0
    for place in range(MAX_LENGTH_BYTES):
        if at + place >= len(buffer):
            return 0, 0
        digit = buffer[at + place]
        length |= (digit & 0x7F) << (7 * place)
        if digit < 0x80:
            return at + place + 1, length
    raise PeerError("mqtt-malformed", "A remaining length has five bytes", "Connect again")


def _packet(first: int, body: bytes) -> bytes:
    rest, encoded = len(body), bytearray([first])
    while True:
        rest, digit = divmod(rest, 128)
        encoded.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes(encoded) + body


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data
