"""Keeps sealed cards until their result is durable, and then destroys them.

One file for each attempt: strict JSON, mode 0600, written beside, synced, renamed, directory synced. `forget`
overwrites and syncs before it unlinks. What a flash disk keeps of that is ciphertext that only the card zone
can open.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.errors import DeviceError, PeerError
from protocol.faults import declare, fault
from protocol.strict_json import dumps, loads

if TYPE_CHECKING:
    from pathlib import Path

BLOB_STORED = declare("secure.blob_stored", "the sealed card is durable, the agent does not know of it yet")
BLOB_WRITTEN = declare("secure.blob_written", "the sealed card is on disk under its temporary name")
BLOB_OVERWRITTEN = declare("secure.blob_overwritten", "the sealed card is overwritten, its file still there")
BLOB_FORGOTTEN = declare(
    "secure.blob_forgotten", "the sealed card is gone for good, the agent waits for the word"
)

BLOBS_MAX = 64  # a box has one payment under way; the rest are unknown outcomes that wait for the cloud
_SUFFIX = ".card"
_FIELDS = {"v", "attempt", "amount_minor", "currency", "tenant", "box", "blob", "digest", "masked", "brand"}


@dataclass(frozen=True, slots=True)
class SealedCard:
    """One sealed card and what it was sealed for; `blob` is base64, `digest` the SHA-256 of the sealed bytes."""

    attempt: str
    amount_minor: int
    currency: str
    tenant: str
    box: str
    blob: str = field(repr=False)
    digest: str
    masked: str
    brand: str


class BlobStore:
    """See the module. A file that is not whole counts as absent and is destroyed at the start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(directory.iterdir()):
            if path.suffix != _SUFFIX or self._read(path) is None:
                _destroy(path)
        self._sync_directory()

    def attempts(self) -> list[str]:
        """Name the attempts whose sealed cards are kept."""
        return sorted(path.stem for path in self._directory.glob("*" + _SUFFIX))

    def find(self, attempt: str) -> SealedCard | None:
        """Give the sealed card of an attempt, or None."""
        return self._read(self._path(attempt))

    def keep(self, sealed: SealedCard) -> None:
        """Make it durable; DeviceError "card-store-full" or "card-store-failed"."""
        if len(self.attempts()) >= BLOBS_MAX:
            raise DeviceError(
                "card-store-full", "Too many payments are unsettled", "Check the cloud connection"
            )
        path = self._path(sealed.attempt)
        temporary = path.with_suffix(".new")
        content = {name: getattr(sealed, name) for name in sorted(_FIELDS - {"v"})}
        try:
            _write_synced(temporary, dumps({**content, "v": 1}), os.O_CREAT | os.O_TRUNC)
            fault(BLOB_WRITTEN)
            temporary.replace(path)
            self._sync_directory()
        except OSError:
            raise DeviceError(
                "card-store-failed", "The card store cannot be written", "Check the disk"
            ) from None
        fault(BLOB_STORED)

    def forget(self, attempt: str) -> None:
        """Destroy the sealed card of an attempt; safe to repeat."""
        path = self._path(attempt)
        if path.exists():
            try:
                _destroy(path)
                self._sync_directory()
            except OSError:
                raise DeviceError(
                    "card-store-failed", "A sealed card cannot be destroyed", "Check the disk"
                ) from None
        fault(BLOB_FORGOTTEN)

    def _path(self, attempt: str) -> Path:
        return self._directory / (attempt + _SUFFIX)

    def _read(self, path: Path) -> SealedCard | None:
        try:
            said: Any = loads(path.read_bytes())
        except (OSError, PeerError):
            return None
        if not isinstance(said, dict) or set(said) != _FIELDS or said.pop("v") != 1:
            return None
        if said["attempt"] != path.stem or type(said["amount_minor"]) is not int:
            return None
        return SealedCard(**said)

    def _sync_directory(self) -> None:
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _destroy(path: Path) -> None:
    _write_synced(path, bytes(path.stat().st_size), 0)
    fault(BLOB_OVERWRITTEN)
    path.unlink()


def _write_synced(path: Path, content: bytes, flags: int) -> None:
    handle = os.open(path, os.O_WRONLY | flags, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
