"""What happens to a box: past-tense events that the agent hands to the flows.

Device events of the peripherals' own wire level live in `edge.peripherals.events`; these here are the words that
the flows understand. Every event is a small frozen value. Read `edge/flows/checkout.py` next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.flows.state import Shop
    from edge.settings import Settings


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """A scanner read `text`, already free of prefix and suffix; `quantity` was keyed for it before (multi-buy)."""

    text: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """A scanner delivered bytes that are no code; `code` names the fault."""

    code: str
    what: str


@dataclass(frozen=True, slots=True)
class WeightRead:
    """The scale spoke: `state` is stable, moving, under, over, zero or unknown; `weight_g` counts only when stable."""

    weight_g: int
    state: str


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """A device reached `state`: absent, opening, ready, degraded or failed."""

    device: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CardPresented:
    """A card is in or on the reader; the number stays in the secure module."""

    masked: str
    brand: str
    entry: str


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card left the reader."""


@dataclass(frozen=True, slots=True)
class CardSealed:
    """The secure module keeps the sealed card data of `attempt`; `digest` is the SHA-256 of the sealed bytes."""

    attempt: int
    digest: str
    masked: str
    brand: str


@dataclass(frozen=True, slots=True)
class CardNotSealed:
    """The secure module could not read or seal the card of `attempt`."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentAnswered:
    """The cloud answered a live request; `answer` is the decoded response message."""

    kind: str
    attempt: int
    outcome: str
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CashReceived:
    """A person counted `tendered_minor` of cash into the drawer; `by` is the staff id."""

    tendered_minor: int
    by: str


@dataclass(frozen=True, slots=True)
class ReceiptPrinted:
    """The printer ended a receipt: `outcome` is printed, failed or unknown."""

    order: int
    copy: int
    outcome: str
    digest: str


@dataclass(frozen=True, slots=True)
class ShopperActed:
    """A touch on the shopper's screen; `action` is a name of `edge.flows.checkout.ACTIONS`."""

    action: str
    line: int = 0
    choice: str = ""


@dataclass(frozen=True, slots=True)
class AttendantActed:
    """A staff member, already checked by badge or PIN, did something at the box."""

    act: str
    by: str
    line: int = 0
    amount_minor: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer of the flows ran out."""

    name: str


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The way to the cloud opened or closed."""

    is_up: bool


@dataclass(frozen=True, slots=True)
class SettingsOffered:
    """A verified configuration waits to be applied between sales."""

    settings: Settings
    version: int


@dataclass(frozen=True, slots=True)
class VersionsOffered:
    """Fetched and verified price versions wait to be sold by, from the end of the open sale on."""

    shop: Shop
    number: int
    from_ms: int


@dataclass(frozen=True, slots=True)
class SellingBlocked:
    """Something outside the sale forbids new sales; `reason` is a slug such as journal-full or box-quarantined."""

    reason: str


@dataclass(frozen=True, slots=True)
class SellingUnblocked:
    """The trouble named `reason` is over."""

    reason: str


Event = (
    CodeScanned
    | CodeRefused
    | WeightRead
    | DeviceChanged
    | CardPresented
    | CardRemoved
    | CardSealed
    | CardNotSealed
    | PaymentAnswered
    | CashReceived
    | ReceiptPrinted
    | ShopperActed
    | AttendantActed
    | TimerFired
    | LinkChanged
    | SettingsOffered
    | VersionsOffered
    | SellingBlocked
    | SellingUnblocked
)
