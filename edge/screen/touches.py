"""What a page may post, read strictly: a touch of the shopper, or an act of staff with id and PIN.

Bodies are small JSON objects of known fields; everything else gets PeerError with a named code and changes nothing.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.badge import MAX_PIN_CHARS
from edge.events import AttendantActed, ShopperActed
from edge.flows.attendant import ACTS
from edge.flows.checkout import ACTIONS
from protocol.errors import PeerError
from protocol.limits import MAX_AMOUNT_MINOR, MAX_BASKET_LINES
from protocol.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.requests import Request

MAX_TOUCH_BYTES = 1_024  # the longest touch, an attendant's, has some 200 bytes
MAX_TOUCH_DEPTH = 1  # one flat object
BODY_WAIT_S_MAX = 5  # on loopback a body takes a millisecond
# An act that only checks id and PIN and is not handed to the flows.
UNLOCK = "unlock"
MAX_STAFF_ID_CHARS = 32  # as in the settings

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_NUMBERS = {"line": MAX_BASKET_LINES, "amount_minor": MAX_AMOUNT_MINOR}


@dataclass(frozen=True, slots=True)
class StaffTouch:
    """An act that waits for the check of id and PIN; `repr` shows no PIN."""

    by: str
    pin: str
    event: AttendantActed

    def __repr__(self) -> str:
        return f"StaffTouch(by={self.by!r}, act={self.event.act!r})"


async def read_body(request: Request) -> bytes:
    """The body of a post, bounded in bytes and time."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise PeerError("body-not-json", "A touch is posted as application/json", "Reload the page.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WAIT_S_MAX):
            async for part in request.stream():
                body += part
                if len(body) > MAX_TOUCH_BYTES:
                    raise PeerError("body-too-large", "No touch is this large", "Reload the page.")
    except TimeoutError as slow:
        raise PeerError("body-too-slow", "The body did not arrive in time", "Touch again.") from slow
    return bytes(body)


def read_shopper_touch(body: bytes) -> ShopperActed:
    """The event of a shopper's touch: {action, line?, choice?}."""
    said = _fields(body, required=("action",), optional=("line", "choice"))
    return ShopperActed(
        _known(_slug(said, "action"), "action-unknown", ACTIONS),
        line=_number(said, "line"),
        choice=_slug(said, "choice") if "choice" in said else "",
    )


def read_staff_touch(body: bytes) -> StaffTouch:
    """The event of an attendant's act, not yet checked: {by, pin, act, line?, amount_minor?, reason?}."""
    said = _fields(body, required=("by", "pin", "act"), optional=("line", "amount_minor", "reason"))
    by = _text(said, "by", MAX_STAFF_ID_CHARS)
    event = AttendantActed(
        _known(_slug(said, "act"), "act-unknown", (*ACTS, UNLOCK)),
        by,
        line=_number(said, "line"),
        amount_minor=_number(said, "amount_minor"),
        reason=_slug(said, "reason") if "reason" in said else "",
    )
    return StaffTouch(by, _text(said, "pin", MAX_PIN_CHARS), event)


def _known(name: str, code: str, names: Container[str]) -> str:
    if name not in names:
        raise PeerError(code, "The page sent a touch that has no meaning here", "Reload the page.")
    return name


def _fields(body: bytes, *, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, object]:
    said = loads(body, max_bytes=MAX_TOUCH_BYTES, max_depth=MAX_TOUCH_DEPTH)
    if not isinstance(said, dict) or not set(required) <= set(said) <= {*required, *optional}:
        raise PeerError(
            "touch-malformed", "A touch with other fields than it should have", "Reload the page."
        )
    return said


def _slug(said: dict[str, object], name: str) -> str:
    value = said[name]
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise _malformed(name)
    return value


def _text(said: dict[str, object], name: str, most: int) -> str:
    value = said[name]
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise _malformed(name)
    return value


def _number(said: dict[str, object], name: str) -> int:
    value = said.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _NUMBERS[name]:
        raise _malformed(name)
    return value


def _malformed(name: str) -> PeerError:
    return PeerError("touch-malformed", f"The field {name} of a touch is malformed", "Reload the page.")
