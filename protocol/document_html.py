"""A document as a piece of HTML: for a preview, and for a receipt that is sent instead of printed.

Everything that comes from a document is escaped. Symbols are drawn by whoever calls: `draw(kind, text)` gives an SVG of
the kinds "barcode", "ean" and "qr", or "" to have the text in its place.
"""

import binascii

from protocol.document import Document
from protocol.template.bounds import MAX_LOGO_HEIGHT

STYLE = """\
body { background: #e8e8e8; margin: 0; }
.receipt { width: WIDTHch; margin: 1rem auto; padding: 1.5rem 1rem; background: #fff; color: #111;
  font: 15px/1.35 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "Noto Sans SC", Menlo, Consolas, monospace;
  box-shadow: 0 1px 6px #0003; }
.receipt p { margin: 0; min-height: 1.35em; white-space: pre-wrap; overflow-wrap: anywhere; }
.receipt .two { display: flex; justify-content: space-between; gap: 1ch; }
.receipt .two span:last-child { white-space: pre; }
.receipt .center { text-align: center; } .receipt .right { text-align: right; }
.receipt .bold { font-weight: 700; } .receipt .wide { font-size: 1.6em; line-height: 1.25; }
.receipt hr { border: 0; border-top: 1px dashed #111; margin: .6em 0; }
.receipt .symbol { text-align: center; margin: .6em 0; } .receipt .symbol svg { max-width: 100%; height: auto; }
.receipt .cut { border-top: 2px dashed #999; margin: 1rem -1rem 0; }
"""


def to_html(document: Document, draw) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Callable is not a builtin
    """The blocks as HTML within one div of class "receipt"."""
    return '<div class="receipt">\n' + "".join([_html(block, draw) for block in document.blocks]) + "</div>\n"


def page(document: Document, width: int, title: str, draw) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    """A whole page that needs nothing else; `width` are columns."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>'
        + escaped(title)
        + '</title>\n<meta name="viewport" content="width=device-width">\n<style>\n'
        + STYLE.replace("WIDTH", str(width + 1))
        + "</style>\n</head>\n<body>\n"
        + to_html(document, draw)
        + "</body>\n</html>\n"
    )


def escaped(text: str) -> str:
    """Text that stands for itself in HTML, also within quotes."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(sign, entity)
    return text


def _html(block: tuple[str | int | bool, ...], draw) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    kind = block[0]
    if kind == "text":
        classes = _classes(str(block[2]) if block[2] != "left" else "", block[3], block[4])
        return f"<p{classes}>{escaped(str(block[1]))}</p>\n"
    if kind == "columns":
        left, right = escaped(str(block[1])), escaped(str(block[2]))
        return f"<p{_classes('two', block[3], block[4])}><span>{left}</span><span>{right}</span></p>\n"
    if kind == "rule":
        return "<hr>\n"
    if kind == "feed":
        return "<p></p>\n" * int(block[1])
    if kind == "cut":
        return '<div class="cut"></div>\n'
    if kind == "image":
        return f'<p class="symbol">{_picture(int(block[1]), int(block[2]), str(block[3]))}</p>\n'
    text = str(block[1])
    return f'<p class="symbol">{draw(kind, text) or escaped(text)}</p>\n'


def _classes(first: str, is_bold: object, is_wide: object) -> str:
    names = [name for name in (first, "bold" if is_bold else "", "wide" if is_wide else "") if name]
    return f' class="{" ".join(names)}"' if names else ""


def _picture(width: int, height: int, dots: str) -> str:
    """The black dots of a picture as runs of an SVG path."""
    stride = width // 8
    data = binascii.a2b_base64(dots.encode())
    runs = []
    for y in range(min(height, MAX_LOGO_HEIGHT, len(data) // stride)):
        row = data[y * stride : (y + 1) * stride]
        start = -1
        for x in range(width + 1):
            is_black = x < width and row[x // 8] >> (7 - x % 8) & 1
            if is_black and start < 0:
                start = x
            elif not is_black and start >= 0:
                runs.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
                start = -1
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}"><path d="{"".join(runs)}"/></svg>'
