"""A simulated counter scale.

Speaks Toledo 8217 on a real pty, with a pan whose weight takes time to settle.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.errors import ConfigError
from simulators.device_control import stay
from simulators.serial_line import SerialLine

if TYPE_CHECKING:
    from simulators.device_control import Actions

STX, CR = b"\x02", b"\r"
# Status bits as on the wire; bit 6 is always set.
MOVING, OVER, UNDER, OUTSIDE_ZERO, AT_ZERO, NET, ALWAYS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40
FAULTS = ("none", "silent", "garbage", "parity", "negative", "net", "overlong", "chatter")
_POUND = 45_359_237  # hundredths of a milligram


@dataclass(frozen=True, slots=True)
class ScaleSimSettings:
    """Where the scale's line appears, and what scale it is."""

    path: str
    unit: str = "kg"
    decimals: int = 3
    capacity_g: int = 15_000
    settle_ms: int = 700
    control: str = ""
    follows_input: bool = False


class ScaleSim:
    """A scale on the counter. Time is the event loop's, so a simulated world can bend it."""

    def __init__(self, settings: ScaleSimSettings) -> None:
        self.line = SerialLine(settings.path)
        self.questions = 0
        self.is_outside_zero = False
        self._settings = settings
        self._load_g = 0
        self._zero_g = 0
        self._steady_at = 0.0
        self._fault = "none"
        self._task: asyncio.Task[None] | None = None

    def plug(self) -> None:
        """Plug it in and let it answer."""
        self.line.plug()
        if self._task is None:
            self._task = asyncio.create_task(self._answer())

    def unplug(self) -> None:
        """Pull the cable."""
        self.line.unplug()

    async def stop(self) -> None:
        """Unplug it and stop answering."""
        self.unplug()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def put(self, weight_g: int) -> None:
        """Change what lies on the pan; it moves for the settling time."""
        self._load_g = weight_g
        self._steady_at = asyncio.get_running_loop().time() + self._settings.settle_ms / 1000

    def shake(self, for_ms: int) -> None:
        """Keep the pan moving, as somebody does who leans on it."""
        self._steady_at = asyncio.get_running_loop().time() + for_ms / 1000

    def fail(self, kind: str) -> None:
        """Answer wrongly from now on, by one of FAULTS; none mends it."""
        if kind not in FAULTS:
            raise ConfigError(
                "scale-fault-unknown", f"No fault {kind}", f"Choose one of {', '.join(FAULTS)}."
            )
        self._fault = kind

    def answer(self) -> bytes:
        """Answer one W."""
        wrong = {
            "silent": b"",
            "garbage": b"\xff\xfe\x00?\x81" * 8,
            "parity": STX + b"\xb0\x31.234" + CR,
            "negative": STX + b"-0.120" + CR,
            "net": STX + b"01.234N" + CR,
            "overlong": STX + b"9" * 400,
        }
        if self._fault in wrong:
            return wrong[self._fault]
        body = self._body()
        return (b"\x00\xffnoise" + STX + body[:2] if self._fault == "chatter" else b"") + STX + body + CR

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {
            "put": self.put,
            "shake": self.shake,
            "fail": self.fail,
            "plug": self.plug,
            "unplug": self.unplug,
            "questions": lambda: self.questions,
        }

    def _body(self) -> bytes:
        weight_g = self._load_g - self._zero_g
        status = ALWAYS
        if asyncio.get_running_loop().time() < self._steady_at:
            status |= MOVING
        if weight_g > self._settings.capacity_g:
            status |= OVER
        if weight_g < 0:
            status |= UNDER
        if self.is_outside_zero:
            status |= OUTSIDE_ZERO
        return self._digits(weight_g) if status == ALWAYS else b"?" + bytes([status])

    def _digits(self, weight_g: int) -> bytes:
        scale = 10**self._settings.decimals
        factor, divisor = (1, 1000) if self._settings.unit == "kg" else (100_000, _POUND)
        number = weight_g * scale * factor // divisor
        return f"{number // scale:02}.{number % scale:0{self._settings.decimals}}".encode()

    async def _answer(self) -> None:
        while True:
            for byte in await self.line.read():
                if byte == ord("Z") and self._body()[:1] != b"?":
                    self._zero_g, self.is_outside_zero = self._load_g, False
                elif byte == ord("Z"):
                    self.is_outside_zero = False
                elif byte == ord("W"):
                    self.questions += 1
                    if self.line.is_plugged:
                        await self.line.write(self.answer())


async def run_scale(settings: ScaleSimSettings) -> None:
    """Be a scale until cancelled or until standard input ends."""
    scale = ScaleSim(settings)
    scale.plug()
    try:
        await stay(scale.actions(), settings.control, follows_input=settings.follows_input)
    finally:
        await scale.stop()
