r"""The development reader's line: frames out of bytes, bytes out of frames, whatever noise comes between.

```
STX 0x02 | length u16 (of type and payload) | type u8 | payload | CRC u16 | ETX 0x03        all big-endian
CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF) over length, type and payload
```
From the reader: `H` hello (name), `P` card present (entry `I` chip, `C` contactless, `S` stripe; then fields
of tag u8 | length u16 | bytes: 1 number, 2 expiry YYMM, 3 track 2 equivalent, 4 chip data, 5 sequence
number), `R` card removed, `E` read failed. To the reader: `Q` who are you, `A` accept cards (amount,
currency), `D` accept none.

An encrypting reader will speak its own protocol behind the same `reader`; this one is for development and
tests.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass, field

from edge.secure.brands import brand_of
from edge.secure.card_blob import ReadCard
from protocol.errors import CallerError, PeerError
from protocol.masking import luhn_ok

STX, ETX = 0x02, 0x03
FRAME_BYTES_MAX = 1024  # type and payload: a chip's data is at most 255 bytes, all fields together below 400
_OVERHEAD = 6
_ENTRIES = {"I": "contact", "C": "contactless", "S": "stripe"}
_KNOWN = frozenset("HPRE")


@dataclass(frozen=True, slots=True)
class ReaderFrame:
    """One frame. The payload may be a card: it is not shown."""

    kind: str
    payload: bytes = field(default=b"", repr=False)


def encode_frame(kind: str, payload: bytes = b"") -> bytes:
    """Make the bytes of one frame; CallerError "frame-too-long".

    >>> encode_frame("Q").hex()
    '02000151b57903'
    """
    body = kind.encode() + payload
    if len(body) > FRAME_BYTES_MAX:
        raise CallerError("frame-too-long", f"{len(body)} bytes do not fit a frame", "Check the caller")
    covered = len(body).to_bytes(2, "big") + body
    return bytes([STX]) + covered + crc_hqx(covered, 0xFFFF).to_bytes(2, "big") + bytes([ETX])


class FrameReader:
    """Finds frames in a noisy stream. `damage` counts bytes and frames that were set aside."""

    __slots__ = ("_buffer", "damage")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.damage = 0

    @property
    def is_inside(self) -> bool:
        """True while an unfinished frame is held."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[ReaderFrame]:
        """Take bytes as they come; give the frames that are whole and undamaged."""
        self._buffer += data
        frames: list[ReaderFrame] = []
        while self._buffer:
            taken, frame = self._next()
            if not taken:
                break
            self._wipe(taken)
            if frame is not None:
                frames.append(frame)
        return frames

    def give_up(self) -> list[ReaderFrame]:
        """The line fell silent inside a frame: set its first byte aside and look again in the rest."""
        found: list[ReaderFrame] = []
        while self._buffer and not found:
            self.damage += 1
            self._wipe(1)
            found = self.feed(b"")
        return found

    def _next(self) -> tuple[int, ReaderFrame | None]:
        buffer = self._buffer
        if buffer[0] != STX:
            self.damage += 1
            place = buffer.find(STX)
            return (place if place > 0 else len(buffer)), None
        if len(buffer) < 3:
            return 0, None
        length = int.from_bytes(buffer[1:3], "big")
        if not 0 < length <= FRAME_BYTES_MAX:
            self.damage += 1
            return 1, None
        if len(buffer) < length + _OVERHEAD:
            return 0, None
        body, end = bytes(buffer[3 : 3 + length]), 3 + length
        crc = int.from_bytes(buffer[end : end + 2], "big")
        if buffer[end + 2] != ETX or crc != crc_hqx(bytes(buffer[1:end]), 0xFFFF):
            self.damage += 1
            return 1, None
        kind = chr(body[0])
        if kind not in _KNOWN:
            self.damage += 1
            return length + _OVERHEAD, None
        return length + _OVERHEAD, ReaderFrame(kind, body[1:])

    def _wipe(self, count: int) -> None:
        """Drop bytes that may be a card: overwritten first."""
        self._buffer[:count] = bytes(count)
        del self._buffer[:count]


def read_card(payload: bytes) -> ReadCard:
    """Read the payload of `P`; PeerError "card-unreadable", the same for every fault."""
    try:
        fields = _fields(payload[1:])
        pan, expiry = fields[1].decode("ascii"), fields[2].decode("ascii")
        card = ReadCard(
            pan=pan,
            expiry=expiry,
            entry=_ENTRIES[chr(payload[0])],
            brand=brand_of(pan),
            track2=fields.get(3, b"").decode("ascii"),
            sequence=fields.get(5, b"").decode("ascii"),
            emv=fields.get(4, b"").hex().upper(),
        )
    except (LookupError, ValueError):
        raise _unreadable() from None
    if not _is_plausible(card):
        raise _unreadable()
    return card


def _fields(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    place = 0
    while place < len(data):
        tag, length = data[place], int.from_bytes(data[place + 1 : place + 3], "big")
        value = data[place + 3 : place + 3 + length]
        if len(value) != length or tag in found:
            raise ValueError
        found[tag] = value
        place += 3 + length
    return found


def _is_plausible(card: ReadCard) -> bool:
    return (
        card.pan.isdigit()
        and 12 <= len(card.pan) <= 19
        and luhn_ok(card.pan)
        and card.expiry.isdigit()
        and len(card.expiry) == 4
        and len(card.track2) <= 37
        and (not card.track2 or card.track2.startswith(card.pan))
        and (not card.sequence or (card.sequence.isdigit() and len(card.sequence) <= 3))
        and len(card.emv) <= 510
    )


def _unreadable() -> PeerError:
    return PeerError("card-unreadable", "The card cannot be read", "Present the card again")
