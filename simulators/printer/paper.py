"""What is on the paper: rows of glyphs, bitmaps and cuts, in printer dots (203 dpi, 8 dots a millimetre).

Nothing here knows ESC/POS. All of it is bounded: a stream that prints for ever loses its oldest rows first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# Ten metres of paper at 8 dots a millimetre, in rows of 30 dots: longer than any receipt, still a small list.
MAX_ROWS = 3_000
# All pictures on the paper together, one bit a dot. A full page of 576 x 4096 dots takes 0.3 MB.
MAX_BITMAP_BYTES = 4 << 20

FONT_A = (12, 24)
FONT_B = (9, 17)


@dataclass(frozen=True, slots=True)
class Style:
    """How a glyph looks; wide and high are whole multiples."""

    is_font_b: bool = False
    wide: int = 1
    high: int = 1
    is_bold: bool = False
    underline: int = 0
    is_inverted: bool = False
    is_upside_down: bool = False

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a narrow glyph in dots."""
        width, height = FONT_B if self.is_font_b else FONT_A
        return width * self.wide, height * self.high


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character; `columns` is 2 for a wide East Asian one."""

    x: int
    text: str
    style: Style
    columns: int = 1

    @property
    def width(self) -> int:
        """Width in dots."""
        return self.style.cell[0] * self.columns

    @property
    def height(self) -> int:
        """Height in dots."""
        return self.style.cell[1]


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Black and white dots, rows of whole bytes, most significant bit left; `says` is its meaning as text."""

    x: int
    width: int
    height: int
    data: bytes
    says: str


Piece = Glyph | Bitmap


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces side by side; `advance` is how far the paper moves."""

    pieces: tuple[Piece, ...]
    advance: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The paper was cut, fully or but for one point."""

    is_full: bool


@dataclass(slots=True)
class Paper:
    """Everything printed since the paper was taken away, newest last."""

    width: int
    parts: deque[Row | Cut] = field(default_factory=deque)
    rows_lost: int = 0
    _bitmap_bytes: int = 0

    def add(self, part: Row | Cut) -> None:
        """Put a row or a cut on the paper."""
        self.parts.append(part)
        self._bitmap_bytes += _weight(part)
        while len(self.parts) > MAX_ROWS or self._bitmap_bytes > MAX_BITMAP_BYTES:
            self._bitmap_bytes -= _weight(self.parts.popleft())
            self.rows_lost += 1

    def receipts(self) -> list[list[Row]]:
        """Split the paper at its cuts; an empty piece of paper is no receipt."""
        pieces: list[list[Row]] = [[]]
        for part in self.parts:
            if isinstance(part, Cut):
                pieces.append([])
            else:
                pieces[-1].append(part)
        return [rows for rows in pieces if any(row.pieces for row in rows)]

    def text(self) -> list[str]:
        """Read the paper as lines of text in columns of font A; pictures and cuts stand in brackets."""
        lines: list[str] = []
        for part in self.parts:
            lines += ["[cut]"] if isinstance(part, Cut) else row_text(part)
        return lines


def row_text(row: Row) -> list[str]:
    """Read one row as text; a feed without text is an empty line for each line that it is high."""
    if not row.pieces:
        return [""] * (row.advance // 30)
    line = ""
    used = 0
    for piece in sorted(row.pieces, key=lambda piece: piece.x):
        pitch = piece.style.cell[0] if isinstance(piece, Glyph) else FONT_A[0]
        if piece.x > used:
            line += " " * max(1 if line else 0, (piece.x - used) // pitch)
        line += piece.text if isinstance(piece, Glyph) else f"[{piece.says}]"
        used = max(used, piece.x + piece.width)
    return [line.rstrip()]


def _weight(part: Row | Cut) -> int:
    if isinstance(part, Cut):
        return 0
    return sum(len(piece.data) for piece in part.pieces if isinstance(piece, Bitmap))
