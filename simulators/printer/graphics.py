"""Everything the printer draws that is no letter.

Barcodes, QR codes, raster and column pictures, stored graphics.

A picture's header may claim four gigabytes: dots beyond the paper's width and MAX_PICTURE_ROWS are read and
dropped as they come, and never held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from protocol.errors import PeerError
from simulators.printer import symbols
from simulators.printer.paper import Bitmap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from simulators.printer.line import Line

    Stream = Callable[["Graphics"], Generator[int, bytes, None]]

# Half a metre of paper, longer than any logo.
MAX_PICTURE_ROWS = 4096
MAX_BARCODE_BYTES = 255
DEFAULT_BARCODE = {"height": 162, "module": 3, "text_place": 0}
# The symbol data that GS ( k may store: a QR code of version 40 and its head.
MAX_STORED_BYTES = 4096


class Graphics:
    """Draws on the line it is given; complaints go to `note`."""

    STREAMS: ClassVar[dict[bytes, Stream]] = {}

    def __init__(self, line: Line, note: Callable[[str], None]) -> None:
        self._line = line
        self._note = note
        self.reset()

    def reset(self) -> None:
        """Forget settings and stored symbols."""
        self._barcode = dict(DEFAULT_BARCODE)
        self._qr_module, self._qr_level, self._stored = 3, "L", b""
        self._download = (0, 0, b"")
        self._buffered: tuple[int, int, bytes] = (0, 0, b"")

    def set_barcode(self, **changes: int) -> None:
        """Change height, module width or place of the text of the barcodes that follow."""
        self._barcode.update(changes)

    def parameters(self, name: bytes, data: bytes) -> None:
        """Carry out a command of the form `( letter length data`."""
        if name == b"\x1d(k" and len(data) >= 2:
            self._symbol(data[0], data[1], data[2:])
        elif name == b"\x1d(L" and len(data) >= 2:
            self.stored_graphics(data)
        elif name not in (b"\x1b(A", b"\x1d(A", b"\x1d(D", b"\x1d(E", b"\x1d(H", b"\x1d(K", b"\x1c(A"):
            self._note(f"command {name.hex(' ')}")

    def stored_graphics(self, data: bytes) -> None:
        """Graphics data of GS ( L: function 112 keeps a raster, 50 prints it."""
        function = data[1]
        if function in (112, 113) and len(data) >= 10:
            width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
            height = min(height, MAX_PICTURE_ROWS)
            if function == 112:
                kept = self._fit(width, data[10:], (width + 7) // 8)
                self._buffered = (min(width, self._line.paper.width), height, kept)
            else:
                self._note("column graphics left out")
        elif function in (2, 50):
            width, height, kept = self._buffered
            self._show(width, height, kept)
            self._buffered = (0, 0, b"")
        else:
            self._note(f"graphics function {function}")

    def raster(self) -> Generator[int, bytes, None]:
        """Read GS v 0 m xL xH yL yH dots."""
        head = b""
        while len(head) < 6:
            head += yield 6 - len(head)
        stride, rows = int.from_bytes(head[2:4], "little"), int.from_bytes(head[4:6], "little")
        mode = head[1] % 48
        keep = min(stride, (self._line.paper.width + 7) // 8)
        kept = bytearray()
        for number in range(rows):
            row = yield from _read(stride, keep)
            if number < MAX_PICTURE_ROWS:
                kept += row
        if stride > keep or rows > MAX_PICTURE_ROWS:
            self._note("picture larger than the paper")
        wide, high = 1 + (mode & 1), 1 + (mode >> 1 & 1)
        data = _enlarged(bytes(kept), keep, wide, high) if mode else bytes(kept)
        self._show(keep * 8 * wide, min(rows, MAX_PICTURE_ROWS) * high, data)

    def columns(self) -> Generator[int, bytes, None]:
        """Read ESC * m nL nH dots: columns of 8 or 24 dots, top first."""
        head = b""
        while len(head) < 3:
            head += yield 3 - len(head)
        mode, count = head[0], int.from_bytes(head[1:3], "little")
        depth = 3 if mode in (32, 33) else 1
        wide, high = 1 if mode in (1, 33) else 2, 1 if depth == 3 else 3
        data = yield from _read(count * depth, self._line.paper.width * depth)
        dots = [int.from_bytes(data[at : at + depth], "big") for at in range(0, len(data), depth)]
        rows = [
            symbols.pack([bool(dot >> bit & 1) for dot in dots for _ in range(wide)]) * high
            for bit in range(depth * 8 - 1, -1, -1)
        ]
        self._line.draw(Bitmap(0, len(dots) * wide, depth * 8 * high, b"".join(rows), "picture"))

    def barcode(self) -> Generator[int, bytes, None]:
        """Read GS k: with a terminating NUL (m up to 6) or a length (m from 65)."""
        number = (yield 1)[0]
        data = b""
        if number >= 65:
            data = yield from _read((yield 1)[0], MAX_BARCODE_BYTES)
        else:
            while (byte := (yield 1)) != b"\x00":
                data = (data + byte)[:MAX_BARCODE_BYTES]
        kind = symbols.KINDS.get(number, "")
        self._bars(kind, data)

    def downloaded(self) -> Generator[int, bytes, None]:
        """Read GS * x y dots: a picture kept in the printer, in columns of bytes."""
        x = (yield 1)[0]
        y = (yield 1)[0]
        yield from _read(x * y * 8, 0)
        self._note("downloaded picture left out")

    def nonvolatile(self) -> Generator[int, bytes, None]:
        """Read FS q n pictures for the printer's memory."""
        for _ in range((yield 1)[0]):
            size = yield from _read(4, 4)
            x, y = int.from_bytes(size[:2], "little"), int.from_bytes(size[2:], "little")
            yield from _read(x * y * 8, 0)
        self._note("stored picture left out")

    def characters(self) -> Generator[int, bytes, None]:
        """Read ESC & y c1 c2: shapes of the user's own characters."""
        rows, first, last = yield from _read(3, 3)
        for _ in range(first, last + 1):
            yield from _read((yield 1)[0] * rows, 0)
        self._note("user-defined characters left out")

    def chinese_character(self) -> Generator[int, bytes, None]:
        """Read FS 2: the shape of one Chinese character, 24 x 24 dots."""
        yield from _read(2 + 72, 0)
        self._note("user-defined characters left out")

    def large_graphics(self) -> Generator[int, bytes, None]:
        """Read GS 8 L: stored graphics with a length of four bytes."""
        kind = yield 1
        length = int.from_bytes((yield from _read(4, 4)), "little")
        data = yield from _read(length, 10 + self._line.paper.width // 8 * MAX_PICTURE_ROWS)
        if kind == b"L" and len(data) >= 2:
            self.stored_graphics(data)

    def _symbol(self, kind: int, function: int, data: bytes) -> None:
        if kind != 0x31:
            if function == 0x51:
                self._box({0x30: "PDF417", 0x32: "MAXICODE", 0x33: "DATABAR"}.get(kind, "SYMBOL"))
        elif function == 0x43 and data:
            self._qr_module = min(max(data[0], 1), 16)
        elif function == 0x45 and data:
            self._qr_level = "LMQH"[data[0] % 4]
        elif function == 0x50:
            self._stored = data[1 : MAX_STORED_BYTES + 1]
        elif function == 0x51:
            self._qr()

    def _qr(self) -> None:
        try:
            size, dots = symbols.qr(self._stored, self._qr_level, self._qr_module)
        except PeerError as fault:
            self._note(str(fault))
            return
        if size > self._line.width:
            self._note("QR code wider than the paper")
            return
        self._line.picture(size, size, dots, f"QR {self._stored.decode('utf-8', 'replace')}")

    def _bars(self, kind: str, data: bytes) -> None:
        try:
            modules = symbols.bars(kind, data)
        except PeerError:
            self._box(kind or "BARCODE")
            return
        module, height = max(1, min(self._barcode["module"], 6)), max(1, self._barcode["height"])
        dots = [dot for dot in modules for _ in range(module)]
        if len(dots) > self._line.width:
            self._note("barcode wider than the paper")
            return
        text = symbols.barcode_text(kind, data)
        places = self._barcode["text_place"]
        if places & 1:
            self._text(text)
        self._line.picture(len(dots), height, symbols.pack(dots) * height, f"{kind} {text}")
        if places & 2:
            self._text(text)

    def _text(self, text: str) -> None:
        for char in text:
            self._line.put(char if char.isprintable() else "·", 1)
        self._line.end()

    def _box(self, name: str) -> None:
        """Print the name of a symbol that is not drawn."""
        self._note(f"{name} shown as its name")
        self._text(f"[{name}]")

    def _fit(self, width: int, data: bytes, stride: int) -> bytes:
        keep = min(stride, (self._line.paper.width + 7) // 8)
        if keep == stride or not width:
            return data
        return b"".join(data[at : at + keep] for at in range(0, len(data), stride))

    def _show(self, width: int, height: int, data: bytes) -> None:
        if width and height:
            self._line.picture(width, height, data, f"picture {width}x{height}")


def _read(count: int, keep: int) -> Generator[int, bytes, bytes]:
    kept = b""
    while count > 0:
        piece = yield count
        count -= len(piece)
        if len(kept) < keep:
            kept += piece[: keep - len(kept)]
    return kept


def _enlarged(data: bytes, stride: int, wide: int, high: int) -> bytes:
    rows = []
    for at in range(0, len(data), stride):
        bits = "".join(f"{byte:08b}" for byte in data[at : at + stride])
        rows.append(symbols.pack([bit == "1" for bit in bits for _ in range(wide)]) * high)
    return b"".join(rows)


Graphics.STREAMS = {
    b"\x1dv": Graphics.raster,
    b"\x1b*": Graphics.columns,
    b"\x1dk": Graphics.barcode,
    b"\x1d*": Graphics.downloaded,
    b"\x1cq": Graphics.nonvolatile,
    b"\x1b&": Graphics.characters,
    b"\x1c2": Graphics.chinese_character,
    b"\x1d8": Graphics.large_graphics,
}
