"""The development reader's frames as the reader writes them (docs/reference/card-zone.md has the layout)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.cards import TestCard

_ENTRY_LETTERS = {"contact": b"I", "contactless": b"C", "stripe": b"S"}


def frame(kind: str, payload: bytes = b"") -> bytes:
    """Make one frame: STX, length, type, payload, CRC, ETX."""
    body = kind.encode() + payload
    covered = len(body).to_bytes(2, "big") + body
    return b"\x02" + covered + crc16(covered).to_bytes(2, "big") + b"\x03"


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE, bit by bit: the product computes it another way."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def card_payload(card: TestCard) -> bytes:
    """Make the payload of "card present": the entry, then tagged fields."""
    fields = [
        (1, card.pan.encode()),
        (2, card.expiry.encode()),
        (3, card.track2.encode()),
        (4, bytes.fromhex(card.emv)),
        (5, card.sequence.encode()),
    ]
    tagged = [bytes([tag]) + len(value).to_bytes(2, "big") + value for tag, value in fields if value]
    return _ENTRY_LETTERS[card.entry] + b"".join(tagged)


class Incoming:
    """Finds the module's frames; the module makes no noise, so a damaged frame is simply dropped."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """Give (type, payload) of every frame that is now whole."""
        self._buffer += data
        found = []
        while len(self._buffer) >= 3:
            end = 6 + int.from_bytes(self._buffer[1:3], "big")
            if len(self._buffer) < end:
                break
            whole, self._buffer = self._buffer[:end], self._buffer[end:]
            if whole == frame(chr(whole[3]), whole[4:-3]):
                found.append((chr(whole[3]), whole[4:-3]))
        return found
