"""Barcodes and QR codes as bitmaps, drawn from the data that the printer was sent.

Patterns are strings of module widths, bar first. Symbols that the printer accepts and that are not drawn here
(PDF417, MaxiCode, DataBar, CODE93) appear as a framed box that says their name.
"""

from __future__ import annotations

import segno

from protocol.errors import PeerError

# A symbol wider than the widest paper cannot be printed by any printer either.
MAX_SYMBOL_DOTS = 832
# Version 40 at its lowest level holds so many bytes.
MAX_QR_BYTES = 2953

_CODE128 = (  # noqa: SIM905  (a table reads better)
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 "
    "113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 "
    "212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 "
    "113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 "
    "241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
    "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 "
    "211232 2331112"
).split()
_CODE39_CHARS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%*"
_CODE39 = (  # noqa: SIM905  (a table reads better)
    "111221211 211211112 112211112 212211111 111221112 211221111 112221111 111211212 211211211 112211211 "
    "211112112 112112112 212112111 111122112 211122111 112122111 111112212 211112211 112112211 111122211 "
    "211111122 112111122 212111121 111121122 211121121 112121121 111111222 211111221 112111221 111121221 "
    "221111112 122111112 222111111 121121112 221121111 122121111 121111212 221111211 122111211 121212111 "
    "121211121 121112121 111212121 121121211"
).split()
_EAN_LEFT = "3211 2221 2122 1411 1132 1231 1114 1312 1213 3112".split()  # noqa: SIM905  (a table reads better)
_EAN_PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()  # noqa: SIM905  (a table reads better)
_ITF = "11221 21112 12112 22111 11212 21211 12211 11122 21121 12121".split()  # noqa: SIM905  (a table reads better)

KINDS = {
    0: "UPC-A",
    1: "UPC-E",
    2: "EAN13",
    3: "EAN8",
    4: "CODE39",
    5: "ITF",
    6: "CODABAR",
    65: "UPC-A",
    66: "UPC-E",
    67: "EAN13",
    68: "EAN8",
    69: "CODE39",
    70: "ITF",
    71: "CODABAR",
    72: "CODE93",
    73: "CODE128",
}


def bars(kind: str, data: bytes) -> list[bool]:
    """Modules of a barcode, true is black.

    PeerError("symbol-not-drawn") for what is not drawn or not valid.
    """
    text = data.decode("latin-1")
    try:
        widths = _DRAWERS[kind](text)
    except (KeyError, ValueError, IndexError) as fault:
        raise PeerError("symbol-not-drawn", f"No picture of {kind}") from fault
    modules: list[bool] = []
    for number, width in enumerate(widths):
        modules += [number % 2 == 0] * int(width)
    return modules


def barcode_text(kind: str, data: bytes) -> str:
    """Text that stands below a barcode."""
    text = data.decode("latin-1")
    if kind == "CODE128":
        for code_set in ("{A", "{B", "{C", "{S", "{1"):
            text = text.replace(code_set, "")
        return text.replace("{{", "{")
    if kind in ("EAN13", "EAN8", "UPC-A"):
        return text + (_check_digit(text) if len(text) == {"EAN13": 12, "EAN8": 7, "UPC-A": 11}[kind] else "")
    return text


def qr(data: bytes, level: str, module: int) -> tuple[int, bytes]:
    """Size in dots and bitmap of a QR code; `level` is L, M, Q or H."""
    if not data or len(data) > MAX_QR_BYTES:
        raise PeerError("symbol-not-drawn", f"A QR code of {len(data)} bytes does not exist")
    try:
        matrix = segno.make(data, error=level, boost_error=False, micro=False).matrix
    except segno.DataOverflowError as fault:
        raise PeerError("symbol-not-drawn", f"{len(data)} bytes do not fit level {level}") from fault
    rows = [[bool(dot) for dot in row] for row in matrix]
    return len(rows) * module, b"".join(
        pack([dot for dot in row for _ in range(module)]) * module for row in rows
    )


def pack(dots: list[bool]) -> bytes:
    """One row of dots as whole bytes, most significant bit left."""
    dots = dots + [False] * (-len(dots) % 8)
    return int("".join("1" if dot else "0" for dot in dots) or "0", 2).to_bytes(len(dots) // 8, "big")


def _code128(text: str) -> str:
    """Follow the printer's code set marks: {A {B {C choose a set, {{ is a brace, {1 is FNC1, {S shifts."""
    sets = {"{A": ("A", 103), "{B": ("B", 104), "{C": ("C", 105)}
    name, start = sets[text[:2]]
    values = [start]
    at = 2
    while at < len(text):
        mark = text[at : at + 2]
        if mark in sets:
            name = sets[mark][0]
            values.append({"A": 101, "B": 100, "C": 99}[name])
            at += 2
        elif mark == "{1":
            values.append(102)
            at += 2
        elif name == "C":
            values.append(int(mark) if mark.isdecimal() and len(mark) == 2 else ord(text[at]))
            at += 2 if mark.isdecimal() and len(mark) == 2 else 1
        else:
            code = ord(text[at])
            values.append(code + 64 if code < 32 else code - 32)
            at += 2 if mark == "{{" else 1
    check = (values[0] + sum(place * value for place, value in enumerate(values[1:], 1))) % 103
    return "".join(_CODE128[value] for value in [*values, check, 106])


def _code39(text: str) -> str:
    return "1".join(_CODE39[_CODE39_CHARS.index(char)] for char in f"*{text.strip('*')}*")


def _ean13(text: str) -> str:
    digits = [int(digit) for digit in (text if len(text) == 13 else text + _check_digit(text[:12]))]
    parity = _EAN_PARITY[digits[0]]
    left = "".join(_EAN_LEFT[d][:: 1 if p == "L" else -1] for d, p in zip(digits[1:7], parity, strict=True))
    return "111" + left + "11111" + "".join(_EAN_LEFT[d] for d in digits[7:13]) + "111"


def _ean8(text: str) -> str:
    digits = [int(digit) for digit in (text if len(text) == 8 else text + _check_digit(text[:7]))]
    halves = ["".join(_EAN_LEFT[d] for d in half) for half in (digits[:4], digits[4:8])]
    return "111" + halves[0] + "11111" + halves[1] + "111"


def _itf(text: str) -> str:
    pairs = zip(text[::2], text[1::2], strict=True)
    body = "".join(bar + gap for a, b in pairs for bar, gap in zip(_ITF[int(a)], _ITF[int(b)], strict=True))
    return "1111" + body + "211"


def _check_digit(text: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(text)))
    return str(-total % 10)


_DRAWERS = {
    "CODE128": _code128,
    "CODE39": _code39,
    "EAN13": _ean13,
    "UPC-A": lambda text: _ean13("0" + text),
    "EAN8": _ean8,
    "ITF": _itf,
}
