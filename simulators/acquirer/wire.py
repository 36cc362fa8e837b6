"""The host's side of the wire, written from docs/reference/card-zone.md and not from the card zone."""

from __future__ import annotations

import copy
from typing import Any

import iso8583
from iso8583.specs import default_ascii

from protocol.errors import PeerError

Fields = dict[str, str]
Trace = tuple[str, str, str]  # terminal, STAN, field 7

ANSWER_TYPES = {"0200": "0210", "0400": "0410", "0401": "0410", "0800": "0810"}
_ECHOED = ("3", "4", "7", "11", "12", "13", "41", "42", "49", "62", "70")


def _spec() -> dict[str, dict[str, Any]]:
    spec: dict[str, dict[str, Any]] = copy.deepcopy(dict(default_ascii))
    spec["p"].update(data_enc="b", max_len=8)
    spec["1"].update(data_enc="b", max_len=8)
    spec["55"].update(data_enc="b", max_len=255)
    return spec


_SPEC = _spec()


def read(data: bytes) -> Fields:
    """Read a request; PeerError "request-malformed" without its content."""
    try:
        fields, _ = iso8583.decode(data, _SPEC)
    except ValueError:
        raise PeerError("request-malformed", f"{len(data)} bytes are no request", "Set it aside") from None
    return dict(fields)


def write(fields: Fields) -> bytes:
    """Write a message with its two-byte length."""
    body, _ = iso8583.encode(dict(fields), _SPEC)
    return len(body).to_bytes(2, "big") + bytes(body)


def trace(fields: Fields) -> Trace:
    """Say which message this is, for the detection of duplicates."""
    return fields.get("41", "").strip(), fields.get("11", ""), fields.get("7", "")


def original_trace(fields: Fields) -> Trace:
    """Say which purchase a reversal undoes (field 90)."""
    said = fields.get("90", "")
    return fields.get("41", "").strip(), said[4:10], said[10:20]


def answer(request: Fields, code: str, **more: str) -> Fields:
    """Compose the answer: what must come back comes back, `more` is field number without its letter f."""
    fields = {name: request[name] for name in _ECHOED if name in request}
    fields.update({"t": ANSWER_TYPES[request["t"]], "39": code})
    fields.update({name.removeprefix("f"): value for name, value in more.items()})
    return fields
