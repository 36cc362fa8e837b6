"""Seals: every message carries HMAC-SHA256 over topic | 0x00 | payload, under the key of its direction.

    sealed = mac (32 bytes) | payload

The topic is inside, so a message cannot be moved to another box, lane or direction. Written by hand on
`hashlib`, because MicroPython's unix port has no `hmac`. Keys are made at enrolment; what is sealed is in
`messages` and `frame`.
"""

import hashlib
import struct

from protocol.errors import CallerError, PeerError
from protocol.limits import MAX_SEALED_BYTES

KEY_BYTES = 32
MAC_BYTES = 32
_BLOCK = 64  # bytes that SHA-256 takes at a time


class Sealer:
    """Seals and opens under one key; its two pads are hashed once."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise CallerError("seal-key-length", f"a message key has {KEY_BYTES} bytes")
        padded = key + bytes(_BLOCK - KEY_BYTES)
        self._inner = _started(bytes([byte ^ 0x36 for byte in padded]))
        self._outer = _started(bytes([byte ^ 0x5C for byte in padded]))

    def __repr__(self) -> str:
        return "Sealer(key hidden)"

    def seal(self, topic: str, payload: bytes) -> bytes:
        """Return mac | payload; `topic` is the one the message is published to."""
        return self._mac(topic, payload) + payload

    def open(self, topic: str, sealed: bytes) -> bytes:
        """Return the payload; PeerError seal-too-large, or seal-wrong when it was not sealed so."""
        if len(sealed) > MAX_SEALED_BYTES:
            raise PeerError("seal-too-large", f"a sealed message of {len(sealed)} bytes is not read")
        payload = bytes(sealed[MAC_BYTES:])
        if not is_equal(self._mac(topic, payload), bytes(sealed[:MAC_BYTES])):
            raise PeerError(
                "seal-wrong", "the seal does not fit topic, payload and key", "set it aside, tell fleet"
            )
        return payload

    def _mac(self, topic: str, payload: bytes) -> bytes:
        if "\x00" in topic:
            raise CallerError("seal-topic-wrong", "a topic holds a NUL")
        inner = _copy(self._inner)
        inner.update(topic.encode() + b"\x00")
        inner.update(payload)
        outer = _copy(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def seal(key: bytes, topic: str, payload: bytes) -> bytes:
    """Seal once; keep a `Sealer` where the same key is used again.

    >>> len(seal(bytes(32), "tb1/00/shop/west/till-1/up/evt", b"{}"))
    34
    """
    return Sealer(key).seal(topic, payload)


def open_sealed(key: bytes, topic: str, sealed: bytes) -> bytes:
    """Open once; keep a `Sealer` where the same key is used again."""
    return Sealer(key).open(topic, sealed)


def is_equal(left: bytes, right: bytes) -> bool:
    """Compare two macs in a time that does not depend on where they differ; a wrong length is no secret."""
    if len(left) != MAC_BYTES or len(right) != MAC_BYTES:
        return False
    difference = 0
    others = struct.unpack(">QQQQ", right)
    for index, part in enumerate(struct.unpack(">QQQQ", left)):
        difference |= part ^ others[index]
    return difference == 0


# A hash object with the pad in it is copied where that can be done; MicroPython hashes the pad again.
if hasattr(hashlib.sha256(b""), "copy"):

    def _started(pad: bytes) -> "hashlib._Hash":
        return hashlib.sha256(pad)

    def _copy(started: "hashlib._Hash") -> "hashlib._Hash":
        return started.copy()

else:

    def _started(pad: bytes) -> "hashlib._Hash":
        return pad  # type: ignore[return-value]

    def _copy(started: "hashlib._Hash") -> "hashlib._Hash":
        return hashlib.sha256(started)  # type: ignore[arg-type]
