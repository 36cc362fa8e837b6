"""Receipt documents as ESC/POS bytes, line by line, and the few commands that we use.

Our own small table: python-escpos costs the box 11 MB and 130 ms of start, and its status reading takes
silence for an answer. Text reaches the bytes only through `code_pages.text_bytes`; commands are only in
this file, and none of them depends on text.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.peripherals.code_pages import MULTI_BYTE, TABLE_NUMBERS, check_pages, printable, text_bytes
from protocol.document import lay_out
from protocol.errors import ConfigError
from protocol.product_codes.gtin import has_check_digit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocol.document import Document

INITIALIZE = b"\x1b@"
LEAVE_MULTI_BYTE = b"\x1c."
ENTER_MULTI_BYTE = b"\x1c&"
AMERICAN_CHARACTERS = b"\x1bR\x00"  # or "#" becomes a pound sign on some
CENTRED, LEFT = b"\x1ba\x01", b"\x1ba\x00"
BOLD_ON, BOLD_OFF = b"\x1bE\x01", b"\x1bE\x00"
# Double letters are as high as the usual line: they get air above the next one.
DOUBLE, SINGLE = b"\x1d!\x11\x1b3\x3c", b"\x1d!\x00\x1b2"
SMALL_GAP = b"\x1bJ\x0c"  # 1.5 mm above a barcode or QR code
LINE_END = b"\n"
PARTIAL_CUT, FULL_CUT = b"\x1dVB\x00", b"\x1dVA\x00"  # both feed to the cutter first
ASK_PAPER_IN_ORDER = b"\x1dr\x01"  # GS r is answered only when all before it is printed
CLEAR_BUFFERS = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"

DOTS_A_COLUMN = 12
BARCODE_HEIGHT_DOTS = 64
# Module sizes between which symbols are read by a phone and do not waste paper.
QR_MODULE_DOTS = (3, 6)
# Bytes that versions 1, 2, ... of a QR code hold at level M.
_QR_CAPACITY = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666)
EAN_DIGITS = 13
BAND_ROWS = 24  # of a picture: a band is about a kilobyte, and what failed is known to three millimetres
MAX_BARCODE_BYTES = 48  # more fit no paper: 80 mm hold 23 characters of two dots
MAX_FEED_LINES = 10  # four centimetres tear off well everywhere; more is wasted paper

_DRAWER_ON_MS, _DRAWER_OFF_MS = 50, 500  # long enough for a stiff lock, short enough for its coil


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """What the printer is: `columns` of font A (32, 42 or 48), its character tables in order of preference.

    `table_numbers` overrides what ESC t calls a table. `cut` is partial, full or none.
    """

    columns: int = 48
    code_pages: tuple[str, ...] = ("cp858", MULTI_BYTE)
    table_numbers: tuple[tuple[str, int], ...] = ()
    cut: str = "partial"

    def __post_init__(self) -> None:
        check_pages(self.code_pages)
        if self.columns not in (32, 42, 48) or self.cut not in _CUTS:
            raise ConfigError(
                "printer-paper-unknown",
                f"{self.columns} columns, cut {self.cut}",
                "Choose 32, 42 or 48 columns and a partial, full or no cut.",
            )

    @property
    def dots(self) -> int:
        """Printable width in dots."""
        return self.columns * DOTS_A_COLUMN


_CUTS = {"partial": PARTIAL_CUT, "full": FULL_CUT, "none": b""}


def opening(paper: PaperSettings) -> bytes:
    """Bring the printer into the state that every line of ours starts from."""
    return INITIALIZE + LEAVE_MULTI_BYTE + AMERICAN_CHARACTERS + _select(paper.code_pages[0], paper)


def render(document: Document, paper: PaperSettings) -> list[bytes]:
    """Lines of the document as bytes, each complete in itself; `opening` goes before the first."""
    lines: list[bytes] = []
    for block in document.blocks:
        kind = block[0]
        if kind == "barcode":
            lines += _barcode(str(block[1]), paper)
        elif kind == "qr":
            lines += _qr(str(block[1]), paper)
        elif kind == "ean":
            lines += _ean(str(block[1]), paper)
        elif kind == "image":
            lines += _image(int(block[1]), int(block[2]), str(block[3]))
        elif kind == "feed":
            lines += [LINE_END] * min(int(block[1]), MAX_FEED_LINES)
        elif kind == "cut":
            lines.append(_CUTS[paper.cut])
        else:
            lines += _text_lines(block, paper)
    return [line for line in lines if line]


def text_line(text: str, paper: PaperSettings) -> bytes:
    """One run of text in the printer's tables, returning to the first table at its end."""
    out = b""
    for page, data in text_bytes(text, paper.code_pages):
        out += data if page == paper.code_pages[0] else _select(page, paper) + data + _leave(page, paper)
    return out


def kick(connector: int) -> bytes:
    """Pulse that opens the drawer at pin 2 (connector 0) or pin 5 (connector 1), in the order of the buffer."""
    return b"\x1bp" + bytes([connector & 1, _DRAWER_ON_MS // 2, _DRAWER_OFF_MS // 2])


def kick_now(connector: int) -> bytes:
    """Pulse in real time: it opens the drawer of a printer that stands still for want of paper."""
    return b"\x10\x14\x01" + bytes([connector & 1, 1])


def ask_now(number: int) -> bytes:
    """Ask for a real-time status: 1 printer and drawer, 2 reason for being off-line, 3 error, 4 paper."""
    return b"\x10\x04" + bytes([number])


def _text_lines(block: tuple[str | int | bool, ...], paper: PaperSettings) -> list[bytes]:
    is_bold, is_wide = (bool(block[-2]), bool(block[-1])) if len(block) > 2 else (False, False)
    width = paper.columns // 2 if is_wide else paper.columns
    ready = tuple(printable(part, paper.code_pages) if isinstance(part, str) else part for part in block)
    # The printer centres to the dot; spaces would be a whole letter wide.
    is_centred = block[0] == "text" and block[2] == "center"
    before = CENTRED * is_centred + BOLD_ON * is_bold + DOUBLE * is_wide
    after = SINGLE * is_wide + LEFT * is_centred
    lines = []
    for line in lay_out(ready, width):
        text = text_line(line.strip() if is_centred else line.rstrip(), paper)
        lines.append(before + text + BOLD_OFF * is_bold + LINE_END + after if text else LINE_END)
    return lines


def _barcode(text: str, paper: PaperSettings) -> list[bytes]:
    """Code 128, set B; as a QR code with its text below when it is too long for the paper."""
    data = _symbol_bytes(text, MAX_BARCODE_BYTES)
    # Start, check and stop symbol; the paper's unprintable margin is the quiet zone.
    module = min(3, paper.dots // (11 * (len(data) + 3) + 2))
    if not data or module < 2:
        below = _text_lines(("text", text, "center", False, False), paper)
        return (_qr(text, paper) if data else []) + below
    content = b"{B" + data.replace(b"{", b"{{")
    setting = b"\x1dh" + bytes([BARCODE_HEIGHT_DOTS]) + b"\x1dw" + bytes([module]) + b"\x1dH\x02\x1df\x00"
    return [SMALL_GAP + CENTRED + setting + b"\x1dkI" + bytes([len(content)]) + content + LINE_END + LEFT]


def _ean(text: str, paper: PaperSettings) -> list[bytes]:
    """EAN-13 with its digits below; as text when it is none."""
    data = _symbol_bytes(text, EAN_DIGITS)
    if len(data) != EAN_DIGITS or not data.isdigit() or not has_check_digit(data.decode()):
        return _text_lines(("text", text, "center", False, False), paper)
    setting = b"\x1dh" + bytes([BARCODE_HEIGHT_DOTS]) + b"\x1dw\x03\x1dH\x02\x1df\x00"
    return [SMALL_GAP + CENTRED + setting + b"\x1dkC" + bytes([EAN_DIGITS]) + data + LINE_END + LEFT]


def _image(width: int, height: int, dots: str) -> list[bytes]:
    """A picture in bands; every band says its size, and has exactly the bytes that it says."""
    stride = width // 8
    data = binascii.a2b_base64(dots)[: stride * height].ljust(stride * height, b"\x00")
    bands = []
    for top in range(0, height, BAND_ROWS):
        rows = min(BAND_ROWS, height - top)
        size = stride.to_bytes(2, "little") + rows.to_bytes(2, "little")
        bands.append(CENTRED + b"\x1dv0\x00" + size + data[top * stride : (top + rows) * stride] + LEFT)
    return bands


def _qr(text: str, paper: PaperSettings) -> list[bytes]:
    data = _symbol_bytes(text, _QR_CAPACITY[-1])
    if not data:
        return _text_lines(("text", text, "center", False, False), paper)
    version = next(number for number, capacity in enumerate(_QR_CAPACITY, 1) if len(data) <= capacity)
    least, most = QR_MODULE_DOTS
    module = max(least, min(most, paper.dots // 2 // (17 + 4 * version)))
    store = b"\x1d(k" + (len(data) + 3).to_bytes(2, "little") + b"1P0" + data
    return [
        SMALL_GAP
        + CENTRED
        + b"\x1d(k\x04\x001A2\x00"
        + b"\x1d(k\x03\x001C" + bytes([module])
        + b"\x1d(k\x03\x001E1"
        + store
        + b"\x1d(k\x03\x001Q0"
        + LINE_END
        + LEFT
    ]  # fmt: skip


def _symbol_bytes(text: str, most: int) -> bytes:
    """Bytes of a symbol, through the same choke point.

    None when it is not plain ASCII of a length that fits.
    """
    if not text.isascii():
        return b""
    data = b"".join(run for _, run in text_bytes(text, ("cp437",)))
    return data if len(data) <= most else b""


def _select(page: str, paper: PaperSettings) -> bytes:
    if page == MULTI_BYTE:
        return ENTER_MULTI_BYTE
    numbers: Mapping[str, int] = TABLE_NUMBERS | dict(paper.table_numbers)
    return b"\x1bt" + bytes([numbers[page] & 0xFF])


def _leave(page: str, paper: PaperSettings) -> bytes:
    first = paper.code_pages[0]
    back = _select(first, paper)
    return LEAVE_MULTI_BYTE + back if page == MULTI_BYTE and first != MULTI_BYTE else back
