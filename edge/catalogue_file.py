"""The catalogue on a box's disk: one image, its records mapped into memory, with urgent changes beside it.

Items are found in the map by binary search; the image's hash is verified by reading the file when it is put in place
(`check_image`), not at every start: hashing through the map would make the whole file resident.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, cast

from edge.flows.state import Shop
from protocol.catalogue import HASHED_HEADER_BYTES, HEADER_FIELDS, Catalogue, Prices
from protocol.errors import ConfigError, PeerError
from protocol.overlay import read_overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE_NAME = "active.tbc"
OVERLAY_NAME = "overlay.json"
READ_BYTES = 1 << 20  # a megabyte at a time keeps the check of a large image out of memory


class ImageBytes:
    """The bytes of one image file, for `Catalogue`: all up to the names through a map, the names by reading.

    The names are the larger part, and the kernel maps megabytes around each page that is touched: after some hundred
    scans all of a mapped file is resident (measured). One name costs one system call of a microsecond.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size
        self._mapped_bytes = min(self._names_at(), self._size)
        self._map = mmap.mmap(self._file.fileno(), self._mapped_bytes, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        if stop <= self._mapped_bytes:
            return self._map[start:stop]
        return os.pread(self._file.fileno(), max(stop - start, 0), start)

    def _names_at(self) -> int:
        """Where the header says that the names begin; what it says is checked by `Catalogue`."""
        head = os.pread(self._file.fileno(), HASHED_HEADER_BYTES, 0)
        if len(head) < HASHED_HEADER_BYTES:
            return self._size
        names_at: int = struct.unpack(HEADER_FIELDS, head)[-2]
        return names_at or self._size


def open_image(path: Path) -> Catalogue:
    """The catalogue of an image file. OSError, ValueError or PeerError when it is none."""
    return Catalogue(cast("memoryview", ImageBytes(path)))  # it is asked for slices and its length only


def open_shop(directory: Path, currency: str) -> Shop:
    """What this box sells now.

    ConfigError: "catalogue-missing", "catalogue-unreadable", "catalogue-currency-wrong".
    """
    path = directory / IMAGE_NAME
    try:
        catalogue = open_image(path)
    except FileNotFoundError as missing:
        raise ConfigError(
            "catalogue-missing",
            f"There is no {IMAGE_NAME} in {directory.name}",
            "Build one with `tillbox catalogue`.",
        ) from missing
    except (OSError, ValueError, PeerError) as broken:
        raise ConfigError(
            "catalogue-unreadable", _why(path, broken), "Put a good image in place."
        ) from broken
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
        raise ConfigError(
            "overlay-unreadable", _why(overlay_path, broken), f"Remove or replace {OVERLAY_NAME}."
        ) from broken


def _why(path: Path, broken: Exception) -> str:
    """What is wrong with a file, without what somebody else should do about it."""
    return f"{path.name} cannot be used ({getattr(broken, 'what', broken)})"


def check_image(path: Path) -> None:
    """Read the whole image and compare its hash; PeerError("catalogue-hash-wrong") when a bit differs."""
    open_image(path).verify(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as image:
        while chunk := image.read(READ_BYTES):
            yield chunk
