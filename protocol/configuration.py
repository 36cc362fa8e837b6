"""A box's configuration as it travels: one signed document for one box, with a number that only rises and an end.

Only the shape lives here. Who signs is `cloud/fleet`, who verifies and decides is `edge/configuration.py`; both use
Ed25519 over `signed_part`. The signature covers the bytes as they travel, so nothing is written anew before it is
checked. docs/reference/configuration.md explains every field and every refusal.
"""

import struct

from protocol.errors import CallerError, PeerError, TillboxError
from protocol.limits import (
    MAX_CONFIGURATION_BYTES,
    MAX_CONFIGURATION_VALIDITY_MS,
    MAX_CONFIGURATION_VERSION,
    MAX_NAME_CHARS,
)
from protocol.schema import TIME, VERSION, Kind, Shape, number
from protocol.strict_json import dumps, loads
from protocol.topics import check_name

MAGIC = b"TBD1"
SIGNATURE_BYTES = 64
# A signature of ours over anything else, a command or a certificate, never fits a configuration.
PURPOSE = b"tillbox configuration 1\x00"

_HEAD = ">4sI64s"  # magic, length of the document, signature
_HEAD_BYTES = 72


def signed_part(document: bytes) -> bytes:
    """Return what the signature covers."""
    return PURPOSE + document


def pack(signature: bytes, document: bytes) -> bytes:
    """Put signature and document together: `TBD1 | length u32 | signature 64 | document`.

    CallerError("too-large") beyond the bound of a document.
    """
    if len(document) > MAX_CONFIGURATION_BYTES:
        raise CallerError("too-large", f"a configuration of {len(document)} bytes", "send fewer settings")
    return struct.pack(_HEAD, MAGIC, len(document), signature) + document


def unpack(payload: bytes) -> tuple[bytes, bytes]:
    """Return (signature, document), neither of which is checked yet.

    PeerError: "unsigned" (it is something else), "incomplete" (a part is missing), "too-large" (more than a document
    may have, or more than it says).
    """
    if payload[: len(MAGIC)] != MAGIC:
        raise PeerError("unsigned", "This is no signed configuration", "Push it with tillbox fleet push")
    if len(payload) < _HEAD_BYTES:
        raise PeerError("incomplete", "The configuration ends in its head", "Send it again")
    _, length, signature = struct.unpack(_HEAD, payload[:_HEAD_BYTES])
    if length > MAX_CONFIGURATION_BYTES or len(payload) - _HEAD_BYTES > length:
        raise PeerError("too-large", "The configuration is larger than it may be or says", "Send it again")
    if len(payload) - _HEAD_BYTES < length:
        raise PeerError("incomplete", "The configuration ends early", "Send it again")
    return signature, payload[_HEAD_BYTES:]


def encode_document(document: dict[str, object]) -> bytes:
    """Write a document canonically; CallerError as in `decode_document`, and "too-large"."""
    data = dumps(_checked(document, CallerError))
    if len(data) > MAX_CONFIGURATION_BYTES:
        raise CallerError("too-large", f"a configuration of {len(data)} bytes", "send fewer settings")
    return data


def decode_document(data: bytes) -> dict[str, object]:
    """Read a document whose signature was checked: tenant, box, group, version, issued_ms, expires_ms, settings.

    PeerError: json-* of `strict_json`, "configuration-version-unknown", "configuration-not-canonical" (one content
    has one text), and configuration-* of `schema.Shape.check`. The settings themselves are read by the box.
    """
    document = _checked(loads(data, MAX_CONFIGURATION_BYTES), PeerError)
    if dumps(document) != data:
        raise PeerError("configuration-not-canonical", "The document is not written canonically")
    return document


def _checked(document: object, fault: type[TillboxError]) -> dict[str, object]:
    if type(document) is dict and document.get("v") != 1:
        raise fault(
            "configuration-version-unknown",
            "This form of a configuration is not known",
            "Update the box's software",
        )
    return _SHAPE.check(document, fault)


def _agrees(document: dict[str, object]) -> str:
    issued, expires = document["issued_ms"], document["expires_ms"]
    if type(issued) is int and type(expires) is int and 0 < expires - issued <= MAX_CONFIGURATION_VALIDITY_MS:
        return ""
    return "expires_ms"


def _is_name(value: object) -> bool:
    try:
        return type(value) is str and bool(check_name(value))
    except PeerError:
        return False


def _is_name_or_empty(value: object) -> bool:
    return value == "" or _is_name(value)


_NAME_RULE = f"1 to {MAX_NAME_CHARS} characters of a-z, 0-9 and -"
_SHAPE = Shape(
    "configuration",
    "a configuration",
    {
        "v": VERSION,
        "tenant": Kind(str, _NAME_RULE, _is_name),
        "box": Kind(str, _NAME_RULE, _is_name),
        "group": Kind(str, _NAME_RULE + ', or ""', _is_name_or_empty),
        "version": number(1, MAX_CONFIGURATION_VERSION),
        "issued_ms": TIME,
        "expires_ms": TIME,
        "settings": Kind(dict, "an object", lambda value: type(value) is dict),
    },
    _agrees,
)
