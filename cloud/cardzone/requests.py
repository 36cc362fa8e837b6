"""What may be asked of the card zone, read strictly from packets (docs/reference/card-zone.md)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from cloud.cardzone.card_blob import BLOB_BYTES_MAX, Binding
from cloud.cardzone.currencies import currency_number
from cloud.cardzone.iso8583 import AMOUNT_MINOR_MAX
from protocol.errors import PeerError
from protocol.strict_json import dumps

DEADLINE_MS_MAX = 120_000  # a cardholder typing a PIN needs up to a minute; nobody waits longer than two
_NAME = re.compile(r"[a-z0-9-]{1,32}\Z")
_NUMBER = re.compile(r"[0-9]{1,19}\Z")
_TERMINAL = re.compile(r"[A-Z0-9]{1,8}\Z")
_MERCHANT = re.compile(r"[A-Z0-9]{1,15}\Z")


@dataclass(frozen=True, slots=True)
class Authorization:
    """Ask the acquirer for money: authorization and capture in one, as a till does it."""

    tenant: str
    merchant: str
    terminal: str
    payment: str
    attempt: str
    amount_minor: int
    currency: str
    box: str
    deadline_ms: int
    blob: bytes = field(repr=False)

    @property
    def binding(self) -> Binding:
        """What the box sealed the card for."""
        return Binding(self.tenant, self.box, self.attempt, self.amount_minor, self.currency)

    @property
    def digest(self) -> str:
        """Name what was asked: the same attempt may come again with the same digest only."""
        said = [self.merchant, self.terminal, self.payment, self.amount_minor, self.currency, self.box]
        return hashlib.sha256(dumps(said)).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """Ask about an attempt, or for its reversal."""

    tenant: str
    attempt: str
    deadline_ms: int
    reason: str


def read_authorization(said: dict[str, Any]) -> Authorization:
    """Read an authorize packet; PeerError "request-malformed" names the first wrong field."""
    amount = said.get("amount_minor")
    if type(amount) is not int or not 0 < amount <= AMOUNT_MINOR_MAX:
        raise _malformed("amount_minor")
    currency = _text(said, "currency", re.compile(r"[A-Z]{3}\Z"))
    currency_number(currency)
    return Authorization(
        tenant=_text(said, "tenant", _NAME),
        merchant=_text(said, "merchant", _MERCHANT),
        terminal=_text(said, "terminal", _TERMINAL),
        payment=_text(said, "payment", _NUMBER),
        attempt=_text(said, "attempt", _NUMBER),
        amount_minor=amount,
        currency=currency,
        box=_text(said, "box", _NAME),
        deadline_ms=_deadline(said),
        blob=_blob(said),
    )


def read_asked(said: dict[str, Any]) -> Asked:
    """Read a query or reverse packet; PeerError "request-malformed" names the first wrong field."""
    reason = said.get("reason", "")
    if not isinstance(reason, str) or len(reason) > 64:
        raise _malformed("reason")
    return Asked(_text(said, "tenant", _NAME), _text(said, "attempt", _NUMBER), _deadline(said), reason)


def _text(said: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not pattern.match(value):
        raise _malformed(name)
    return value


def _deadline(said: dict[str, Any]) -> int:
    value = said.get("deadline_ms", 0)
    if type(value) is not int:
        raise _malformed("deadline_ms")
    return min(value, DEADLINE_MS_MAX)


def _blob(said: dict[str, Any]) -> bytes:
    value = said.get("blob")
    if not isinstance(value, str) or len(value) > BLOB_BYTES_MAX * 2:
        raise _malformed("blob")
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise _malformed("blob") from None


def _malformed(name: str) -> PeerError:
    return PeerError("request-malformed", f"{name} is missing or wrong", "Check the caller")
