"""Opens what a box's secure module sealed for the card zone. The one place where ciphertext becomes a card.

```
ephemeral P-256 point, uncompressed 65 | nonce 12 | AES-256-GCM ciphertext with tag
key = HKDF-SHA256(ECDH, no salt, info "tillbox card 1")
additional data = tenant 0x00 box 0x00 attempt 0x00 amount 0x00 currency (numbers in decimal)
plain text = strict JSON {v, pan, expiry, track2, entry, sequence, emv, brand}
```
Every failure looks the same from outside: a PeerError "card-unreadable".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import PeerError
from protocol.masking import mask_pan
from protocol.strict_json import loads

POINT_BYTES = 65
NONCE_BYTES = 12
BLOB_BYTES_MAX = 2048  # a chip's data is at most 255 bytes; twice as hexadecimal, with room
HKDF_TEXT = b"tillbox card 1"
_ENTRIES = ("contact", "contactless", "stripe")


@dataclass(frozen=True, slots=True)
class Card:
    """A card in clear. Lives in memory of the card zone only; shows itself masked."""

    pan: str = field(repr=False)
    expiry: str = field(repr=False)  # YYMM
    entry: str
    brand: str
    track2: str = field(default="", repr=False)
    sequence: str = field(default="", repr=False)
    emv: str = field(default="", repr=False)  # hexadecimal

    @property
    def masked(self) -> str:
        """The number with its middle hidden."""
        return str(mask_pan(self.pan))


@dataclass(frozen=True, slots=True)
class Binding:
    """What one blob is good for, and nothing else: it cannot be moved to another attempt, box or amount."""

    tenant: str
    box: str
    attempt: str
    amount_minor: int
    currency: str

    def additional_data(self) -> bytes:
        """Give the bytes that the seal covers besides the card."""
        words = (self.tenant, self.box, self.attempt, str(self.amount_minor), self.currency)
        return b"\0".join(word.encode() for word in words)


def open_card(private_key: ec.EllipticCurvePrivateKey, binding: Binding, blob: bytes) -> Card:
    """Open a blob for the attempt it was sealed for; PeerError "card-unreadable" whatever is wrong."""
    try:
        return _card_of(_decrypt(private_key, binding, blob))
    except (InvalidTag, ValueError, KeyError, PeerError):
        raise PeerError("card-unreadable", "The card data cannot be used", "Read the card again") from None


def _decrypt(private_key: ec.EllipticCurvePrivateKey, binding: Binding, blob: bytes) -> bytes:
    if not POINT_BYTES + NONCE_BYTES < len(blob) <= BLOB_BYTES_MAX:
        raise ValueError
    point, nonce = blob[:POINT_BYTES], blob[POINT_BYTES : POINT_BYTES + NONCE_BYTES]
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    shared = private_key.exchange(ec.ECDH(), peer)
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=HKDF_TEXT).derive(shared)
    return AESGCM(key).decrypt(nonce, blob[POINT_BYTES + NONCE_BYTES :], binding.additional_data())


def _card_of(plain: bytes) -> Card:
    said = loads(plain)
    if not isinstance(said, dict) or said.get("v") != 1:
        raise ValueError
    card = Card(
        pan=_digits(said["pan"], 12, 19),
        expiry=_digits(said["expiry"], 4, 4),
        entry=str(said["entry"]),
        brand=str(said["brand"])[:16],
        track2=str(said.get("track2", ""))[:37],
        sequence=_digits(said.get("sequence", ""), 0, 3),
        emv=bytes.fromhex(str(said.get("emv", ""))).hex().upper(),
    )
    if card.entry not in _ENTRIES or len(card.emv) > 510:
        raise ValueError
    return card


def _digits(value: object, least: int, most: int) -> str:
    if (
        not isinstance(value, str)
        or not least <= len(value) <= most
        or not ((value.isascii() and value.isdigit()) or not value)
    ):
        raise ValueError
    return value
