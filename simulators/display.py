"""A simulated pole display: CD5220 commands on a real pty, two lines of twenty characters in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.device_control import stay
from simulators.serial_line import SerialLine

if TYPE_CHECKING:
    from collections.abc import Generator

    from simulators.device_control import Actions

WIDTH = 20
LINES = {b"A": 0, b"B": 1}
# Commands of the set that change nothing here, with the number of their parameter bytes.
READ_OVER = {b"\x11": 0, b"\x12": 0, b"\x13": 0, b"*": 1, b"_": 1, b"f": 1, b"c": 1, b"=": 1, b"%": 1}


@dataclass(frozen=True, slots=True)
class DisplaySimSettings:
    """Where the display's line appears, and the character table that its switches choose."""

    path: str
    code_page: str = "cp437"
    control: str = ""
    follows_input: bool = False


class DisplaySim:
    """A display on its pole.

    `lines` is what a person reads; `unknown` counts bytes that mean nothing to it.
    """

    def __init__(self, settings: DisplaySimSettings) -> None:
        self.line = SerialLine(settings.path)
        self.lines = ["", ""]
        self.unknown = 0
        self.changed = asyncio.Event()
        self._code_page = settings.code_page
        self._reader = self._read_for_ever()
        next(self._reader)
        self._task: asyncio.Task[None] | None = None

    def plug(self) -> None:
        """Plug it in, dark."""
        self.lines = ["", ""]
        self.line.plug()
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    def unplug(self) -> None:
        """Pull the cable."""
        self.line.unplug()

    async def stop(self) -> None:
        """Unplug it and stop reading."""
        self.unplug()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def receive(self, data: bytes) -> None:
        """Take bytes as the line delivers them."""
        for byte in data:
            self._reader.send(bytes([byte]))
        self.changed.set()

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {"lines": lambda: self.lines, "plug": self.plug, "unplug": self.unplug}

    async def _follow(self) -> None:
        while True:
            self.receive(await self.line.read())

    def _read_for_ever(self) -> Generator[None, bytes, None]:
        while True:
            byte = yield
            if byte == b"\x0c":
                self.lines = ["", ""]
            elif byte == b"\x1b":
                yield from self._command()
            else:
                self.unknown += 1

    def _command(self) -> Generator[None, bytes, None]:
        name = yield
        if name == b"@":
            self.lines = ["", ""]
        elif name == b"Q":
            yield from self._write_line((yield))
        elif name in READ_OVER:
            for _ in range(READ_OVER[name]):
                yield
        else:
            self.unknown += 1

    def _write_line(self, which: bytes) -> Generator[None, bytes, None]:
        text = b""
        while (byte := (yield)) != b"\r":
            text = (text + byte)[: 2 * WIDTH]
        if which in LINES:
            self.lines[LINES[which]] = text.decode(self._code_page, "replace")[:WIDTH]
        else:
            self.unknown += 1


async def run_display(settings: DisplaySimSettings) -> None:
    """Be a display until cancelled or until standard input ends."""
    display = DisplaySim(settings)
    display.plug()
    try:
        await stay(display.actions(), settings.control, follows_input=settings.follows_input)
    finally:
        await display.stop()
