"""The printer's interpreter: ESC/POS bytes in, in pieces of any size; rows, cuts, kicks and answers out.

A command that is not understood is noted by name in `notes` and read over as far as its length is known;
nothing a stream may hold stops the machine or grows its memory. Real-time commands (DLE) are seen by
`station.py` before the bytes come here, as a real printer does it.

What it does: text in the tables of `tables.py` and GB18030, sizes, bold, underline, inverse, upside down,
margins, tabs, positions, barcodes, QR codes, raster and column pictures, stored graphics, cuts, drawer
pulses, status. What it does not: page mode is printed in standard mode, user-defined characters and
rotation are noted and left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulators.printer.commands import SETTERS, VARIABLE
from simulators.printer.graphics import Graphics
from simulators.printer.line import Line
from simulators.printer.paper import Paper
from simulators.printer.tables import CHARACTER_TABLES, KATAKANA_TABLE, READ_OVER

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from simulators.printer.sensors import Sensors

    Reading = Generator[int, bytes, bytes]

# Different complaints that are kept; a garbage stream would make thousands.
MAX_NOTES = 64
ESC, FS, GS, DLE = b"\x1b", b"\x1c", b"\x1d", b"\x10"
# Bytes of a variable command that anything of ours looks at; the rest is read over, piece by piece.
MAX_KEPT_BYTES = 65_536


class Machine:
    """Feed it bytes; look at `paper`, `kicks`, `notes`. `reply` gets what the printer sends back."""

    paper: Paper
    sensors: Sensors
    line: Line
    graphics: Graphics
    reply: Callable[[bytes], None]

    def __init__(self, width: int, sensors: Sensors, reply: Callable[[bytes], None]) -> None:
        self.paper = Paper(width)
        self.sensors = sensors
        self.kicks: Counter[int] = Counter()
        self.notes: Counter[str] = Counter()
        self.on_kick: Callable[[int], None] = lambda _connector: None
        self.reply = reply
        self.line = Line(self.paper, sensors.take_row)
        self.graphics = Graphics(self.line, self.note)
        self.table = 0
        self.is_multi_byte = False
        self._reader = self._read_for_ever()
        self._wanted = next(self._reader)

    def feed(self, data: bytes) -> int:
        """Interpret bytes until they end or the printer goes off-line; returns how many were taken."""
        taken = 0
        while taken < len(data) and not self.sensors.is_offline:
            piece = data[taken : taken + self._wanted]
            taken += len(piece)
            self._wanted = self._reader.send(piece)
        return taken

    def clear(self) -> None:
        """Forget a half-received command and the unprinted line."""
        self.line.pieces.clear()
        self.line.x = 0
        self._reader = self._read_for_ever()
        self._wanted = next(self._reader)

    def initialize(self) -> None:
        """Go back to the state after power-on; what is on the paper stays."""
        self.line.reset()
        self.table, self.is_multi_byte = 0, False
        self.graphics.reset()

    def kick(self, connector: int) -> None:
        """Pulse a drawer connector."""
        self.kicks[connector] += 1
        self.on_kick(connector)

    def note(self, what: str) -> None:
        """Count a complaint, within MAX_NOTES different ones."""
        if what in self.notes or len(self.notes) < MAX_NOTES:
            self.notes[what] += 1

    def _read_for_ever(self) -> Generator[int, bytes, None]:
        while True:
            byte = yield 1
            if byte in (ESC, FS, GS):
                yield from self._command(byte)
            elif byte == DLE:
                yield from self._real_time()
            elif byte < b" ":
                self._control(byte)
            elif self.is_multi_byte and b"\x81" <= byte <= b"\xfe":
                yield from self._multi_byte(byte)
            else:
                self.line.put(self._decode(byte), 1)

    def take(self, count: int) -> Reading:
        """Read exactly `count` bytes; of very many, the first are kept."""
        kept = bytearray()
        while count > 0:
            piece = yield count
            count -= len(piece)
            kept += piece[: MAX_KEPT_BYTES - len(kept)]
        return bytes(kept)

    def _control(self, byte: bytes) -> None:
        if byte == b"\n":
            self.line.end()
        elif byte == b"\t":
            self.line.tab()
        elif byte == b"\x0c" and self.line.pieces:
            self.line.end()
        elif byte not in b"\r\x0c\x18\x00":
            self.note(f"control byte {byte.hex()}")

    def _decode(self, byte: bytes) -> str:
        if self.table == KATAKANA_TABLE and b"\xa1" <= byte <= b"\xdf":
            return byte.decode("shift_jis")
        text = byte.decode(CHARACTER_TABLES.get(self.table, "cp437"), "replace")
        return text if text.isprintable() else "·"

    def _multi_byte(self, lead: bytes) -> Generator[int, bytes, None]:
        char = lead + (yield 1)
        if b"0" <= char[1:] <= b"9":
            char += yield from self.take(2)
        try:
            self.line.put(char.decode("gb18030"), 2)
        except UnicodeDecodeError:
            self.note("invalid GB18030 character")
            self.line.put("?", 2)

    def _real_time(self) -> Generator[int, bytes, None]:
        kind = yield 1
        if kind in b"\x04\x05":
            yield 1
        elif kind == b"\x14":
            function = yield 1
            yield from self.take(7 if function == b"\x08" else 2)
        else:
            self.note(f"command 10 {kind.hex()}")

    def _command(self, prefix: bytes) -> Generator[int, bytes, None]:
        name = prefix + (yield 1)
        if name in READ_OVER:
            yield from self.take(READ_OVER[name])
        elif name in SETTERS:
            count, setter = SETTERS[name]
            setter(self, (yield from self.take(count)))
        elif name in (b"\x1b(", b"\x1c(", b"\x1d("):
            function = yield 1
            length = int.from_bytes((yield from self.take(2)), "little")
            self.graphics.parameters(name + function, (yield from self.take(length)))
        elif name in VARIABLE:
            yield from VARIABLE[name](self)
        elif name in Graphics.STREAMS:
            yield from Graphics.STREAMS[name](self.graphics)
        else:
            self.note(f"command {name.hex(' ')}")
