"""The state that the flows hold between two events: the box, its open sale and the sale's tender.

All of it is immutable, so an event whose records cannot be written leaves nothing half changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from protocol.basket import SCAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.effects import Effect
    from edge.events import VersionsOffered
    from edge.settings import Settings
    from protocol.basket import Basket
    from protocol.catalogue import Prices
    from protocol.pricing.engine import Pricer
    from protocol.pricing.tax import TaxTable


@dataclass(frozen=True, slots=True)
class Now:
    """The instant of an event and the maker of new ids, handed in by the agent."""

    utc_ms: int
    monotonic_ms: int
    new_id: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Shop:
    """What prices a sale: the catalogue in force and the hashes that name it in the records."""

    prices: Prices
    currency: str
    catalogue: str
    overlay: str = ""
    promotions: str = ""
    # What a receipt says of where it was bought, beside the store's own lines: the box.
    place: str = ""
    # None where no publication brought a table: then that of the settings holds.
    taxes: TaxTable | None = None


@dataclass(frozen=True, slots=True)
class Tender:
    """One attempt to pay; `state` follows the table of `protocol.payment`."""

    payment: int
    attempt: int
    method: str
    amount_minor: int
    state: str = "intended"
    masked: str = ""
    brand: str = ""
    asked_ms: int = 0
    tendered_minor: int = 0
    change_minor: int = 0
    approval_code: str = ""
    rrn: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """One shopper's sale. `phase` names the page that the shopper sees."""

    order: int
    phase: str
    # Basket and pricer are copied before they change: an older state stays as it was.
    basket: Basket
    pricer: Pricer
    total_minor: int
    opened_at: int
    taxes: TaxTable
    # What the opening record names.
    taxes_hash: str
    tender: Tender | None = None
    waiting: Waiting | None = None
    is_age_approved: bool = False
    copies: int = 0
    is_printing: bool = False  # the shopper's receipt is asked for, and the printer has not said how it ended
    completed_at: int = 0  # UTC of its completion, known after a restart only
    decline_reason: str = ""
    # Why it cannot be completed any more after a restart: prices-changed, records-lost. Its money is asked back.
    spoilt_by: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A scanned item that cannot become a line before it has been weighed."""

    gtin: str
    name: str
    source: str = SCAN


@dataclass(frozen=True, slots=True)
class Box:
    """Everything the flows know about this box."""

    settings: Settings
    shop: Shop
    language: str = "en"
    sale: Sale | None = None
    # The last completed sale, kept for a reprint and for the thank-you page.
    last_sale: Sale | None = None
    # Reasons why no new sale may start; empty means in service.
    blocked: frozenset[str] = frozenset()
    devices: dict[str, str] = field(default_factory=dict)
    # Devices that this box was never given: nothing is offered that needs them, and they are no trouble.
    unbound: frozenset[str] = frozenset()
    is_linked: bool = False
    help_wanted: str = ""
    # A slug of the last thing the shopper should know: item-not-found, scanned-twice, code-unreadable ...
    notice: str = ""
    notice_line: int = 0
    is_warned: bool = False
    weight_g: int = 0
    weight_state: str = "unknown"
    offered: tuple[int, Settings] | None = None
    # Price versions that wait for the end of the open sale.
    offered_versions: VersionsOffered | None = None
    # Attempts whose reversal is asked for and not yet confirmed: (order, payment, attempt).
    reversing: tuple[tuple[int, int, int], ...] = ()

    @property
    def taxes(self) -> TaxTable:
        """The tax table that a new sale gets: the published one, or that of the settings."""
        return self.shop.taxes or self.settings.taxes

    def with_sale(self, **changes: object) -> Box:
        """This box with fields of its open sale changed."""
        if self.sale is None:
            return self
        return replace(self, sale=replace(self.sale, **changes))  # type: ignore[arg-type]


Decision = tuple[Box, list["Effect"]]


def open_sale(box: Box) -> Sale:
    """The open sale, where the flow cannot be reached without one."""
    assert box.sale is not None, "the dispatcher lets only events of an open sale through"
    return box.sale


def open_tender(sale: Sale) -> Tender:
    """The tender under way, where the flow cannot be reached without one."""
    assert sale.tender is not None, "only a sale with a tender gets here"
    return sale.tender
