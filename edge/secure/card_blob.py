"""Seals a card for the card zone: nobody between the two, this box's agent included, can open it.

```
ephemeral P-256 point, uncompressed 65 | nonce 12 | AES-256-GCM ciphertext with tag
key = HKDF-SHA256(ECDH, no salt, info "tillbox card 1")
additional data = tenant 0x00 box 0x00 attempt 0x00 amount 0x00 currency (numbers in decimal)
plain text = strict JSON {v, pan, expiry, track2, entry, sequence, emv, brand}
```
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import ConfigError
from protocol.masking import mask_pan
from protocol.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    RandomBytes = Callable[[int], bytes]

HKDF_TEXT = b"tillbox card 1"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A card as the reader gave it, in clear. Lives in this process only; shows itself masked."""

    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    entry: str  # contact | contactless | stripe
    brand: str
    track2: str = field(default="", repr=False)
    sequence: str = field(default="", repr=False)
    emv: str = field(default="", repr=False)

    @property
    def masked(self) -> str:
        """The number with its middle hidden."""
        return mask_pan(self.pan)


@dataclass(frozen=True, slots=True)
class Binding:
    """What one blob is good for, and nothing else."""

    tenant: str
    box: str
    attempt: str
    amount_minor: int
    currency: str

    def additional_data(self) -> bytes:
        """Give the bytes that the seal covers besides the card."""
        words = (self.tenant, self.box, self.attempt, str(self.amount_minor), self.currency)
        return b"\0".join(word.encode() for word in words)


def zone_key(point_hex: str) -> ec.EllipticCurvePublicKey:
    """Read the card zone's public point; ConfigError "card-zone-key-wrong"."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(point_hex))
    except ValueError:
        raise ConfigError(
            "card-zone-key-wrong", "The card zone's key is no point", "Enrol the box again"
        ) from None


def seal_card(
    zone: ec.EllipticCurvePublicKey, binding: Binding, card: ReadCard, random_bytes: RandomBytes
) -> bytes:
    """Seal a card for one attempt. `random_bytes` must be the system's: 60 bytes are taken."""
    scalar = int.from_bytes(random_bytes(48), "big") % (_P256_ORDER - 1) + 1
    ephemeral = ec.derive_private_key(scalar, ec.SECP256R1())
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=HKDF_TEXT).derive(
        ephemeral.exchange(ec.ECDH(), zone)
    )
    point = ephemeral.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    nonce = random_bytes(12)
    plain = dumps(
        {
            "v": 1,
            "pan": card.pan,
            "expiry": card.expiry,
            "track2": card.track2,
            "entry": card.entry,
            "sequence": card.sequence,
            "emv": card.emv,
            "brand": card.brand,
        }
    )
    return point + nonce + AESGCM(key).encrypt(nonce, plain, binding.additional_data())
