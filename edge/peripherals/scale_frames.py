"""The words of a scale that speaks the Toledo 8217 protocol. Pure: bytes in, answers out.

``` box:   W                          weigh           Z   set to zero scale: STX 01.234 CR
stable weight, in the scale's unit; an N before CR marks a net weight scale: STX ? status CR            no
weight, and why; bit 6 is always 1, bit 7 is the line's parity status bits: 0 moving, 1 over capacity, 2
under zero, 3 outside of the zero range, 4 at zero, 5 net ``` Some models end with ETX instead of CR, both
are read. The protocol has no checksum: 7 data bits with even parity protect each byte, so a byte with a
wrong parity bit, or one that fits no form, refuses the whole answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from protocol.errors import PeerError

ASK_WEIGHT, SET_ZERO = b"W", b"Z"
STX = 0x02
ENDS = b"\r\x03"
# The longest answer is STX, eight characters of weight, N and CR.
MAX_ANSWER_BYTES = 16

MOVING, OVER, UNDER, OUTSIDE_ZERO, AT_ZERO, NET = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
ALWAYS = 0x40

_WEIGHT = re.compile(rb"([0-9]{1,3})\.([0-9]{2,3})(N?)")
# A pound is 0.45359237 kg by definition; hundredths of a milligram keep the division whole.
_POUND = 45_359_237
_POUND_SCALE = 100_000_000


@dataclass(frozen=True, slots=True)
class ScaleAnswer:
    """One answer.

    `state` is stable, zero, moving, over or under; `needs_zero` when the scale lost its zero.
    """

    state: str
    weight_g: int = 0
    needs_zero: bool = False


class ScaleReader:
    """Collects the bytes of an answer; noise outside of STX ... end is left out."""

    def __init__(self) -> None:
        self._body: bytearray | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Bodies of the answers that these bytes complete, without STX and end."""
        bodies: list[bytes] = []
        for byte in data:
            if byte & 0x7F == STX:
                self._body = bytearray()
            elif self._body is None:
                continue
            elif byte & 0x7F in ENDS:
                bodies.append(bytes(self._body))
                self._body = None
            elif len(self._body) >= MAX_ANSWER_BYTES:
                self._body = None
            else:
                self._body.append(byte)
        return bodies

    def forget(self) -> None:
        """Drop a half-received answer, before the next question."""
        self._body = None


def read_answer(body: bytes, *, unit: str, decimals: int, capacity_g: int) -> ScaleAnswer:
    """Understand one answer; `unit` is kg or lb, `decimals` the digits that this scale sends after its point.

    PeerError: "scale-parity", "scale-answer-malformed", "scale-unit-changed" (other decimals than set up),
    "scale-net-weight" (somebody set a tare at the scale: the shopper would not pay for the goods as weighed).

    >>> read_answer(b"01.234", unit="kg", decimals=3, capacity_g=15000)
    ScaleAnswer(state='stable', weight_g=1234, needs_zero=False)
    """
    plain = _without_parity(body)
    if len(plain) == 2 and plain[:1] == b"?":
        return _read_status(plain[1])
    found = _WEIGHT.fullmatch(plain)
    if not found:
        raise PeerError("scale-answer-malformed", "The scale's answer is neither weight nor status")
    whole, fraction, net = found.groups()
    if len(fraction) != decimals:
        raise PeerError(
            "scale-unit-changed", "The scale's digits are not those set up", "Set the scale's unit back."
        )
    if net:
        raise PeerError("scale-net-weight", "The scale holds a tare", "Clear the tare at the scale.")
    weight_g = to_grams(int(whole + fraction), unit=unit, decimals=decimals)
    if weight_g > capacity_g:
        return ScaleAnswer("over")
    return ScaleAnswer("stable" if weight_g else "zero", weight_g)


def to_grams(number: int, *, unit: str, decimals: int) -> int:
    """Convert the scale's digits to whole grams, half a gram up."""
    divisor = int(10**decimals)
    if unit == "kg":
        return (number * 1000 * 2 + divisor) // (divisor * 2)
    factor, divisor = 1000 * _POUND, divisor * _POUND_SCALE
    return (number * factor * 2 + divisor) // (divisor * 2)


def _read_status(status: int) -> ScaleAnswer:
    if not status & ALWAYS:
        raise PeerError("scale-answer-malformed", "The scale's status byte is impossible")
    needs_zero = bool(status & OUTSIDE_ZERO)
    if status & NET:
        raise PeerError("scale-net-weight", "The scale holds a tare", "Clear the tare at the scale.")
    if status & OVER:
        return ScaleAnswer("over", needs_zero=needs_zero)
    if status & (UNDER | OUTSIDE_ZERO):
        return ScaleAnswer("under", needs_zero=needs_zero)
    if status & MOVING:
        return ScaleAnswer("moving")
    return ScaleAnswer("zero" if status & AT_ZERO else "moving")


def _without_parity(body: bytes) -> bytes:
    """Strip parity bits.

    With 7 data bits the driver did it; a driver that reads 8 leaves all bytes even or all clear.
    """
    if all(byte < 0x80 for byte in body):
        return body
    if any(byte.bit_count() % 2 for byte in body):
        raise PeerError(
            "scale-parity", "A byte of the scale's answer is damaged", "Check cable and line settings."
        )
    return bytes(byte & 0x7F for byte in body)
