"""The receipt as a picture: one pixel a printer dot, black on white, with the paper's margin around it."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageOps

from simulators.printer import fonts
from simulators.printer.paper import Cut, Glyph, Row, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulators.printer.paper import Bitmap, Paper

MARGIN = 32  # dots; 80 mm paper has 4 mm on each side that no printer reaches
CUT_HEIGHT = 28
# A picture of more dots than this is cut off: 576 x 40,000 dots are five metres of paper.
MAX_PICTURE_HEIGHT = 40_000
WHITE, BLACK, GREY = 255, 16, 150
GLYPHS_KEPT = 2048
# From here on, fixed-width Latin faces have no letters; half-width katakana lie behind.
FIRST_EASTERN = "\u2e80"


def draw_paper(paper: Paper) -> Image.Image:
    """Draw everything on the paper, with its cuts."""
    return draw(paper.parts, paper.width)


def draw(parts: Iterable[Row | Cut], width: int) -> Image.Image:
    """Draw rows and cuts on paper of `width` printable dots."""
    kept = list(parts)
    height = 2 * MARGIN + sum(CUT_HEIGHT if isinstance(part, Cut) else part.advance for part in kept)
    image = Image.new("L", (width + 2 * MARGIN, min(height, MAX_PICTURE_HEIGHT)), WHITE)
    y = MARGIN
    for part in kept:
        if y >= MAX_PICTURE_HEIGHT:
            break
        if isinstance(part, Cut):
            _cut(image, y, is_full=part.is_full)
            y += CUT_HEIGHT
        else:
            _row(image, part, y)
            y += part.advance
    return image


def png(image: Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _row(image: Image.Image, row: Row, top: int) -> None:
    base = max((piece.height for piece in row.pieces), default=0)
    for piece in row.pieces:
        at = (MARGIN + piece.x, top + base - piece.height)
        dots = _glyph(piece.text, piece.columns, piece.style) if isinstance(piece, Glyph) else _bitmap(piece)
        region = (*at, at[0] + dots.width, at[1] + dots.height)
        image.paste(ImageChops.darker(image.crop(region), dots), region)


@lru_cache(maxsize=GLYPHS_KEPT)
def _glyph(text: str, columns: int, style: Style) -> Image.Image:
    width, height = style.cell
    width *= columns
    cell = _letter(text, columns, style, height)
    if cell.size != (width, height):
        cell = cell.resize((width, height), Image.Resampling.LANCZOS)
    if style.is_bold:
        cell = _bold(cell, style.wide)
    if style.underline:
        ImageDraw.Draw(cell).rectangle((0, height - style.underline, width, height), fill=BLACK)
    if style.is_inverted:
        cell = ImageOps.invert(cell)
    return cell.rotate(180) if style.is_upside_down else cell


def _bold(cell: Image.Image, shift: int) -> Image.Image:
    """Print twice, a dot apart, as the printer does."""
    shifted = Image.new("L", cell.size, WHITE)
    shifted.paste(cell, (shift, 0))
    return ImageChops.darker(cell, shifted)


def _letter(text: str, columns: int, style: Style, height: int) -> Image.Image:
    """Draw a letter at its full height in a cell of the normal proportion."""
    width = style.cell[0] // style.wide * style.high * columns
    cell = Image.new("L", (width, height), WHITE)
    pen = ImageDraw.Draw(cell)
    is_eastern = columns == 2 or text >= FIRST_EASTERN
    font = fonts.chinese(height) if is_eastern else fonts.latin(height)
    if font is None:
        pen.rectangle((2, 2, width - 3, height - 3), outline=BLACK, width=2)
    elif is_eastern:
        pen.text((width / 2, height / 2), text, font=font, fill=BLACK, anchor="mm")
    elif "\u2500" <= text <= "\u259f":
        _frame(cell, text, font)
    else:
        pen.text((width / 2, height * 0.80), text, font=font, fill=BLACK, anchor="ms")
    return cell


def _frame(cell: Image.Image, text: str, font: fonts.Font) -> None:
    """Draw box and block characters so that they meet those of the next cells."""
    left, top, right, bottom = font.getbbox("\u2588")
    box = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))), WHITE)
    ImageDraw.Draw(box).text((-left, -top), text, font=font, fill=BLACK)
    cell.paste(box.resize(cell.size, Image.Resampling.LANCZOS))


def _bitmap(bitmap: Bitmap) -> Image.Image:
    stride = (bitmap.width + 7) // 8
    size = stride * bitmap.height
    data = bitmap.data[:size].ljust(size, b"\x00")
    dots = Image.frombytes("1", (stride * 8, bitmap.height), data).convert("L")
    return ImageOps.invert(dots).crop((0, 0, bitmap.width, bitmap.height)).point(lambda dot: max(dot, BLACK))


def _cut(image: Image.Image, top: int, *, is_full: bool) -> None:
    pen = ImageDraw.Draw(image)
    middle = top + CUT_HEIGHT // 2
    step, dash = (image.width, image.width) if is_full else (16, 10)
    for x in range(0, image.width, step):
        pen.line((x, middle, x + dash, middle), fill=GREY, width=2)
