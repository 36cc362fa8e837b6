"""The acquirer's wire: ISO 8583 (1987), ASCII fields, binary bitmaps, a two-byte length before each message.

Field formats are data in `SPEC`; the messages we send are the functions `purchase`, `reversal` and `network`.
Any bytes may come in: `decode` answers with fields or with a PeerError that names the place and never the
content. The table of messages and fields stands in docs/reference/card-zone.md.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import iso8583
from iso8583.specs import default_ascii

from cloud.cardzone.currencies import currency_number
from protocol.errors import CallerError, PeerError

if TYPE_CHECKING:
    from cloud.cardzone.card_blob import Card

Fields = dict[str, str]

MESSAGE_BYTES_MAX = (
    4096  # our longest message is below 1,000 bytes; a longer length means that framing is lost
)
AMOUNT_MINOR_MAX = 999_999_999_999  # field 4 has twelve digits
SIGN_ON, SIGN_OFF, ECHO = "001", "002", "301"  # field 70
REVERSAL_REASON = "68"  # field 39 of a reversal: the answer came too late or not at all
KNOWN_TYPES = frozenset({"0200", "0210", "0400", "0401", "0410", "0800", "0810"})
_ENTRY_MODES = {"contact": "051", "contactless": "071", "stripe": "901"}


def _spec() -> dict[str, dict[str, Any]]:
    spec: dict[str, dict[str, Any]] = copy.deepcopy(dict(default_ascii))
    for bitmap in ("p", "1"):
        spec[bitmap].update(data_enc="b", max_len=8)
    spec["55"].update(data_enc="b", max_len=255)
    return spec


SPEC = _spec()


@dataclass(frozen=True, slots=True, order=True)
class Trace:
    """What finds one message again: the terminal, its STAN, the time of transmission (field 7, MMDDhhmmss)."""

    terminal: str
    stan: str
    de7: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase to ask for; the card travels beside it, so that this can be kept and shown."""

    trace: Trace
    merchant: str
    reference: str  # tenant and attempt, field 62
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Original:
    """What a reversal says about the purchase it undoes; all but the trace is empty if no answer came."""

    trace: Trace
    rrn: str = ""
    approval_code: str = ""
    card_number: str = ""

    def __repr__(self) -> str:
        return f"Original({self.trace}, rrn={self.rrn!r})"


def purchase(asked: Purchase, card: Card) -> Fields:
    """Compose a 0200. Fields 35 and 55 are there if the reader gave them; they are never kept."""
    fields = {
        "t": "0200",
        "2": card.pan,
        "14": card.expiry,
        "22": _ENTRY_MODES[card.entry],
        "25": "27",  # unattended, cannot retain the card
        **_common(asked),
    }
    if card.sequence:
        fields["23"] = card.sequence
    if card.track2:
        fields["35"] = card.track2
    if card.emv:
        fields["55"] = card.emv
    return fields


def reversal(asked: Purchase, original: Original, *, is_repeat: bool) -> Fields:
    """Compose a 0400, or a 0401 that differs from it in nothing else: same STAN, same field 7."""
    was = original.trace
    fields = {"t": "0401" if is_repeat else "0400", "39": REVERSAL_REASON, **_common(asked)}
    fields["90"] = "0200" + was.stan + was.de7 + "0" * 22
    if original.card_number:
        fields["2"] = original.card_number
    if original.rrn:
        fields["37"] = original.rrn
    if original.approval_code:
        fields["38"] = original.approval_code
    return fields


def network(kind: str, stan: str, de7: str) -> Fields:
    """Compose a 0800: sign-on, sign-off or echo."""
    return {"t": "0800", "7": de7, "11": stan, "70": kind}


def network_answer(asked: Fields) -> Fields:
    """Answer a host's 0800."""
    answer = {"t": "0810", "39": "00", "70": asked.get("70", ECHO)}
    answer.update({number: asked[number] for number in ("7", "11") if number in asked})
    return answer


def trace_of(fields: Fields) -> Trace:
    """Say which message of ours an answer belongs to; spaces that pad field 41 are dropped."""
    return Trace(fields.get("41", "").strip(), fields.get("11", ""), fields.get("7", ""))


def encode(fields: Fields) -> bytes:
    """Turn fields into one message without its length; wrong fields are a CallerError ("message-unfit")."""
    try:
        raw, _ = iso8583.encode(dict(fields), SPEC)
    except (ValueError, TypeError) as error:  # the library's error carries the fields: it must not be chained
        place = getattr(error, "field", "?")
        raise CallerError(
            "message-unfit", f"Field {place} does not fit its format", "Check the caller"
        ) from None
    return bytes(raw)


def decode(data: bytes) -> Fields:
    """Read one message without its length; anything else than a message we know is a PeerError.

    Codes: "message-malformed" (with the field and position), "message-type-unknown".
    """
    try:
        fields, _ = iso8583.decode(data, SPEC)
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
    ) as error:  # not chained: the library's error quotes the bytes
        place = f"field {getattr(error, 'field', '?')} at {getattr(error, 'pos', '?')}"
        raise PeerError(
            "message-malformed", f"{len(data)} bytes are no message: {place}", "Set it aside"
        ) from None
    if fields.get("t", "") not in KNOWN_TYPES:
        raise PeerError("message-type-unknown", "The message type is not one of ours", "Set it aside")
    return dict(fields)


def frame(message: bytes) -> bytes:
    """Put the two-byte big-endian length before a message."""
    if len(message) > MESSAGE_BYTES_MAX:
        raise CallerError("message-too-long", f"{len(message)} bytes are above the bound", "Check the caller")
    return len(message).to_bytes(2, "big") + message


class Splitter:
    """Cuts a byte stream into messages. After a PeerError ("frame-lost") the link must be closed."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; give every message that is now whole. Length zero is a keep-alive."""
        self._buffer += data
        messages: list[bytes] = []
        while len(self._buffer) >= 2:
            length = int.from_bytes(self._buffer[:2], "big")
            if length > MESSAGE_BYTES_MAX:
                raise PeerError("frame-lost", f"A message of {length} bytes is announced", "Close the link")
            if len(self._buffer) < 2 + length:
                break
            if length:
                messages.append(bytes(self._buffer[2 : 2 + length]))
            del self._buffer[: 2 + length]
        return messages


def _common(asked: Purchase) -> Fields:
    if not 0 < asked.amount_minor <= AMOUNT_MINOR_MAX:
        raise CallerError("amount-unfit", "The amount does not fit field 4", "Check the caller")
    trace = asked.trace
    return {
        "3": "000000",
        "4": f"{asked.amount_minor:012d}",
        "7": trace.de7,
        "11": trace.stan,
        "12": trace.de7[4:],
        "13": trace.de7[:4],
        "41": trace.terminal.ljust(8),
        "42": asked.merchant.ljust(15),
        "49": currency_number(asked.currency),
        "62": asked.reference,
    }
