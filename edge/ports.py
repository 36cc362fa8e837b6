"""What the agent needs from the world, as interfaces. Adapters implement them; simulators and the world replace them.

Nothing here imports an adapter. Every call that can wait is `async`; every call that can fail names its error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from protocol.receipt import Document


class Clock(Protocol):
    """The two clocks of a box. Records carry `utc_ms`; durations come from `monotonic_ms`."""

    def utc_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC; may jump."""

    def monotonic_ms(self) -> int:
        """Milliseconds since an arbitrary start; never goes back."""

    async def sleep_ms(self, delay_ms: int) -> None:
        """Wait at least `delay_ms`."""


class CardModule(Protocol):
    """The secure module as the agent sees it: no card number comes through here."""

    async def arm(self, amount_minor: int, currency: str) -> None:
        """Let the reader take a card."""

    async def disarm(self) -> None:
        """No card is wanted any more."""

    async def seal(self, attempt: int, amount_minor: int, currency: str) -> tuple[str, str, str]:
        """Seal the presented card for one attempt: (digest hex, masked number, brand). DeviceError when it cannot."""

    async def stored(self, attempt: int) -> str:
        """The sealed blob of an attempt, base64; DeviceError("card-blob-gone") when it was destroyed."""

    async def forget(self, attempt: int) -> None:
        """Destroy the sealed blob of an attempt; safe to repeat."""


class ReceiptPrinter(Protocol):
    """A receipt printer with the drawer behind it."""

    async def print(self, document: Document) -> tuple[str, str]:
        """Print one document: (printed | failed | unknown, SHA-256 of the receipt's bytes in hex or "")."""

    async def open_drawer(self) -> None:
        """Kick the drawer; DeviceError when the printer does not take it."""


class PoleDisplay(Protocol):
    """Two lines of twenty columns for the shopper."""

    async def show(self, upper: str, lower: str) -> None:
        """Show two lines; DeviceError when the line is dead."""


class WeighingScale(Protocol):
    """A scale that speaks only while watched."""

    def watch(self, *, is_wanted: bool) -> None:
        """Start or stop asking for weights."""


class RecordStore(Protocol):
    """The journal as the agent sees it. DeviceError when records cannot be kept."""

    def append(self, body: bytes) -> int:
        """Append one record and return its seq; it is durable soon, with its neighbours."""

    async def sync(self) -> None:
        """Return when everything appended is durable."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is held of one generation, and how far the cloud confirmed it."""

    generation: str
    oldest_seq: int
    synced_through: int
    synced_chain: bytes
    receipted_through: int


class JournalReader(Protocol):
    """The journal as the uplink sees it: only durable records. Errors as in `edge.journal.journal.Journal`."""

    def spans(self) -> list[Span]:
        """What is held and how far it is receipted, oldest generation first; at least one."""

    def frames(self, generation: str, from_seq: int) -> list[bytes]:
        """Encoded frames from a seq on, as many as one batch takes."""

    def chain_at(self, generation: str, seq: int) -> bytes | None:
        """The chain after a record, None when it is not held."""

    def prune(self, generation: str, through: int, chain: bytes, now_ms: int) -> None:
        """Take a receipt."""

    def forget_receipts(self) -> None:
        """The cloud was restored: nothing counts as receipted."""


class Uplink(Protocol):
    """The way to the cloud: the replica is pushed by itself, live requests are asked here."""

    def synced(self) -> None:
        """The journal grew by synced frames; they may be sent."""

    def ask(self, kind: str, payment: int, attempt: int, frame: bytes, blob: str, budget_ms: int) -> None:
        """Send a live request; the answer, or unknown at the end of the budget, comes back as an event."""

    def publish_state(self) -> None:
        """Retain the box's present state at the broker."""


class Screen(Protocol):
    """The shopper's screen."""

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        """The box may look different now: `look` gives the whole view, and is asked only where a page reads it."""


class ServedScreen(Screen, Protocol):
    """A screen that lives as long as the box; `address` is "" until it answers."""

    address: str

    async def run(self) -> None:
        """Serve until cancelled."""

    async def started(self) -> None:
        """Return once it answers."""


Post = Callable[[Any], None]
