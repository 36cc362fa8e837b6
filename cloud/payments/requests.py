"""Reads a request of the live lane: envelope, the intention's frame inside it, and the blob beside it. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cloud.payments.attempt import LiveRequest
from protocol.errors import PeerError, TillboxError
from protocol.frame import decode_frame
from protocol.messages import card_of, decode_request, frame_of
from protocol.records import decode_record

if TYPE_CHECKING:
    from cloud.ports import Box

_INTENTIONS = {"pay": "tender_intended", "reverse": "reversal_intended"}


def read_request(box: Box, payload: bytes) -> LiveRequest:
    """Read an opened (unsealed) request; PeerError when not even its ids can be read.

    An intention that does not fit the envelope gives a request whose `fault` is the error's code, so that the box
    gets an answer instead of silence.
    """
    fields: dict[str, Any] = decode_request(payload)
    kind, payment, attempt = fields["kind"], int(fields["payment"]), int(fields["attempt"])
    try:
        intention, digest = _read_intention(fields)
        blob = _read_blob(fields, intention)
    except TillboxError as error:
        return LiveRequest(box, kind, payment, attempt, fields["deadline_ms"], fault=error.code)
    return LiveRequest(
        box,
        kind,
        payment,
        attempt,
        fields["deadline_ms"],
        order=int(intention.get("order") or 0),
        amount_minor=intention.get("amount_minor", 0),
        currency=intention.get("currency", ""),
        digest=digest if kind == "pay" else "",
        masked=intention.get("masked", ""),
        brand=intention.get("brand", ""),
        reason=intention.get("reason", ""),
        intended_ms=intention.get("at", 0),
        blob=blob,
    )


def intention_digest(body: bytes) -> str:
    """Fingerprint of an intention's body: the same in the live lane and in the replica."""
    return hashlib.sha256(body).hexdigest()


def _read_intention(fields: dict[str, Any]) -> tuple[dict[str, Any], str]:
    wanted = _INTENTIONS.get(fields["kind"])
    if wanted is None:
        return {}, ""
    data = frame_of(fields)
    frame, end = decode_frame(data)
    if end != len(data):
        raise PeerError("request-frame-wrong", "bytes follow the frame", "look at the box")
    intention: dict[str, Any] = decode_record(frame.body)
    if intention["t"] != wanted:
        raise PeerError("request-frame-wrong", f"the frame is not a {wanted}", "look at the box")
    if (intention["payment"], intention["attempt"]) != (fields["payment"], fields["attempt"]):
        raise PeerError("request-frame-wrong", "the frame is about another attempt", "look at the box")
    if wanted == "tender_intended" and intention["method"] != "card":
        raise PeerError("request-method-wrong", "only cards are paid in the live lane", "look at the box")
    return intention, intention_digest(frame.body)


def _read_blob(fields: dict[str, Any], intention: dict[str, Any]) -> bytes:
    if fields["kind"] != "pay":
        return b""
    blob = card_of(fields)
    if hashlib.sha256(blob).hexdigest() != intention["blob_digest"]:
        raise PeerError(
            "request-blob-differs", "the blob is not the one of the intention", "seal the card again"
        )
    return blob
