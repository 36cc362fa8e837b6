"""Barcodes and QR codes as SVG, for receipts on a page."""

from __future__ import annotations

from protocol.errors import PeerError
from simulators.printer.symbols import bars, qr

QUIET = 4  # modules of white around a QR code, as its standard asks
BAR_HEIGHT = 60


def svg_of(kind: str, text: str) -> str:
    """An SVG of a symbol with its text below where it has one; "" when it cannot be drawn."""
    try:
        if kind == "qr":
            return _qr(text)
        return _bars("EAN13", text) if kind == "ean" else _bars("CODE128", "{B" + text.replace("{", "{{"))
    except (PeerError, UnicodeEncodeError):
        return ""


def _qr(text: str) -> str:
    size, data = qr(text.encode(), "M", 1)
    stride = (size + 7) // 8
    runs = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y in range(size)
        for x in range(size)
        if data[y * stride + x // 8] >> (7 - x % 8) & 1
    )
    whole = size + 2 * QUIET
    return f'<svg width="{whole * 4}" height="{whole * 4}" viewBox="0 0 {whole} {whole}"><path d="{runs}"/></svg>'


def _bars(kind: str, text: str) -> str:
    modules = bars(kind, text.encode("ascii"))
    runs = "".join(f"M{x} 0h1v{BAR_HEIGHT}h-1z" for x, is_bar in enumerate(modules) if is_bar)
    width = len(modules)
    shown = text.removeprefix("{B").replace("{{", "{").replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<svg width="{width * 2}" height="{BAR_HEIGHT + 18}" viewBox="0 0 {width} {BAR_HEIGHT + 18}"'
        f' preserveAspectRatio="none"><path d="{runs}"/></svg><br>{shown}'
    )
