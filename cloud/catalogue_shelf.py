"""The shelf of price versions as a directory: NAME.tbc images, NAME.overlay.json, NAME.taxes.json, found by hash.

Drop a file in (write it elsewhere, then rename) and the next sale that names its hash finds it. An image is checked
by reading it once, and then used through a map. A file that is wrong is passed over and named in the log: one bad
file must not hide the others.
"""

from __future__ import annotations

import logging
import mmap
from typing import TYPE_CHECKING, Any

from cloud.files import make_private_directory, write_private
from cloud.ports import PriceVersions
from protocol.catalogue import Catalogue, Prices
from protocol.errors import ConfigError, PeerError
from protocol.overlay import Overlay, read_overlay
from protocol.pricing.tax import TaxTable, read_tax_table
from protocol.settings import DEFAULT_TAXES
from protocol.strict_json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_BYTES = 1_048_576  # reading an image for its hash
HASH_CHARS = 64  # of a SHA-256 in hexadecimal
TABLE_NAME_CHARS = 16  # of a hash: no two tables of one shop ever share them
VERSIONS_KEPT = 256  # sets of versions in use at once; each is a few hundred bytes beside its map

_log = logging.getLogger(__name__)


class DirectoryShelf:
    """Finds versions by hash; looks at the directory again when it changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._looked_ns = -1
        self._known: set[tuple[str, int]] = set()
        self._catalogues: dict[str, Catalogue] = {}
        self._overlays: dict[str, Overlay] = {}
        table = read_tax_table(DEFAULT_TAXES)  # of boxes that were told none: it lies on every shelf
        self._taxes = {table.hash.hex(): table}
        self._versions: dict[tuple[str, str, str], PriceVersions] = {}

    async def find(self, tenant: str, catalogue: str, overlay: str, taxes: str) -> PriceVersions | None:
        """Return the versions, or None when one of them is not there; a hash names the same for every tenant."""
        del tenant
        key = (catalogue, overlay, taxes)
        found = self._versions.get(key) or self._assemble(*key)
        if found is None and self._fetch_published(*key):
            found = self._assemble(*key)
        if found is None and self._look():
            found = self._assemble(*key)
        if found is not None:
            if len(self._versions) >= VERSIONS_KEPT:
                self._versions.clear()
            self._versions[key] = found
        return found

    def _assemble(self, catalogue: str, overlay: str, taxes: str) -> PriceVersions | None:
        image, changes, table = (
            self._catalogues.get(catalogue),
            self._overlays.get(overlay),
            self._taxes.get(taxes),
        )
        if image is None or table is None or (overlay and changes is None):
            return None
        try:
            return PriceVersions(Prices(image, changes), table)
        except PeerError:  # an overlay that was made for another image
            return None

    def _fetch_published(self, catalogue: str, overlay: str, taxes: str) -> bool:
        """Read what was published under these hashes, once a sale names them: a tenant soon has thousands of files."""
        found = False
        for digest, suffix, known in (
            (catalogue, ".tbc", self._catalogues),
            (overlay, ".overlay.json", self._overlays),
            (taxes, ".taxes.json", self._taxes),
        ):
            path = self._directory / f"{digest}{suffix}"
            if is_hash(digest) and digest not in known and path.exists():
                self._read(path)
                found = True
        return found

    def _look(self) -> bool:
        """Read what is new in the directory; False when nothing changed since the last look.

        The directory's own time of change is asked, so a flood of unknown hashes costs one system call each.
        """
        try:
            changed_ns = self._directory.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed_ns == self._looked_ns:
            return False
        self._looked_ns = changed_ns
        for path in sorted(self._directory.iterdir()):
            mark = (path.name, path.stat().st_mtime_ns)
            if mark not in self._known and not is_hash(path.name.partition(".")[0]):
                self._known.add(mark)
                self._read(path)
        return True

    def _read(self, path: Path) -> None:
        try:
            if path.name.endswith(".tbc"):
                image = open_image(path)
                self._catalogues[image.hash.hex()] = image
            elif path.name.endswith(".overlay.json"):
                overlay = read_overlay(path.read_bytes())
                self._overlays[overlay.hash.hex()] = overlay
            elif path.name.endswith(".taxes.json"):
                taxes = read_tax_table(loads(path.read_bytes()))
                self._taxes[taxes.hash.hex()] = taxes
        except (PeerError, OSError, ValueError) as error:
            _log.warning("%s on the shelf is passed over: %s", path.name, error)


def is_hash(text: str) -> bool:
    """Whether a text is a hash as sales name it."""
    return len(text) == HASH_CHARS and not text.strip("0123456789abcdef")


def put_taxes(directory: Path, table: TaxTable) -> Path:
    """Put a tax table on the shelf, where sales that name its hash find it; twice changes nothing.

    ConfigError "shelf-not-writable".
    """
    path = directory / f"{table.hash.hex()[:TABLE_NAME_CHARS]}.taxes.json"
    try:
        if not path.exists():
            make_private_directory(directory)
            write_private(path, dumps(table.document()))
    except OSError as error:
        raise ConfigError(
            "shelf-not-writable",
            f"The tax table cannot be put on the shelf {directory}: {error.strerror}",
            "Make the directory writable: without it the cloud cannot check the prices of any sale",
        ) from error
    return path


def open_image(path: Path) -> Catalogue:
    """Open an image through a map, after its hash was checked by reading; PeerError "catalogue-..."."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise PeerError("catalogue-truncated", "the file is empty", "fetch the catalogue image again")
        image = Catalogue(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        image.verify(_chunks(file))
    return image


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
