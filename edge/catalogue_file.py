"""The catalogue on a box's disk: one image, mapped into memory, with urgent changes beside it.

The image is opened through the map and found by binary search; its hash is verified by reading the file when it is
put in place (`check_image`), not at every start: hashing through the map would make the whole file resident.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from edge.flows.state import Shop
from protocol.catalogue import Catalogue, Prices
from protocol.errors import ConfigError, PeerError
from protocol.overlay import read_overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE_NAME = "active.tbc"
OVERLAY_NAME = "overlay.json"
READ_BYTES = 1 << 20  # a megabyte at a time keeps the check of a large image out of memory


def open_shop(directory: Path, currency: str) -> Shop:
    """What this box sells now.

    ConfigError: "catalogue-missing", "catalogue-unreadable", "catalogue-currency-wrong".
    """
    path = directory / IMAGE_NAME
    try:
        with path.open("rb") as image:
            mapped = mmap.mmap(image.fileno(), 0, access=mmap.ACCESS_READ)
        catalogue = Catalogue(memoryview(mapped))
    except FileNotFoundError as missing:
        raise ConfigError(
            "catalogue-missing",
            f"There is no {IMAGE_NAME} in {directory.name}",
            "Build one with `tillbox catalogue`.",
        ) from missing
    except (OSError, ValueError, PeerError) as broken:
        raise ConfigError("catalogue-unreadable", str(broken), "Put a good image in place.") from broken
    if catalogue.currency != currency:
        raise ConfigError(
            "catalogue-currency-wrong",
            f"The catalogue is in {catalogue.currency}, the box sells in {currency}",
            "Put an image of this box's currency in place.",
        )
    overlay_path = directory / OVERLAY_NAME
    if not overlay_path.exists():
        return Shop(Prices(catalogue), currency, catalogue.hash.hex())
    try:
        overlay = read_overlay(overlay_path.read_bytes())
        return Shop(Prices(catalogue, overlay), currency, catalogue.hash.hex(), overlay.hash.hex())
    except (OSError, PeerError) as broken:
        raise ConfigError("overlay-unreadable", str(broken), "Remove or replace overlay.json.") from broken


def check_image(path: Path) -> None:
    """Read the whole image and compare its hash; PeerError("catalogue-hash-wrong") when a bit differs."""
    with path.open("rb") as image:
        head = image.read()
    Catalogue(head).verify(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as image:
        while chunk := image.read(READ_BYTES):
            yield chunk
