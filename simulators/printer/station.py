"""The simulated printer as a whole: its input buffer, its real-time answers, and its TCP port or serial line.

Real-time commands are seen as they arrive, also inside other data and while the printer is off-line;
everything else waits in the input buffer until the mechanism takes it. Faults are switched on by
attributes, or by a control line.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from protocol.errors import ConfigError
from simulators.device_control import stay
from simulators.printer import fonts, picture
from simulators.printer.machine import Machine
from simulators.printer.sensors import Sensors
from simulators.serial_line import SerialLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.device_control import Actions

# What a real printer's input buffer holds; beyond it the sender has to wait.
INPUT_BUFFER_BYTES = 64 * 1024
READ_BYTES = 4096
DOTS_A_COLUMN = 12
# DLE EOT n, DLE ENQ n, DLE DC4 1 m t (drawer), DLE DC4 8 with its fixed seven bytes (clear buffers).
REAL_TIME = re.compile(
    rb"\x10(?:\x04[\x01-\x08]|\x05[\x01\x02]|\x14\x01[\x00\x01][\x00-\x08]|\x14\x08\x01\x03\x14\x01\x06\x02\x08)"
)
LONGEST_REAL_TIME = 10
FAULTS = ("none", "silent", "disconnect", "jam")


@dataclass(frozen=True, slots=True)
class PrinterSimSettings:
    """A serial line at `path`, or a TCP port (0 is any free one) when `path` is empty."""

    path: str = ""
    host: str = "127.0.0.1"
    port: int = 9100
    columns: int = 48
    control: str = ""
    follows_input: bool = False


class PrinterSim:
    """A printer that can be fed directly (`receive`) or over its transport (`start`, `stop`)."""

    def __init__(self, settings: PrinterSimSettings) -> None:
        self.sensors = Sensors()
        self.machine = Machine(settings.columns * DOTS_A_COLUMN, self.sensors, self._reply)
        self.bytes_received = 0
        self.port = settings.port
        self.line = SerialLine(settings.path) if settings.path else None
        self._settings = settings
        self._waiting = bytearray()
        self._tail = b""  # the last bytes, where a real-time command may have begun
        self._fault, self._fault_at = "none", 0
        self._send: Callable[[bytes], None] = lambda _data: None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()

    async def start(self) -> None:
        """Appear: plug in the serial line, or listen."""
        if self.line is not None:
            self.line.plug()
            self._tasks.add(asyncio.create_task(self._serve_line(self.line)))
        else:
            self._server = await asyncio.start_server(self._serve, self._settings.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Disappear, as when its plug is pulled; `start` brings it back on the same port."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self.line is not None:
            self.line.unplug()
        if self._server is not None:
            self._server.close()
            self.disconnect()
            await self._server.wait_closed()
            self._server = None

    def disconnect(self) -> None:
        """Break the connections that are open."""
        for writer in list(self._writers):
            writer.transport.abort()

    def fail(self, kind: str, after_bytes: int = 0) -> None:
        """Break after so many more bytes.

        Silent (no answer, no print), disconnect, jam (cutter), or none: mend.
        """
        if kind not in FAULTS:
            raise ConfigError(
                "printer-fault-unknown", f"No fault {kind}", f"Choose one of {', '.join(FAULTS)}."
            )
        self._fault, self._fault_at = kind, self.bytes_received + after_bytes
        if kind == "none":
            self.sensors.is_cutter_jammed = False
            self.resume()

    def receive(self, data: bytes) -> None:
        """Take bytes as the interface delivers them."""
        if self._fault == "none":
            self._take(data)
        else:
            room = max(0, self._fault_at - self.bytes_received)
            self._take(data[:room])
            if data[room:] and self._fault != "silent":
                self._break()
            self._take(data[room:])
        self.resume()

    def resume(self) -> None:
        """Print what waits, as far as the sensors allow.

        Call it after paper was put in or the cover closed.
        """
        taken = self.machine.feed(bytes(self._waiting))
        del self._waiting[:taken]
        if len(self._waiting) < INPUT_BUFFER_BYTES:
            self._room.set()

    def text(self) -> list[str]:
        """Read everything on the paper, as lines."""
        return self.machine.paper.text()

    def save_picture(self, path: str | Path) -> None:
        """Write a PNG of everything on the paper."""
        Path(path).write_bytes(self.picture())

    def picture(self) -> bytes:
        """Everything on the paper as a PNG."""
        return picture.png(picture.draw_paper(self.machine.paper))

    def tear_off(self) -> None:
        """Take the printed paper away."""
        self.machine.paper.parts.clear()

    def set_sensors(self, **values: bool | int) -> None:
        """Change sensors by name, as a hand would: is_cover_open, is_paper_out, is_near_end, rows_left."""
        for name, value in values.items():
            if not hasattr(self.sensors, name):
                raise ConfigError("printer-sensor-unknown", f"No sensor {name}")
            setattr(self.sensors, name, value)
        self.resume()

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {
            "text": self.text,
            "picture": lambda: base64.b64encode(self.picture()).decode(),
            "save_picture": self.save_picture,
            "tear_off": self.tear_off,
            "set": self.set_sensors,
            "new_roll": self._new_roll,
            "fail": self.fail,
            "disconnect": self.disconnect,
            "status": self._status,
        }

    def _status(self) -> dict[str, object]:
        return {
            "kicks": dict(self.machine.kicks),
            "notes": dict(self.machine.notes),
            "bytes": self.bytes_received,
            "waiting": len(self._waiting),
            "offline": self.sensors.is_offline,
            "port": self.port,
            "lacks": fonts.missing(),
        }

    def _new_roll(self) -> None:
        self.sensors.new_roll()
        self.resume()

    def _break(self) -> None:
        if self._fault == "disconnect":
            self._fault = "none"
            self.disconnect()
            if self.line is not None:
                self.line.unplug()
        elif self._fault == "jam":
            self.resume()
            self.sensors.is_cutter_jammed = True

    def _take(self, data: bytes) -> None:
        """Put bytes into the input buffer, carrying out real-time commands wherever they stand in the stream."""
        self.bytes_received += len(data)
        if self._is_silent:
            return
        seen = self._tail + data
        done = len(self._tail)
        for found in REAL_TIME.finditer(seen):
            if found.end() > len(self._tail):
                self._waiting += seen[done : found.end()]
                done = found.end()
                self._act(found.group())
        self._waiting += seen[done:]
        self._tail = seen[-LONGEST_REAL_TIME + 1 :]

    def _act(self, command: bytes) -> None:
        if command[1] == 4:
            self._reply(self.sensors.real_time(command[2]))
        elif command[1] == 20 and command[2] == 1:
            self.machine.kick(command[3] & 1)
        elif command[-1] != 1:  # DLE ENQ 1 prints on with what waits
            self._waiting.clear()
            self.machine.clear()

    @property
    def _is_silent(self) -> bool:
        return self._fault == "silent" and self.bytes_received > self._fault_at

    def _reply(self, data: bytes) -> None:
        if data and not self._is_silent:
            self._send(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._send = writer.write
        try:
            while data := await reader.read(READ_BYTES):
                await self._swallow(data)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_line(self, line: SerialLine) -> None:
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._send = answers.put_nowait
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer_line(line, answers))
            while True:
                await self._swallow(await line.read())

    async def _answer_line(self, line: SerialLine, answers: asyncio.Queue[bytes]) -> None:
        while True:
            data = await answers.get()
            if line.is_plugged:
                await line.write(data)

    async def _swallow(self, data: bytes) -> None:
        self.receive(data)
        while len(self._waiting) >= INPUT_BUFFER_BYTES:
            self._room.clear()
            await self._room.wait()


async def run_printer(
    settings: PrinterSimSettings, on_started: Callable[[int], None] = lambda _port: None
) -> None:
    """Be a printer until cancelled or until standard input ends; `on_started` is told the port."""
    printer = PrinterSim(settings)
    await printer.start()
    on_started(printer.port)
    try:
        await stay(printer.actions(), settings.control, follows_input=settings.follows_input)
    finally:
        with contextlib.suppress(OSError):
            await printer.stop()
