"""From text to the bytes of a printer or pole display.

Character tables, replacements, and the one choke point.

A name that comes from outside may hold control bytes: `ESC p` would open the cash drawer. Every text byte
that leaves for a device passes `text_bytes`, which takes out everything below 0x20, and 0x7F. Nothing else
may build text bytes.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from protocol.errors import ConfigError
from protocol.plain_text import columns, strip_controls

MULTI_BYTE = "gb18030"
# ESC t n of Epson; other makers number differently, so the settings may override them.
TABLE_NUMBERS = {"cp437": 0, "cp850": 2, "cp1252": 16, "cp866": 17, "cp852": 18, "cp858": 19}
_CONTROL_BYTES = bytes(range(0x20)) + b"\x7f"

# ruff: noqa: RUF001  (look-alikes are what this table is about)
# What a shopper reads just as well when the device has no such character.
_REPLACEMENTS = {
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "•": "*",
    "×": "x",
    "€": "EUR",
    "£": "GBP",
    "¥": "Y",
    "\u00a0": " ",
    "\u202f": " ",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
}


def check_pages(pages: tuple[str, ...]) -> None:
    """Refuse a list of tables that no device of ours has (ConfigError "code-page-unknown")."""
    unknown = [page for page in pages if page not in TABLE_NUMBERS and page != MULTI_BYTE]
    if unknown or not pages:
        names = ", ".join([*TABLE_NUMBERS, MULTI_BYTE])
        raise ConfigError("code-page-unknown", f"Code pages {unknown or 'none'}", f"Choose from {names}.")


def printable(text: str, pages: tuple[str, ...]) -> str:
    """Text in characters that the device has, for counting columns before it is laid out.

    What it has not is replaced: by a look-alike, by its base letter, or by one question mark a column.

    >>> printable("Crème “brûlée” 2 € 茶", ("cp437",))
    'Crème "brûlée" 2 EUR ??'
    """
    return "".join(_drawn(char, pages) for char in strip_controls(text))


def text_bytes(text: str, pages: tuple[str, ...]) -> list[tuple[str, bytes]]:
    r"""Runs of (page, bytes) that a device prints as `text`: the choke point, free of control bytes.

    >>> text_bytes("a\x1bp茶", ("cp437", "gb18030"))
    [('cp437', b'ap'), ('gb18030', b'\xb2\xe8')]
    """
    runs: list[tuple[str, bytes]] = []
    for char in printable(text, pages):
        page = _page_of(char, pages) or pages[0]
        data = char.encode(page, "replace").translate(None, _CONTROL_BYTES)
        if runs and runs[-1][0] == page:
            runs[-1] = (page, runs[-1][1] + data)
        elif data:
            runs.append((page, data))
    return runs


@lru_cache(maxsize=4096)
def _drawn(char: str, pages: tuple[str, ...]) -> str:
    if _page_of(char, pages):
        return char
    simple = _REPLACEMENTS.get(char) or "".join(
        part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)
    )
    if simple and simple != char and all(_page_of(part, pages) for part in simple):
        return simple
    return "?" * columns(char)


@lru_cache(maxsize=4096)
def _page_of(char: str, pages: tuple[str, ...]) -> str:
    """First page that draws the character in as many columns as we count for it."""
    for page in pages:
        try:
            data = char.encode(page)
        except UnicodeEncodeError:
            continue
        # Printers have the two-byte part of GB18030 and draw all of it two columns wide.
        if len(data) == columns(char) and len(data) <= 2 and not data.translate(_NO_CHANGE, _TEXT_BYTES):
            return page
    return ""


_NO_CHANGE = bytes(range(256))
_TEXT_BYTES = bytes(byte for byte in range(256) if byte not in _CONTROL_BYTES)
