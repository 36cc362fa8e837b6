"""Whether a publication that arrived is genuine, and whether this box may take it. Pure but for the signature.

A refusal is a reason from the table of docs/reference/publication.md; nothing of a document is believed before its
signature and its target are right.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.versions.shelf import ShelfState, VersionSet
from protocol.configuration import unpack
from protocol.errors import PeerError
from protocol.publication import MAX_PUBLICATION_STEP, decode_publication, signed_part

if TYPE_CHECKING:
    from edge.versions.shelf import VersionShelf

SIGNATURE_WRONG = "signature-wrong"
WRONG_TARGET = "wrong-target"
DOCUMENT_WRONG = "document-wrong"
EXPIRED = "expired"
ROLLBACK = "rollback"
NOT_NEWER = "not-newer"
FAST_FORWARD = "fast-forward"


@dataclass(frozen=True, slots=True)
class Genuine:
    """A publication that our cloud signed for this store."""

    number: int
    digest: str  # SHA-256 of the document, hexadecimal
    expires_ms: int
    source: str
    plan: tuple[VersionSet, ...]
    sizes: dict[str, int]

    def state(self) -> ShelfState:
        """What the shelf is to remember of it."""
        return ShelfState(self.number, self.digest, self.source, self.plan, self.sizes)


def check(payload: bytes, signer: bytes, tenant: str, store: str) -> Genuine | str:
    """Check form, signature and target, in this order; the reason when it is refused."""
    try:
        signature, data = unpack(payload)
        Ed25519PublicKey.from_public_bytes(signer).verify(signature, signed_part(data))
        document: dict[str, Any] = decode_publication(data)
    except InvalidSignature:
        return SIGNATURE_WRONG
    except PeerError as wrong:
        is_envelope = wrong.code in {"unsigned", "incomplete", "too-large"}
        return wrong.code if is_envelope else f"{DOCUMENT_WRONG}: {wrong.code}"
    if (document["tenant"], document["store"]) != (tenant, store):
        return WRONG_TARGET
    number = document["number"]
    return Genuine(
        number=number,
        digest=hashlib.sha256(data).hexdigest(),
        expires_ms=document["expires_ms"],
        source=document["source"],
        plan=tuple(VersionSet(number, **entry) for entry in document["plan"]),
        sizes=document["sizes"],
    )


def order_fault(found: Genuine, shelf: VersionShelf) -> str:
    """Why this number may not come now, or "": it only rises, and not by leaps."""
    held = shelf.state.number
    if found.number < held:
        return ROLLBACK
    if found.number == held:
        return NOT_NEWER
    return FAST_FORWARD if held and found.number > held + MAX_PUBLICATION_STEP else ""
