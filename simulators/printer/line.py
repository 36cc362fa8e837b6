"""The line that the printer is about to print.

Glyphs and bitmaps from left to right, then one row on the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from simulators.printer.paper import FONT_A, Bitmap, Glyph, Row, Style

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.printer.paper import Paper, Piece

DEFAULT_SPACING = 30  # dots, 3.75 mm
# A feed longer than this is a fault of the sender; 255 lines of 255 dots would be eight metres.
MAX_FEED_DOTS = 4_000
TAB_COLUMNS = 8


@dataclass(slots=True)
class Line:
    """Style, position and pieces of the present line. `on_row` is told of each row that used paper."""

    paper: Paper
    on_row: Callable[[], None]
    style: Style = field(default_factory=Style)
    align: int = 0
    spacing: int = DEFAULT_SPACING
    left_margin: int = 0
    area: int = 0
    tabs: list[int] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    x: int = 0
    extra_space: int = 0

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything that commands have set, as ESC @ does."""
        self.style, self.align, self.spacing = Style(), 0, DEFAULT_SPACING
        self.left_margin, self.area, self.extra_space = 0, self.paper.width, 0
        self.tabs = [column * FONT_A[0] for column in range(TAB_COLUMNS, 256, TAB_COLUMNS)]
        self.pieces, self.x = [], 0

    @property
    def width(self) -> int:
        """Dots that a line may take."""
        return max(FONT_A[0], min(self.area, self.paper.width - self.left_margin))

    def restyle(self, **changes: object) -> None:
        """Change parts of the style for the characters that follow."""
        self.style = replace(self.style, **changes)  # type: ignore[arg-type]

    def put(self, text: str, columns: int) -> None:
        """Add a character; a full line is printed first."""
        glyph = Glyph(self.x, text, self.style, columns)
        if self.x + glyph.width > self.width and self.pieces:
            self.end()
            glyph = replace(glyph, x=0)
        self.pieces.append(glyph)
        self.x = glyph.x + glyph.width + self.extra_space

    def draw(self, bitmap: Bitmap) -> None:
        """Add a picture inside the line."""
        self.pieces.append(replace(bitmap, x=self.x))
        self.x += bitmap.width

    def picture(self, width: int, height: int, data: bytes, says: str) -> None:
        """Print a picture as a row of its own."""
        if self.pieces:
            self.end()
        self.pieces.append(Bitmap(0, width, height, data, says))
        self.x = width
        self.end(advance=height)

    def tab(self) -> None:
        """Move to the next tab stop, if there is one."""
        self.x = next((stop for stop in self.tabs if stop > self.x), self.x)

    def move_to(self, x: int) -> None:
        """Move to a position from the left margin; outside of the line nothing happens."""
        if 0 <= x <= self.width:
            self.x = x

    def end(self, advance: int | None = None) -> None:
        """Print the line and move the paper, by the line spacing or as far as the line is high."""
        tallest = max((piece.height for piece in self.pieces), default=0)
        feed = min(max(self.spacing if advance is None else advance, tallest), MAX_FEED_DOTS)
        shift = self.left_margin + (0, 1, 2)[self.align] * max(0, self.width - self._used()) // 2
        pieces = tuple(replace(piece, x=piece.x + shift) for piece in self.pieces)
        self.pieces, self.x = [], 0
        if feed:
            self.paper.add(Row(pieces, feed))
            self.on_row()

    def _used(self) -> int:
        return max((piece.x + piece.width for piece in self.pieces), default=0)
