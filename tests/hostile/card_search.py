"""Finds a card number in files, however it is written: ASCII, packed, hexadecimal, base64, UTF-16."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def spellings(pan: str) -> dict[str, bytes]:
    """Every way a number may hide, by name; base64 at each of its three alignments."""
    text = pan.encode()
    packed = bytes.fromhex(pan if len(pan) % 2 == 0 else pan + "F")
    packed_left = bytes.fromhex(pan if len(pan) % 2 == 0 else "0" + pan)
    found = {
        "ascii": text,
        "packed": packed,
        "packed-left": packed_left,
        "packed-reversed-nibbles": bytes(byte >> 4 | (byte & 15) << 4 for byte in packed),
        "hex": text.hex().encode(),
        "hex-upper": text.hex().upper().encode(),
        "utf-16-le": pan.encode("utf-16-le"),
        "utf-16-be": pan.encode("utf-16-be"),
        "reversed": text[::-1],
    }
    for shift in range(3):
        whole = b64encode(b"\0" * shift + text)
        first, last = -(-shift * 8 // 6), (shift + len(text)) * 8 // 6
        found[f"base64-{shift}"] = whole[first:last]
    return found


def files_below(directory: Path) -> dict[str, bytes]:
    """Every file's name and bytes."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def hits(places: dict[str, bytes], pans: list[str]) -> list[tuple[str, str]]:
    """Where any of the numbers stands: (place, spelling)."""
    wanted = {}
    for pan in pans:
        wanted.update({pattern: name for name, pattern in spellings(pan).items()})
    search = re.compile(b"|".join(re.escape(pattern) for pattern in sorted(wanted, key=len, reverse=True)))
    return [
        (place, wanted[match.group()])
        for place, content in places.items()
        for match in search.finditer(content)
    ]
