"""Packets on local links (agent and secure module, cloud and card zone): a length, then strict JSON.

```
length u32 big-endian (bytes of the JSON, at most 256 KiB) | UTF-8 JSON
```
No socket is touched here: bytes in, objects out. What the objects mean is said where they are used.
"""

from protocol import strict_json
from protocol.errors import CallerError, PeerError
from protocol.limits import MAX_PACKET_BYTES

_HEADER_BYTES = 4


def encode_packet(obj: object) -> bytes:
    r"""Encode one object as a packet; CallerError("packet-too-long") beyond 256 KiB.

    >>> encode_packet({"do": "disarm"})
    b'\x00\x00\x00\x0f{"do":"disarm"}'
    """
    body = strict_json.dumps(obj)
    if len(body) > MAX_PACKET_BYTES:
        raise CallerError("packet-too-long", "A packet would exceed 256 KiB", "Send less at a time")
    return len(body).to_bytes(_HEADER_BYTES, "big") + body


class PacketReader:
    """Turns a stream of bytes, cut anywhere, into the objects of its packets.

    After an error the place of the next packet is unknown, so the reader is dead: close the link. Objects
    that were complete before it are still handed over; `error` is set then, and the next call raises it.
    """

    __slots__ = ("_buffer", "error")

    def __init__(self) -> None:
        self._buffer = b""
        self.error: PeerError | None = None

    def feed(self, data: bytes) -> list[object]:
        """Take received bytes, return the objects that became complete.

        PeerError "packet-too-long", "packet-empty", or what `strict_json.loads` says of the bytes.
        """
        if self.error is not None:
            raise self.error
        self._buffer += data
        objects: list[object] = []
        try:
            while (end := self._packet_end()) <= len(self._buffer):
                body = self._buffer[_HEADER_BYTES:end]
                self._buffer = self._buffer[end:]
                objects.append(strict_json.loads(body, MAX_PACKET_BYTES))
        except PeerError as error:
            self.error = error
            self._buffer = b""
            if not objects:
                raise
        return objects

    def finish(self) -> None:
        """Say that the link has ended; PeerError("packet-cut-off") when a packet was under way."""
        if self.error is not None:
            raise self.error
        if self._buffer:
            raise PeerError("packet-cut-off", "The link ended inside a packet", "Ask again over a new link")

    def _packet_end(self) -> int:
        if len(self._buffer) < _HEADER_BYTES:
            return _HEADER_BYTES
        length = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
        if length == 0:
            raise PeerError("packet-empty", "A packet is empty", "Close the link and open it anew")
        if length > MAX_PACKET_BYTES:
            raise PeerError("packet-too-long", "A packet exceeds 256 KiB", "Close the link and open it anew")
        return _HEADER_BYTES + length
