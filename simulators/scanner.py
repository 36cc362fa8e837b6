"""A simulated serial barcode scanner: on a real pty, healthy or broken.

Bad lines are made above the line: split reads by pieces with pauses, noise by the bytes themselves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.device_control import stay
from simulators.serial_line import SerialLine

if TYPE_CHECKING:
    from simulators.device_control import Actions

FRAMES = {
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "tab": b"\t",
    "etx": b"\x03",
    "stx": b"\x02",
    "none": b"",
}


@dataclass(frozen=True, slots=True)
class ScannerSimSettings:
    """Where the scanner's line appears and how codes are framed; `control` is a socket path or empty."""

    path: str
    prefix: str = "none"
    suffix: str = "cr"
    control: str = ""
    follows_input: bool = False


class ScannerSim:
    """A scanner in a shopper's hand."""

    def __init__(self, settings: ScannerSimSettings) -> None:
        self.line = SerialLine(settings.path)
        self._prefix = FRAMES[settings.prefix]
        self._suffix = FRAMES[settings.suffix]

    def plug(self) -> None:
        """Plug it in."""
        self.line.plug()

    def unplug(self) -> None:
        """Pull the cable."""
        self.line.unplug()

    async def scan(self, *texts: str) -> None:
        """Read one code, or several in one burst."""
        burst = b"".join(self._prefix + text.encode("utf-8") + self._suffix for text in texts)
        await self.line.write(burst)

    async def scan_one(self, text: str) -> None:
        """Read one code, named as a control line names it."""
        await self.scan(text)

    async def scan_all(self, texts: list[str]) -> None:
        """Read several codes in one burst, named as a control line names them."""
        await self.scan(*texts)

    async def send_pieces(self, pieces: list[bytes], pause_s: float = 0.0) -> None:
        """Send raw bytes in pieces, with a pause between them."""
        for number, piece in enumerate(pieces):
            if number and pause_s:
                await asyncio.sleep(pause_s)
            await self.line.write(piece)

    async def send_hex(self, data: str) -> None:
        """Send raw bytes, written as hex digits."""
        await self.line.write(bytes.fromhex(data))

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {
            "scan": self.scan_one,
            "burst": self.scan_all,
            "raw": self.send_hex,
            "plug": self.plug,
            "unplug": self.unplug,
        }


async def run_scanner(settings: ScannerSimSettings) -> None:
    """Be a scanner until cancelled or until standard input ends."""
    scanner = ScannerSim(settings)
    scanner.plug()
    try:
        await stay(scanner.actions(), settings.control, follows_input=settings.follows_input)
    finally:
        scanner.unplug()
