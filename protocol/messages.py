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
    Shapes,
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

_TABLES = {
    "receipt": "v:version generation:hex16 through:seq chain:hash epoch:epoch status:ok|gap|fork|resend "
    "resend_from:seq cloud_time_ms:time",
    "request": "v:version kind:pay|query|reverse payment:id attempt:id frame:frame blobs:blobs deadline_ms:time",
    "response": "v:version kind:pay|query|reverse payment:id attempt:id order:id? "
    "outcome:approved|declined|unknown|reversed|refused|expired amount_minor:money approval_code:word16 "
    "rrn:word64 response_code:word16 reason:text masked:masked brand:word32 token:word128 cloud_time_ms:time",
    "state": "v:version online:true generation:hex16 last_seq:seq synced_through:seq oldest_unsent_ms:time "
    "devices:devices config_version:count software:word64 clock_ms:time unknown_open:count",
    "offline state": "v:version online:false",
    "configuration answer": "v:version version:count outcome:applied|refused|reverted reason:text hash:hash?",
    "publication answer": "v:version number:count held:count outcome:taken|applied|refused|delayed reason:text "
    "catalogue:hash? overlay:hash?",
}


def encode_receipt(receipt: dict[str, object]) -> bytes:
    """down/receipt: how far the cloud holds the journal, and where a box must send again from."""
    return _encoded("receipt", receipt)


def decode_receipt(data: bytes) -> dict[str, object]:
    """Read a receipt; PeerError json-* or message-* (see `_checked`)."""
    return _decoded("receipt", data)


def encode_request(request: dict[str, object]) -> bytes:
    """up/req: pay, query or reverse, for which a person waits until `deadline_ms` (cloud time)."""
    return _encoded("request", request)


def decode_request(data: bytes) -> dict[str, object]:
    """Read a request; `frame_of` and `card_of` unpack what it carries."""
    return _decoded("request", data)


def encode_response(response: dict[str, object]) -> bytes:
    """down/res: the one answer to a request, however often it is asked."""
    return _encoded("response", response)


def decode_response(data: bytes) -> dict[str, object]:
    """Read a response."""
    return _decoded("response", data)


def encode_state(state: dict[str, object]) -> bytes:
    """up/state: how the box is; `offline_state()` is what the broker says when the box is gone."""
    return _encoded(_state_name(state), state)


def decode_state(data: bytes) -> dict[str, object]:
    """Read a state, of either form: look at `online` first."""
    state = loads(data)
    return _checked(_state_name(state), state, PeerError)


def offline_state() -> bytes:
    """Return the last will of a box."""
    return _encoded("offline state", {"v": 1, "online": False})


def encode_config_answer(answer: dict[str, object]) -> bytes:
    """up/cfg: what the box did with a configuration, and why."""
    return _encoded("configuration answer", answer)


def decode_config_answer(data: bytes) -> dict[str, object]:
    """Read the answer to a configuration."""
    return _decoded("configuration answer", data)


def encode_publication_answer(answer: dict[str, object]) -> bytes:
    """up/ver: what became of a publication at the box, and which number it holds (`held`)."""
    return _encoded("publication answer", answer)


def decode_publication_answer(data: bytes) -> dict[str, object]:
    """Read the answer to a publication."""
    return _decoded("publication answer", data)


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
    return binascii.a2b_base64(base64.encode() if type(base64) is str else b"")


def _state_name(state: object) -> str:
    return "offline state" if type(state) is dict and state.get("online") is False else "state"


def _encoded(name: str, message: dict[str, object]) -> bytes:
    data = dumps(_checked(name, message, CallerError))
    if len(data) > MAX_JSON_BYTES:
        raise CallerError("message-too-large", f"a {name} of {len(data)} bytes is not read by the other side")
    return data


def _decoded(name: str, data: bytes) -> dict[str, object]:
    return _checked(name, loads(data), PeerError)


def _checked(name: str, message: object, fault: type[TillboxError]) -> dict[str, object]:
    """Check version and shape.

    Codes: message-version-unknown, message-not-object, message-field-missing, message-field-unknown,
    message-field-wrong-type, message-field-out-of-range, message-fields-disagree.
    """
    if type(message) is dict and "v" in message:
        version = message["v"]
        if version != 1 or type(version) is not int:
            raise fault(
                "message-version-unknown", f"this version of a {name} is not known", "update the software"
            )
    return _SHAPES.get(name).check(message, fault)


def _request_agrees(request: dict[str, object]) -> str:
    if (request["kind"] == "query") == bool(request["frame"]):
        return "frame"
    return "blobs" if request["kind"] != "pay" and request["blobs"] else ""


def _receipt_agrees(receipt: dict[str, object]) -> str:
    return "resend_from" if receipt["status"] == "resend" and not receipt["resend_from"] else ""


def _is_blobs(value: object) -> bool:
    if type(value) is not dict or len(value) > 1:
        return False
    return not value or ("card" in value and _SHAPES.kind("blob").test(value["card"]))


def _devices() -> Kind:
    return map_of(one_of("absent", "opening", "ready", "degraded", "failed"), MAX_DEVICES)


_KINDS = {
    "version": VERSION,
    "time": TIME,
    "count": COUNT,
    "id": (identifier,),
    "id?": (identifier, True),
    "hash": (hexadecimal, 64),
    "hash?": (hexadecimal, 64, True),
    "hex16": (hexadecimal, 16),
    "seq": (number, 0, MAX_SEQ),
    "epoch": (number, 1, MAX_INTEGER),
    "money": MONEY,
    "text": (text,),
    "masked": MASKED,
    "word16": (word, 16),
    "word32": (word, 32),
    "word64": (word, 64),
    "word128": (word, 128),
    "true": Kind(bool, "true", lambda value: value is True),
    "false": Kind(bool, "false", lambda value: value is False),
    "frame": (base64_of, MAX_REQUEST_FRAME_BYTES),
    "blob": (base64_of, MAX_SEALED_CARD_BYTES),
    "blobs": Kind(dict, "{} or an object with card in base64", _is_blobs),
    "devices": (_devices,),
}
_SHAPES = Shapes("message", _TABLES, _KINDS, {"request": _request_agrees, "receipt": _receipt_agrees})
