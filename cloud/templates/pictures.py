"""PNG files of tenants, read without trust: their size, and the black dots that a receipt printer makes of them.

What a logo needs and no more: 1 to 8 bits a sample, grey, colour or palette, with or without transparency, not
interlaced. Nothing is inflated beyond what the header says, and the header is bounded first.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from protocol.errors import ConfigError
from protocol.template.bounds import MAX_LOGO_HEIGHT, MAX_LOGO_WIDTH

MAX_PICTURE_BYTES = 262_144  # a logo as its designer hands it out; it is made smaller before it travels
MAX_PICTURE_DOTS = 1_048_576  # 1024 x 1024: it is read within two seconds
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour type -> (samples a dot, depths that PNG allows for it).
_TYPES = {0: (1, (1, 2, 4, 8)), 2: (3, (8,)), 3: (1, (1, 2, 4, 8)), 4: (2, (8,)), 6: (4, (8,))}


@dataclass(frozen=True, slots=True)
class _Head:
    width: int
    height: int
    depth: int
    colour: int

    @property
    def row_bytes(self) -> int:
        return (self.width * _TYPES[self.colour][0] * self.depth + 7) // 8

    @property
    def step(self) -> int:
        """Bytes from a sample to that of the dot before it."""
        return max(1, _TYPES[self.colour][0] * self.depth // 8)


def size_of(png: bytes) -> tuple[int, int]:
    """(width, height) of a PNG; ConfigError("picture-wrong")."""
    head, _ = _chunks(png)
    return head.width, head.height


def logo_of(png: bytes) -> dict[str, Any]:
    """The logo of a receipt from a PNG: made smaller where it must be, in black dots on white.

    Errors: ConfigError "picture-wrong" (no PNG, damaged, interlaced, 16 bits), "picture-too-large".
    """
    head, chunks = _chunks(png)
    grey = _grey(head, chunks, _rows(head, chunks))
    width = max(8, min(head.width, MAX_LOGO_WIDTH, head.width * MAX_LOGO_HEIGHT // head.height) // 8 * 8)
    height = max(1, min(MAX_LOGO_HEIGHT, head.height * width // head.width))
    small = _scaled(grey, width, height)
    return {"width": width, "height": height, "dots": _dots(small)}


def _chunks(png: bytes) -> tuple[_Head, dict[bytes, bytes]]:
    """The head, and the chunks that we read by name; those of pixels joined."""
    if len(png) > MAX_PICTURE_BYTES:
        raise ConfigError(
            "picture-too-large",
            f"a picture of {len(png)} bytes, {MAX_PICTURE_BYTES} are allowed",
            "save it smaller",
        )
    if png[:8] != SIGNATURE:
        raise _wrong("it is no PNG")
    at, found = 8, {b"PLTE": b"", b"tRNS": b"", b"IDAT": b"", b"IHDR": b""}
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        check = png[at + 8 + length : at + 12 + length]
        if len(check) != 4 or zlib.crc32(name + data) != int.from_bytes(check, "big"):
            raise _wrong("it is damaged")
        if name in found:
            found[name] += data
        if name == b"IEND":
            break
        at += 12 + length
    return _head(found[b"IHDR"]), found


def _head(data: bytes) -> _Head:
    if len(data) != 13:
        raise _wrong("it has no head")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data)
    if colour not in _TYPES or depth not in _TYPES[colour][1] or interlace:
        raise _wrong("it is interlaced or has 16 bits a sample")
    if not width or not height or width * height > MAX_PICTURE_DOTS:
        raise ConfigError(
            "picture-too-large",
            f"a picture of {width} x {height} dots, {MAX_PICTURE_DOTS} are allowed",
            "save it smaller",
        )
    return _Head(width, height, depth, colour)


def _rows(head: _Head, chunks: dict[bytes, bytes]) -> list[bytearray]:
    """Inflate the pixels and undo the filter of each row."""
    wanted = (head.row_bytes + 1) * head.height
    try:
        data = zlib.decompressobj().decompress(chunks[b"IDAT"], wanted)
    except zlib.error:
        raise _wrong("its pixels are damaged") from None
    if len(data) != wanted:
        raise _wrong("some of its pixels are missing")
    rows: list[bytearray] = []
    before = bytearray(head.row_bytes)
    for start in range(0, wanted, head.row_bytes + 1):
        row = bytearray(data[start + 1 : start + 1 + head.row_bytes])
        _unfilter(data[start], row, before, head.step)
        rows.append(row)
        before = row
    return rows


def _unfilter(kind: int, row: bytearray, above: bytearray, step: int) -> None:
    if kind > 4:
        raise _wrong("it has a filter that nobody knows")
    for at in range(len(row)) if kind else ():
        left = row[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
        row[at] = (row[at] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))


def _grey(head: _Head, chunks: dict[bytes, bytes], rows: list[bytearray]) -> list[list[int]]:
    """Brightness of each dot, 0 to 255, on white paper."""
    samples, _ = _TYPES[head.colour]
    palette = _palette(chunks) if head.colour == 3 else []
    grey = []
    for row in rows:
        values = row if head.depth == 8 else _unpacked(row, head)
        if head.colour == 0:
            most = (1 << head.depth) - 1
            grey.append([value * 255 // most for value in values])
        elif head.colour == 3:
            if max(values, default=0) >= len(palette):
                raise _wrong("it names a colour that it does not have")
            grey.append([palette[value] for value in values])
        else:
            dots = [values[at : at + samples] for at in range(0, len(values), samples)]
            grey.append([_brightness(*_colour(dot)) for dot in dots])
    return grey


def _colour(dot: bytearray | list[int]) -> tuple[int, int, int, int]:
    if len(dot) == 2:
        return dot[0], dot[0], dot[0], dot[1]
    return dot[0], dot[1], dot[2], dot[3] if len(dot) == 4 else 255


def _palette(chunks: dict[bytes, bytes]) -> list[int]:
    colours, alphas = chunks[b"PLTE"], chunks[b"tRNS"]
    count = len(colours) // 3
    return [
        _brightness(*_colour([*colours[3 * at : 3 * at + 3], alphas[at] if at < len(alphas) else 255]))
        for at in range(count)
    ]


def _unpacked(row: bytearray, head: _Head) -> list[int]:
    each, mask = 8 // head.depth, (1 << head.depth) - 1
    values = [byte >> (8 - head.depth * (at + 1)) & mask for byte in row for at in range(each)]
    return values[: head.width]


def _brightness(red: int, green: int, blue: int, alpha: int) -> int:
    shown = (red * 299 + green * 587 + blue * 114) // 1000
    return (shown * alpha + 255 * (255 - alpha)) // 255


def _scaled(grey: list[list[int]], width: int, height: int) -> list[list[int]]:
    """The mean of the dots that fall together."""
    rows, columns = len(grey), len(grey[0])
    lefts = [x * columns // width for x in range(width)] + [columns]
    tops = [y * rows // height for y in range(height)] + [rows]
    small = []
    for y in range(height):
        part = grey[tops[y] : max(tops[y + 1], tops[y] + 1)]
        line = []
        for x in range(width):
            left, right = lefts[x], max(lefts[x + 1], lefts[x] + 1)
            line.append(sum(sum(row[left:right]) for row in part) // (len(part) * (right - left)))
        small.append(line)
    return small


def _dots(grey: list[list[int]]) -> str:
    """Black and white, what is lost at a dot being handed on to its neighbours; base64 of rows of whole bytes."""
    width = len(grey[0])
    out = bytearray()
    below = [0] * (width + 2)
    for row in grey:
        carried, here, below = 0, below, [0] * (width + 2)
        bits = 0
        for x, value in enumerate(row):
            wanted = value + (carried + here[x + 1]) // 16
            is_black = wanted < 128
            lost = wanted - (0 if is_black else 255)
            carried = lost * 7
            below[x] += lost * 3
            below[x + 1] += lost * 5
            below[x + 2] += lost
            bits = bits << 1 | is_black
        out += bits.to_bytes(width // 8, "big")
    return binascii.b2a_base64(bytes(out), newline=False).decode()


def _wrong(what: str) -> ConfigError:
    return ConfigError("picture-wrong", f"the picture cannot be read: {what}", "Save it as a plain PNG")
