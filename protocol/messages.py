"""Messages of the lanes beside the replica: what box and cloud say to each other about money, receipts and health.

Each is a JSON object with v = 1, written canonically, sealed by `seal` and sent to the topic of its lane.
The replica lane carries batches of frames (`frame`), the configuration lane a signed document.
docs/reference/messages.md explains every field.
"""

import binascii

from protocol.errors import CallerError, PeerError, TillboxError
from protocol.limits import (
    MAX_DEVICES,
    MAX_INTEGER,
    MAX_JSON_BYTES,
    MAX_REQUEST_FRAME_BYTES,
    MAX_SEALED_CARD_BYTES,
    MAX_SEQ,
)
from protocol.schema import (
    COUNT,
    MASKED,
    MONEY,
    TIME,
    VERSION,
    Kind,
    Shape,
    base64_of,
    hexadecimal,
    identifier,
    map_of,
    number,
    one_of,
    text,
    word,
)
from protocol.strict_json import dumps, loads

_PREFIX = "message"
_KIND = one_of("pay", "query", "reverse")
_SEQ = number(0, MAX_SEQ)
_BLOB = base64_of(MAX_SEALED_CARD_BYTES)


def _request_agrees(request: dict[str, object]) -> str:
    if (request["kind"] == "query") == bool(request["frame"]):
        return "frame"
    return "blobs" if request["kind"] != "pay" and request["blobs"] else ""


def _receipt_agrees(receipt: dict[str, object]) -> str:
    return "resend_from" if receipt["status"] == "resend" and not receipt["resend_from"] else ""


_RECEIPT = Shape(
    _PREFIX,
    "receipt",
    {
        "v": VERSION,
        "generation": hexadecimal(16),
        "through": _SEQ,
        "chain": hexadecimal(64),
        "epoch": number(1, MAX_INTEGER),
        "status": one_of("ok", "gap", "fork", "resend"),
        "resend_from": _SEQ,
        "cloud_time_ms": TIME,
    },
    _receipt_agrees,
)
_CARD = Shape(_PREFIX, "blobs", {"card": _BLOB})
_REQUEST = Shape(
    _PREFIX,
    "request",
    {
        "v": VERSION,
        "kind": _KIND,
        "payment": identifier(),
        "attempt": identifier(),
        "frame": base64_of(MAX_REQUEST_FRAME_BYTES),
        "blobs": Kind(
            dict,
            "{} or an object with card",
            lambda value: type(value) is dict and (not value or _CARD.fits(value)),
        ),
        "deadline_ms": TIME,
    },
    _request_agrees,
)
_RESPONSE = Shape(
    _PREFIX,
    "response",
    {
        "v": VERSION,
        "kind": _KIND,
        "payment": identifier(),
        "attempt": identifier(),
        "order": identifier(may_be_empty=True),
        "outcome": one_of("approved", "declined", "unknown", "reversed", "refused", "expired"),
        "amount_minor": MONEY,
        "approval_code": word(16),
        "rrn": word(64),
        "response_code": word(16),
        "reason": text(),
        "masked": MASKED,
        "brand": word(32),
        "token": word(128),
        "cloud_time_ms": TIME,
    },
)
_STATE = Shape(
    _PREFIX,
    "state",
    {
        "v": VERSION,
        "online": Kind(bool, "true", lambda value: value is True),
        "generation": hexadecimal(16),
        "last_seq": _SEQ,
        "synced_through": _SEQ,
        "oldest_unsent_ms": TIME,
        "devices": map_of(one_of("absent", "opening", "ready", "degraded", "failed"), MAX_DEVICES),
        "config_version": COUNT,
        "software": word(64, least=1),
        "clock_ms": TIME,
        "unknown_open": COUNT,
    },
)
_OFFLINE = Shape(
    _PREFIX, "state", {"v": VERSION, "online": Kind(bool, "false", lambda value: value is False)}
)
_CONFIG_ANSWER = Shape(
    _PREFIX,
    "configuration answer",
    {
        "v": VERSION,
        "version": COUNT,
        "outcome": one_of("applied", "refused", "reverted"),
        "reason": text(),
        "hash": hexadecimal(64, may_be_empty=True),
    },
)


def encode_receipt(receipt: dict[str, object]) -> bytes:
    """down/receipt: how far the cloud holds the journal, and where a box must send again from."""
    return _encoded(_RECEIPT, receipt)


def decode_receipt(data: bytes) -> dict[str, object]:
    """Read a receipt; PeerError json-* or message-* (see `_checked`)."""
    return _decoded(_RECEIPT, data)


def encode_request(request: dict[str, object]) -> bytes:
    """up/req: pay, query or reverse, for which a person waits until `deadline_ms` (cloud time)."""
    return _encoded(_REQUEST, request)


def decode_request(data: bytes) -> dict[str, object]:
    """Read a request; `frame_of` and `card_of` unpack what it carries."""
    return _decoded(_REQUEST, data)


def encode_response(response: dict[str, object]) -> bytes:
    """down/res: the one answer to a request, however often it is asked."""
    return _encoded(_RESPONSE, response)


def decode_response(data: bytes) -> dict[str, object]:
    """Read a response."""
    return _decoded(_RESPONSE, data)


def encode_state(state: dict[str, object]) -> bytes:
    """up/state: how the box is; `offline_state()` is what the broker says when the box is gone."""
    return _encoded(_state_shape(state), state)


def decode_state(data: bytes) -> dict[str, object]:
    """Read a state, of either form: look at `online` first."""
    state = loads(data)
    return _checked(_state_shape(state), state, PeerError)


def offline_state() -> bytes:
    """Return the last will of a box."""
    return _encoded(_OFFLINE, {"v": 1, "online": False})


def encode_config_answer(answer: dict[str, object]) -> bytes:
    """up/cfg: what the box did with a configuration, and why."""
    return _encoded(_CONFIG_ANSWER, answer)


def decode_config_answer(data: bytes) -> dict[str, object]:
    """Read the answer to a configuration."""
    return _decoded(_CONFIG_ANSWER, data)


def pack_bytes(data: bytes) -> str:
    """Return `data` as the base64 that frames and blobs have in a request."""
    return binascii.b2a_base64(data).decode().rstrip("\n")


def frame_of(request: dict[str, object]) -> bytes:
    """Return the bytes of the frame that a checked request carries; empty for a query."""
    return _unpacked(request["frame"])


def card_of(request: dict[str, object]) -> bytes:
    """Return the encrypted card that a checked request carries, or no bytes."""
    blobs = request["blobs"]
    return _unpacked(blobs["card"]) if type(blobs) is dict and blobs else b""


def _unpacked(base64: object) -> bytes:
    return binascii.a2b_base64(base64 if type(base64) is str else "")


def _state_shape(state: object) -> Shape:
    return _OFFLINE if type(state) is dict and state.get("online") is False else _STATE


def _encoded(shape: Shape, message: dict[str, object]) -> bytes:
    data = dumps(_checked(shape, message, CallerError))
    if len(data) > MAX_JSON_BYTES:
        raise CallerError(
            "message-too-large", f"a {shape.name} of {len(data)} bytes is not read by the other side"
        )
    return data


def _decoded(shape: Shape, data: bytes) -> dict[str, object]:
    return _checked(shape, loads(data), PeerError)


def _checked(shape: Shape, message: object, fault: type[TillboxError]) -> dict[str, object]:
    """Check version and shape.

    Codes: message-version-unknown, message-not-object, message-field-missing, message-field-unknown,
    message-field-wrong-type, message-field-out-of-range, message-fields-disagree.
    """
    if type(message) is dict and "v" in message:
        version = message["v"]
        if version != 1 or type(version) is not int:
            raise fault("message-version-unknown", f"this version of a {shape.name} is not known")
    return shape.check(message, fault)
