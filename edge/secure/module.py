"""What the secure module does: frames of the reader and packets of the agent in, packets to the agent out.

No socket, no clock. What may come out is the table of docs/explanation/card-data.md: card present and
removed, masked number, brand, sealed card with its digest, the reader's state. A refusal names no reason that
would tell more than that: "card-missing", "card-store-full", "not-possible".
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from edge.secure.blob_store import BlobStore, SealedCard
from edge.secure.card_blob import Binding, ReadCard, seal_card
from edge.secure.reader_frames import ReaderFrame, encode_frame, read_card
from protocol.errors import DeviceError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric import ec

    Packet = dict[str, Any]

CARD_HELD_MS = 60_000  # a card that nobody seals within a minute is dropped from memory
AMOUNT_MINOR_MAX = 999_999_999_999  # what the acquirer's amount field takes
_NUMBER = re.compile(r"[0-9]{1,19}\Z")
_NAME = re.compile(r"[a-z0-9-]{1,32}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class SecureModule:
    """One reader, one card at a time, one agent."""

    def __init__(
        self,
        zone: ec.EllipticCurvePublicKey,
        store: BlobStore,
        random_bytes: Callable[[int], bytes],
        to_reader: Callable[[bytes], None],
        to_agent: Callable[[Packet], None],
    ) -> None:
        self._zone, self._store, self._random_bytes = zone, store, random_bytes
        self._to_reader, self._to_agent = to_reader, to_agent
        self._card: ReadCard | None = None
        self._is_present = False
        self._armed: tuple[int, str] | None = None
        self._reader_state = ("absent", "not-opened")

    @property
    def holds_card(self) -> bool:
        """True while a card in clear is in memory."""
        return self._card is not None

    def greet(self) -> None:
        """An agent connected: tell it how the reader stands, and about a card that is there already."""
        self._tell_reader()
        if self._card is not None:
            self._tell_card(self._card)

    def drop_card(self) -> None:
        """Forget the card in memory."""
        self._card = None

    def reader_changed(self, state: str, reason: str) -> None:
        """The line came or went: a card cannot be believed to be there any more."""
        if (state, reason) == self._reader_state:
            return
        self._reader_state = (state, reason)
        self._tell_reader()
        if state in ("absent", "failed"):
            self._removed()
        elif state == "ready" and self._armed is not None:
            self._send_armed()
        elif state == "ready":
            self._to_reader(encode_frame("D"))  # a crash may have left it armed for a sale that is over

    def take_frame(self, frame: ReaderFrame) -> None:
        """Take one frame of the reader."""
        if frame.kind == "P":
            self._present(frame.payload)
        elif frame.kind == "R":
            self._removed()
        elif frame.kind == "E":
            self._to_agent({"event": "card_unreadable"})

    def take_packet(self, said: object) -> None:
        """Take one packet of the agent and answer it; every packet gets exactly one answer."""
        if not isinstance(said, dict):
            raise PeerError("packet-malformed", "The agent sent no object", "Close the link")
        try:
            answer = self._do(said)
        except DeviceError as error:
            answer = {"did": "refused", "attempt": _attempt(said), "reason": error.code}
        except (PeerError, ValueError, TypeError):
            answer = {"did": "refused", "attempt": _attempt(said), "reason": "not-possible"}
        self._to_agent(answer)

    def _do(self, said: Packet) -> Packet:
        match said.get("do"):
            case "arm":
                self._armed = _amount(said)
                self._send_armed()
                return {"did": "armed"}
            case "disarm":
                self._armed = None
                self.drop_card()
                self._to_reader(encode_frame("D"))
                return {"did": "disarmed"}
            case "seal":
                return _sealed("sealed", self._seal(_binding(said)))
            case "stored":
                found = self._store.find(_checked(said, "attempt", _NUMBER))
                return _sealed("stored", found) if found else {"did": "absent", "attempt": said["attempt"]}
            case "forget":
                self._store.forget(_checked(said, "attempt", _NUMBER))
                return {"did": "forgotten", "attempt": said["attempt"]}
            case "list":
                return {"did": "listed", "attempts": self._store.attempts()}
        raise ValueError

    def _seal(self, binding: Binding) -> SealedCard:
        """Seal the card for one attempt; again for the same attempt, the same blob comes back."""
        known = self._store.find(binding.attempt)
        if known is not None:
            told = (known.tenant, known.box, known.attempt, known.amount_minor, known.currency)
            if told != (binding.tenant, binding.box, binding.attempt, binding.amount_minor, binding.currency):
                raise ValueError
            return known
        card = self._card
        if card is None:
            raise DeviceError("card-missing", "No card is there", "Present the card again")
        blob = seal_card(self._zone, binding, card, self._random_bytes)
        sealed = SealedCard(
            attempt=binding.attempt,
            amount_minor=binding.amount_minor,
            currency=binding.currency,
            tenant=binding.tenant,
            box=binding.box,
            blob=b64encode(blob).decode(),
            digest=hashlib.sha256(blob).hexdigest(),
            masked=card.masked,
            brand=card.brand,
        )
        self._store.keep(sealed)
        self.drop_card()
        return sealed

    def _present(self, payload: bytes) -> None:
        if self._armed is None:
            return  # a card nobody asked for is not kept
        try:
            self._card = read_card(payload)
        except PeerError:
            self._to_agent({"event": "card_unreadable"})
            return
        self._is_present = self._card.entry == "contact"  # the others are never seen to leave
        self._tell_card(self._card)

    def _removed(self) -> None:
        self.drop_card()
        if self._is_present:
            self._is_present = False
            self._to_agent({"event": "card_removed"})

    def _tell_card(self, card: ReadCard) -> None:
        self._to_agent(
            {"event": "card_present", "masked": card.masked, "brand": card.brand, "entry": card.entry}
        )

    def _tell_reader(self) -> None:
        state, reason = self._reader_state
        self._to_agent({"event": "reader", "state": state, "reason": reason})

    def _send_armed(self) -> None:
        if self._armed is not None:
            amount, currency = self._armed
            self._to_reader(encode_frame("A", f"{amount} {currency}".encode()))


def _sealed(did: str, sealed: SealedCard) -> Packet:
    return {
        "did": did,
        "attempt": sealed.attempt,
        "blob": sealed.blob,
        "digest": sealed.digest,
        "masked": sealed.masked,
        "brand": sealed.brand,
    }


def _binding(said: Packet) -> Binding:
    amount, currency = _amount(said)
    return Binding(
        tenant=_checked(said, "tenant", _NAME),
        box=_checked(said, "box", _NAME),
        attempt=_checked(said, "attempt", _NUMBER),
        amount_minor=amount,
        currency=currency,
    )


def _amount(said: Packet) -> tuple[int, str]:
    amount = said.get("amount_minor")
    if type(amount) is not int or not 0 < amount <= AMOUNT_MINOR_MAX:
        raise ValueError
    return amount, _checked(said, "currency", _CURRENCY)


def _checked(said: Packet, name: str, pattern: re.Pattern[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError
    return value


def _attempt(said: Packet) -> str:
    value = said.get("attempt")
    return value if isinstance(value, str) and _NUMBER.match(value) else ""
