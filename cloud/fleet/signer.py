"""The key that signs configurations and commands: Ed25519, 32 bytes in hexadecimal in a file of mode 0600."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.files import write_private
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY_BYTES = 32


def make_signer(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    """Make the key if there is none; an existing one is kept, because every enrolled box trusts it."""
    if not path.exists():
        write_private(path, random_bytes(KEY_BYTES).hex().encode() + b"\n")


def load_signer(path: Path) -> Ed25519PrivateKey:
    """Read the key; ConfigError "signer-missing"."""
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "signer-missing",
            f"{path.name} is missing or no key",
            "Make the cloud's directory with --init, or restore it",
        ) from error


def public_hex(path: Path) -> str:
    """Give the public key that boxes check signatures with, in hexadecimal."""
    public = load_signer(path).public_key()
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
