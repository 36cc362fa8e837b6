"""Fonts for the picture, found by file name among the system's, never bundled and never downloaded.

`missing` names what the picture then lacks: without a Chinese font, Chinese characters are framed boxes.
"""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

# Fixed-width faces of Debian and macOS; a receipt printer's own letters are of that kind.
LATIN = (
    "DejaVuSansMono.ttf",
    "LiberationMono-Regular.ttf",
    "Menlo.ttc",
    "Courier New.ttf",
    "NotoSansMono-Regular.ttf",
)
CHINESE = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "NotoSansCJKsc-Regular.otf",
    "wqy-microhei.ttc",
    "PingFang.ttc",
    "STHeiti Light.ttc",
    "Arial Unicode.ttf",
)
# In the collection of Noto Sans CJK the third face has the shapes of mainland China.
_FACES = {"NotoSansCJK-Regular.ttc": 2}

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def latin(height: int) -> Font:
    """Return a fixed-width font for a cell of this height."""
    return _find(LATIN, round(height * 0.80)) or ImageFont.load_default(round(height * 0.7))


@cache
def chinese(height: int) -> Font | None:
    """Return a font with Chinese characters, or none."""
    return _find(CHINESE, round(height * 0.90))


def missing() -> list[str]:
    """Name what the pictures will lack on this machine."""
    lacks = []
    if _find(LATIN, 20) is None:
        lacks.append("no fixed-width font: letters are drawn in Pillow's own face")
    if chinese(24) is None:
        lacks.append("no Chinese font: Chinese characters are drawn as boxes (install fonts-noto-cjk)")
    return lacks


def _find(names: tuple[str, ...], size: int) -> Font | None:
    for name in names:
        try:
            return ImageFont.truetype(name, size, index=_FACES.get(name, 0))
        except OSError:
            continue
    return None
