"""The card zone's keys: its key pair, the key over cards of pending reversals, the root of the card tokens.

They lie in one directory, one file each, mode 0600, in hexadecimal. The software store of this first form;
key blocks, ceremony and a hardware module come behind the same class.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.cardzone.card_blob import Binding, Card, open_card
from protocol.errors import ConfigError, PeerError

if TYPE_CHECKING:
    from pathlib import Path

RandomBytes = Callable[[int], bytes]

_FILES = ("card-zone.key", "pending-cards.key", "tokens.key")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # a token never looks like a card number


def make_keys(directory: Path, random_bytes: RandomBytes) -> None:
    """Make the key files that are missing; those that exist are kept."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    scalar = int.from_bytes(random_bytes(48), "big") % (_P256_ORDER - 1) + 1
    secrets = (scalar.to_bytes(32, "big"), random_bytes(32), random_bytes(32))
    for name, secret in zip(_FILES, secrets, strict=True):
        path = directory / name
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secret.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())


def public_key_hex(directory: Path) -> str:
    """Give the point (uncompressed, 130 hexadecimal characters) that boxes seal cards to."""
    return _point(_private_key(directory)).hex()


class Keys:
    """Opens cards, makes tokens, and seals the card numbers that pending reversals still need."""

    __slots__ = ("_pending", "_private", "_random_bytes", "_tenants", "_tokens")

    def __init__(self, directory: Path, random_bytes: RandomBytes) -> None:
        self._private = _private_key(directory)
        self._pending = AESGCM(_secret(directory / _FILES[1]))
        self._tokens = _secret(directory / _FILES[2])
        self._random_bytes = random_bytes
        self._tenants: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "Keys()"

    def public_key(self) -> str:
        """Give the point that boxes seal cards to, in hexadecimal."""
        return _point(self._private).hex()

    def open_card(self, binding: Binding, blob: bytes) -> Card:
        """Open a box's blob; PeerError "card-unreadable"."""
        return open_card(self._private, binding, blob)

    def token(self, tenant: str, pan: str) -> str:
        """Name a card within a tenant: same card, same 32 letters; other tenant, other letters."""
        key = self._tenants.get(tenant)
        if key is None:
            purpose = b"tillbox token 1\0" + tenant.encode()
            key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(self._tokens)
            self._tenants[tenant] = key
        return hmac.new(key, pan.encode(), hashlib.sha256).hexdigest()[:32].translate(_LETTERS)

    def seal_number(self, tenant: str, attempt: str, pan: str) -> bytes:
        """Encrypt a card number for as long as its attempt is not settled."""
        nonce = self._random_bytes(12)
        return nonce + self._pending.encrypt(nonce, pan.encode(), f"{tenant}\0{attempt}".encode())

    def open_number(self, tenant: str, attempt: str, sealed: bytes) -> str:
        """Undo `seal_number`; PeerError "card-unreadable" for a foreign or damaged one."""
        try:
            return self._pending.decrypt(sealed[:12], sealed[12:], f"{tenant}\0{attempt}".encode()).decode()
        except (InvalidTag, ValueError):
            raise PeerError(
                "card-unreadable", "A kept card number cannot be used", "Reverse without it"
            ) from None


def _point(private_key: ec.EllipticCurvePrivateKey) -> bytes:
    return private_key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _private_key(directory: Path) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_secret(directory / _FILES[0]), "big"), ec.SECP256R1())


def _secret(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        raise ConfigError(
            "key-file-wrong", f"{path.name} is missing or no key", "Restore or make the keys"
        ) from None
    if len(secret) != 32:
        raise ConfigError(
            "key-file-wrong", f"{path.name} has {len(secret)} bytes, not 32", "Restore or make the keys"
        )
    return secret
