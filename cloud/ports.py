"""What the cloud's core needs from the world, as interfaces.

Here: the clock, the two directions of the broker, the directory of boxes, the shelf of price versions and
the card channel. Not here: who provides them; `cloud/main` builds the real ones, the simulated world its own.
Read next: `cloud/consumer.py`, which uses all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from protocol.catalogue import Prices
    from protocol.item import Item
    from protocol.pricing.tax import TaxTable

ITEMS_REMEMBERED = 2048  # for each version; about half a megabyte, more than a store sells in an hour

BoxStatus = Literal["serving", "quarantined", "revoked"]


class Message(NamedTuple):
    """One message as the broker delivered it: nothing about it is proved yet."""

    topic: str
    payload: bytes


class Clock(Protocol):
    """The cloud's time. Durations of waiting are the event loop's business."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        ...


class Intake(Protocol):
    """Messages from the boxes, in the order of their arrival."""

    async def receive(self, limit: int = 64) -> list[Message]:
        """Wait for one message, then give what is queued, at most `limit`.

        Safe to cancel: nothing is lost.
        """
        ...


class Outbound(Protocol):
    """Messages to the boxes. Delivery is not promised: receipts and answers are asked for again."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message to the broker; it is lost, without an exception, when the broker is away."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """One enrolled box: who it is, the keys of its two directions, and whether it may sell."""

    tenant: str
    store: str
    box: str
    box_number: int
    shard: str
    status: BoxStatus
    up_key: bytes = field(repr=False)
    down_key: bytes = field(repr=False)


class BoxDirectory(Protocol):
    """Finds boxes. Answers may be cached; `forget` is called when a box changed."""

    async def find(self, tenant: str, box: str) -> Box | None:
        """Return the box, or None when nobody enrolled it."""
        ...

    def forget(self, tenant: str, box: str) -> None:
        """Drop what is cached about this box."""
        ...


@dataclass(frozen=True, slots=True)
class PriceVersions:
    """The exact versions that sales were priced with. A shelf keeps one object for each combination in use."""

    prices: Prices
    taxes: TaxTable
    _found: dict[str, Item | None] = field(default_factory=dict, repr=False, compare=False)

    def find(self, gtin: str) -> Item | None:
        """Find an item; those found before are remembered, since a few sell most."""
        found = self._found
        if gtin in found:
            return found[gtin]
        if len(found) >= ITEMS_REMEMBERED:
            found.clear()
        item = found[gtin] = self.prices.find(gtin)
        return item


class CatalogueShelf(Protocol):
    """Published catalogues, overlays and tax tables, by hash: 64 hex digits; an overlay may be ""."""

    async def find(self, tenant: str, catalogue: str, overlay: str, taxes: str) -> PriceVersions | None:
        """Return the versions, or None when any of the three is not on the shelf (yet)."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelCall:
    """What a channel needs to know of one attempt."""

    tenant: str
    store: str
    box: str
    order: int
    payment: int
    attempt: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What a channel said. `unknown` means that money may have moved."""

    outcome: Literal["approved", "declined", "unknown", "reversed", "refused"]
    amount_minor: int = 0
    approval_code: str = ""
    rrn: str = ""
    response_code: str = ""
    reason: str = ""
    masked: str = ""
    brand: str = ""
    token: str = ""


class LateAnswer(NamedTuple):
    """What a channel says unasked: a late outcome of an authorization, or that a reversal settled."""

    tenant: str
    attempt: int
    about: Literal["authorization", "reversal"]
    answer: ChannelAnswer


class CardChannel(Protocol):
    """One way to move card money, with the recovery sequence that it declares of itself.

    Any exception from a call counts as `unknown`. Each call may be repeated; `reverse` must be idempotent.
    """

    name: str
    recovery: tuple[Literal["query", "reverse"], ...]
    minimum_delay_ms: int

    async def authorize(self, call: ChannelCall, blob: bytes, remaining_ms: int) -> ChannelAnswer:
        """Ask for the money: approved, declined or unknown, in about `remaining_ms` at most."""
        ...

    async def reverse(self, call: ChannelCall) -> ChannelAnswer:
        """Undo the attempt, whatever became of it: reversed, unknown (ask again later) or refused."""
        ...

    async def query(self, call: ChannelCall) -> ChannelAnswer:
        """Find what became of the attempt: approved, declined or unknown."""
        ...

    def listen(self, hear: Callable[[LateAnswer], Awaitable[None]]) -> None:
        """Name who hears late answers. `hear` returns when what follows is committed; OutcomeUnknown: tell it again."""
        ...
