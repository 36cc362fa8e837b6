"""Abstract documents: what is printed on a receipt or a report, not how.

A printer adapter turns the blocks into its own commands, `to_plain` into lines of text. Receipts themselves
are built in `receipt`; columns are counted and text is cleaned in `plain_text`.

A block is a tuple whose first member names it:
    ("text", text, align, is_bold, is_wide)     align: "left", "center" or "right"; wide is double width
    ("columns", left, right, is_bold, is_wide)  left and right aligned in one line
    ("rule",)   ("barcode", text)   ("qr", text)   ("ean", digits)   ("feed", lines)   ("cut",)
    ("image", width, height, dots)              black dots row by row, eight to a byte, in base64
"""

import hashlib

from protocol.errors import CallerError
from protocol.limits import (
    MAX_RECEIPT_BLOCKS,
    MAX_RECEIPT_TEXT_CHARS,
    MAX_RECEIPT_WIDTH,
    MIN_RECEIPT_WIDTH,
)
from protocol.plain_text import columns, cut, strip_controls, wrap
from protocol.strict_json import dumps
from protocol.template.bounds import MAX_LOGO_HEIGHT, MAX_LOGO_WIDTH

MAX_END_LINES = 3  # of a name beside its amount; the longest names of real catalogues need two on 58 mm paper


class Document:
    """Blocks in printing order. Text is cleaned of controls as it comes in; too long, it is cut with dots.

    Errors: CallerError "receipt-too-long" beyond MAX_RECEIPT_BLOCKS.
    """

    __slots__ = ("blocks",)

    def __init__(self) -> None:
        self.blocks: list[tuple[str | int | bool, ...]] = []

    def text(self, text: str, align: str = "left", *, is_bold: bool = False, is_wide: bool = False) -> None:
        """Add a paragraph; it is wrapped to the paper's width when printed."""
        self._add(("text", _clean(text), align, is_bold, is_wide))

    def columns(self, left: str, right: str, *, is_bold: bool = False, is_wide: bool = False) -> None:
        """Add a line with two ends; a left end that does not fit goes on in the next line, twice at most."""
        self._add(("columns", _clean(left), _clean(right), is_bold, is_wide))

    def rule(self) -> None:
        """Add a line across the paper."""
        self._add(("rule",))

    def barcode(self, text: str) -> None:
        """Add a Code 128 barcode of ASCII text."""
        self._add(("barcode", _clean(text)))

    def qr(self, text: str) -> None:
        """Add a QR code."""
        self._add(("qr", _clean(text)))

    def ean(self, digits: str) -> None:
        """Add an EAN-13 barcode; what is no EAN-13 is printed as text in its place."""
        self._add(("ean", _clean(digits)))

    def image(self, width: int, height: int, dots: str) -> None:
        """Add a picture of whole bytes a row; CallerError "receipt-image-wrong" when dots and size disagree."""
        if width % 8 or not 0 < width <= MAX_LOGO_WIDTH or not 0 < height <= MAX_LOGO_HEIGHT:
            raise CallerError("receipt-image-wrong", f"a picture of {width} x {height} dots")
        if len(dots) != (width // 8 * height + 2) // 3 * 4:
            raise CallerError("receipt-image-wrong", "the dots of a picture do not fill it")
        self._add(("image", width, height, dots))

    def feed(self, lines: int = 1) -> None:
        """Add empty lines."""
        self._add(("feed", lines))

    def cut(self) -> None:
        """Cut the paper here."""
        self._add(("cut",))

    def digest(self) -> bytes:
        """Return the SHA-256 of the blocks: what the record of a printed receipt names."""
        return hashlib.sha256(dumps([list(block) for block in self.blocks])).digest()

    def _add(self, block: tuple[str | int | bool, ...]) -> None:
        if len(self.blocks) >= MAX_RECEIPT_BLOCKS:
            raise CallerError("receipt-too-long", f"a document has at most {MAX_RECEIPT_BLOCKS} blocks")
        self.blocks.append(block)


def to_plain(document: Document, width: int) -> list[str]:
    """Lay a document out as text lines of at most `width` columns, as on paper of that width.

    Errors: CallerError "receipt-width-wrong".
    """
    if not MIN_RECEIPT_WIDTH <= width <= MAX_RECEIPT_WIDTH:
        raise CallerError("receipt-width-wrong", f"{width} columns are no paper of ours")
    lines = []
    for block in document.blocks:
        lines += lay_out(block, width)
    return lines


def lay_out(block: tuple[str | int | bool, ...], width: int) -> list[str]:
    """Lay one block out in `width` columns; an adapter passes half the width for wide letters."""
    kind = block[0]
    if kind == "text":
        return [_aligned(line, str(block[2]), width) for line in wrap(str(block[1]), width)]
    if kind == "columns":
        return _two_ends(str(block[1]), str(block[2]), width)
    if kind == "rule":
        return ["-" * width]
    if kind == "feed":
        return [""] * int(block[1])
    if kind == "cut":
        return ["- " * (width // 2)]
    shown = "[logo]" if kind == "image" else f"[{kind} {block[1]}]"
    return [_aligned(line, "center", width) for line in wrap(shown, width)]


def _clean(text: str) -> str:
    return cut(strip_controls(text), MAX_RECEIPT_TEXT_CHARS)


def _aligned(line: str, align: str, width: int) -> str:
    space = width - columns(line)
    if align == "right":
        return " " * space + line
    if align == "center":
        return " " * (space // 2) + line
    return line


def _two_ends(left: str, right: str, width: int) -> list[str]:
    right = cut(right, width)
    room = width - columns(right) - 1
    if columns(left) <= room:
        return [left + " " * (width - columns(left) - columns(right)) + right]
    if room < MIN_RECEIPT_WIDTH // 2:
        return [cut(left, width), _aligned(right, "right", width)]
    # A long name goes on below itself, as far in as it began; what it costs stands beside its end.
    inside = " " * min(len(left) - len(left.lstrip(" ")), room // 2)
    lines = [inside + line for line in wrap(left.lstrip(" "), room - len(inside))]
    if len(lines) > MAX_END_LINES:
        rest = " ".join([line.strip(" ") for line in lines[MAX_END_LINES - 1 :]])
        lines = lines[: MAX_END_LINES - 1] + [cut(inside + rest, room)]  # noqa: RUF005 - no star in a list there
    last = lines.pop()
    return lines + _two_ends(cut(last, room), right, width)
