"""Bank cards, as the payments service sees them: its `CardChannel` port over the card zone's client.

Nothing is decided here. What acquirers answer is judged in the card zone, which also reverses whatever stays
unknown; this adapter translates words, and knows which merchant and terminal a box is to the acquirer. A
`query` asks the zone's own memory, so the recovery sequence is: query, then reverse.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from cloud.ports import ChannelAnswer, ChannelCall, LateAnswer
from protocol.errors import CallerError, DeviceError, PeerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cloud.cardzone.client import CardZoneClient

Outcome = Literal["approved", "declined", "unknown", "reversed", "refused"]

REVERSE_MS = 10_000  # how long one call waits for the acquirer's word; the zone goes on repeating after it
MINIMUM_DELAY_MS = 1_000  # between two questions about one attempt: its first reversal needs about that long
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Acceptor(NamedTuple):
    """Who a box is to the acquirer: fields 42 and 41."""

    merchant: str
    terminal: str


class Acceptors:
    """Finds the acceptor of a box: as the acquirer assigned it, else one derived from the names."""

    def __init__(self, assigned: Mapping[tuple[str, str], Acceptor]) -> None:
        self._assigned = dict(assigned)

    def find(self, tenant: str, store: str, box: str) -> Acceptor:
        """Give merchant and terminal; the same box is always the same terminal."""
        found = self._assigned.get((tenant, box))
        if found is not None:
            return found
        merchant = _derived(f"{tenant}\0{store}", 14)
        return Acceptor("M" + merchant, _derived(f"{tenant}\0{box}", 8))


class CardChannel:
    """The port `cloud.ports.CardChannel`; `client` must be made with `channel.hear` as its `on_notice`."""

    name = "card"
    recovery: tuple[Literal["query", "reverse"], ...] = ("query", "reverse")
    minimum_delay_ms = MINIMUM_DELAY_MS

    def __init__(self, acceptors: Acceptors) -> None:
        self._acceptors = acceptors
        self._client: CardZoneClient | None = None
        self._hear: Callable[[LateAnswer], Awaitable[None]] | None = None

    def attach(self, client: CardZoneClient) -> None:
        """Say through whom to speak; before the first call."""
        self._client = client

    async def authorize(self, call: ChannelCall, blob: bytes, remaining_ms: int) -> ChannelAnswer:
        """Ask for the money.

        A card zone that does not listen was not asked: declined, technical. One that went away under the call
        is the caller's OutcomeUnknown.
        """
        acceptor = self._acceptors.find(call.tenant, call.store, call.box)
        asked = {
            "tenant": call.tenant,
            "box": call.box,
            "merchant": acceptor.merchant,
            "terminal": acceptor.terminal,
            "payment": str(call.payment),
            "attempt": str(call.attempt),
            "amount_minor": call.amount_minor,
            "currency": call.currency,
        }
        try:
            return _answer(await self._zone.authorize(asked, blob, remaining_ms))
        except (DeviceError, PeerError) as error:
            if error.code not in _NEVER_ASKED:
                raise
            return ChannelAnswer("declined", reason=error.code)

    async def reverse(self, call: ChannelCall) -> ChannelAnswer:
        """Undo the attempt: reversed, unknown while the zone still repeats the reversal, or refused."""
        return _answer(await self._zone.reverse(call.tenant, str(call.attempt), "reverse-asked", REVERSE_MS))

    async def query(self, call: ChannelCall) -> ChannelAnswer:
        """Tell what the zone knows; unknown with reason "never-seen" when it was never asked."""
        return _answer(await self._zone.query(call.tenant, str(call.attempt)))

    def listen(self, hear: Callable[[LateAnswer], Awaitable[None]]) -> None:
        """Name who hears late answers."""
        self._hear = hear

    async def hear(self, notice: dict[str, Any]) -> None:
        """Take a notice of the card zone; return when what follows is committed. OutcomeUnknown: it must be told again.

        A late approval is told as what it is worth: `unknown`, because its reversal is under way already.
        """
        if self._hear is None:
            raise CallerError("channel-deaf", "Nobody listens to the card channel", "Call listen first")
        about: Literal["authorization", "reversal"] = "authorization"
        if notice["event"] == "reversal_settled":
            about = "reversal"
        await self._hear(LateAnswer(str(notice["tenant"]), int(notice["attempt"]), about, _answer(notice)))

    @property
    def _zone(self) -> CardZoneClient:
        if self._client is None:
            raise CallerError("channel-incomplete", "The card channel has no card zone", "Call attach first")
        return self._client


# Errors that come before anything was asked of anybody.
_NEVER_ASKED = frozenset({"card-zone-unreachable", "zone-busy"})


def _answer(said: dict[str, Any]) -> ChannelAnswer:
    outcome = said.get("outcome")
    if outcome not in get_args(Outcome):
        raise PeerError("card-zone-answer-wrong", "The card zone told no outcome", "Query the attempt")
    texts = ("approval_code", "rrn", "response_code", "reason", "masked", "brand", "token")
    amount = said.get("amount_minor", 0)
    return ChannelAnswer(
        cast("Outcome", outcome),
        amount if type(amount) is int else 0,
        **{name: str(said.get(name, "")) for name in texts},
    )


def _derived(name: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 36)
        letters.append(_ALPHABET[digit])
    return "".join(letters)
