"""Whether a configuration that arrived is genuine, and whether this box may take it. Pure but for the signature.

A refusal is a value with a reason from the table of docs/reference/configuration.md. Nothing of a document is
believed before its signature and its target are right: until then its version is 0, and no slot ever hears of it.
Read `configuration` next.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.settings import Settings, read_settings
from protocol.configuration import decode_document, signed_part, unpack
from protocol.errors import ConfigError, PeerError
from protocol.limits import MAX_CONFIGURATION_STEP, MAX_TEXT_CHARS
from protocol.settings import SETTINGS

if TYPE_CHECKING:
    from edge.config_slots import ConfigSlots

# Reasons that are no code of an error; those of `unpack` and `read_settings` are reasons as they stand.
SIGNATURE_WRONG = "signature-wrong"
WRONG_TARGET = "wrong-target"
DOCUMENT_WRONG = "document-wrong"
UNKNOWN_FIELD = "unknown-field"
EXPIRED = "expired"
ROLLBACK = "rollback"
NOT_NEWER = "not-newer"
FAST_FORWARD = "fast-forward"
REFUSED_BEFORE = "refused-before"


@dataclass(frozen=True, slots=True)
class Genuine:
    """A document that our fleet signed for this box; its settings are not read yet."""

    payload: bytes
    version: int
    digest: str  # SHA-256 of the document, hexadecimal
    issued_ms: int
    expires_ms: int
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a configuration is not taken; `version` is 0 and `digest` empty while neither can be believed."""

    reason: str
    version: int = 0
    digest: str = ""


def check(payload: bytes, signer: bytes, tenant: str, box: str) -> Genuine | Refusal:
    """Check form, signature and target, in this order."""
    try:
        signature, data = unpack(payload)
        Ed25519PublicKey.from_public_bytes(signer).verify(signature, signed_part(data))
        document: dict[str, Any] = decode_document(data)
    except InvalidSignature:
        return Refusal(SIGNATURE_WRONG)
    except PeerError as wrong:
        return Refusal(_reason(wrong))
    if (document["tenant"], document["box"]) != (tenant, box):
        return Refusal(WRONG_TARGET)
    return Genuine(
        payload=payload,
        version=document["version"],
        digest=hashlib.sha256(data).hexdigest(),
        issued_ms=document["issued_ms"],
        expires_ms=document["expires_ms"],
        settings=document["settings"],
    )


def read(found: Genuine) -> Settings | Refusal:
    """Read the settings; the reason of a refusal names every fault as far as a message has room."""
    unknown = sorted(set(found.settings).difference(SETTINGS))
    try:
        return read_settings(found.settings)
    except ConfigError as wrong:
        reason = UNKNOWN_FIELD if unknown else wrong.code
        return Refusal(shown(f"{reason}: {wrong.what}"), found.version, found.digest)


def order_fault(found: Genuine, slots: ConfigSlots) -> str:
    """Why this number may not come now, or "": a version only rises, and not by leaps."""
    before = slots.state.refused.get(found.version)
    if before is not None:
        return shown(f"{REFUSED_BEFORE}: {before}")
    if found.version == slots.staged_version:
        return "" if is_held(found, slots) else NOT_NEWER
    highest = slots.state.highest_version
    if found.version < highest:
        return ROLLBACK
    if found.version == highest:
        return NOT_NEWER
    return FAST_FORWARD if highest and found.version > highest + MAX_CONFIGURATION_STEP else ""


def is_held(found: Genuine, slots: ConfigSlots) -> bool:
    """Whether exactly this document is in one of the slots."""
    digest = hashlib.sha256(found.payload).hexdigest()
    return any((slot.version, slot.digest) == (found.version, digest) for slot in slots.state.slots.values())


def shown(text: str) -> str:
    """`text` as a message may carry it: plain characters, cut to the bound."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain if len(plain) <= MAX_TEXT_CHARS else plain[: MAX_TEXT_CHARS - 3] + "..."


def _reason(wrong: PeerError) -> str:
    if wrong.code in {"unsigned", "incomplete", "too-large"}:
        return wrong.code
    if wrong.code == "configuration-field-unknown":
        return UNKNOWN_FIELD
    return shown(f"{DOCUMENT_WRONG}: {wrong.code}")
