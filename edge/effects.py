"""What the flows ask of the box: commands that the agent carries out, in order, after the records are safe.

A flow returns records and commands in one list. The agent appends every record first and, where one of them is
durable, syncs the journal before it carries out any command: write first, act second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protocol.receipt import Document


@dataclass(frozen=True, slots=True)
class Record:
    """Append one journal record of type `t`; the agent adds version, time and boot id."""

    t: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArmReader:
    """Let the reader take a card for this amount."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class DisarmReader:
    """Tell the reader that no card is wanted."""


@dataclass(frozen=True, slots=True)
class SealCard:
    """Ask the secure module to seal the presented card for one attempt."""

    attempt: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ForgetCard:
    """Destroy the sealed card data of an attempt: its result is durable."""

    attempt: int


@dataclass(frozen=True, slots=True)
class AskCloud:
    """Send a live request: `kind` is pay, query or reverse."""

    kind: str
    payment: int
    attempt: int
    budget_ms: int


@dataclass(frozen=True, slots=True)
class PrintReceipt:
    """Print a document; `copy` 0 is the original, n the n-th reprint."""

    order: int
    copy: int
    document: Document


@dataclass(frozen=True, slots=True)
class PrintSlip:
    """Print a paper that is no receipt and leaves no record: the reference of an unknown outcome."""

    document: Document


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    """Kick the cash drawer open."""


@dataclass(frozen=True, slots=True)
class ShowOnPole:
    """Show two lines of at most 20 columns on the pole display."""

    upper: str
    lower: str


@dataclass(frozen=True, slots=True)
class WatchScale:
    """Start or stop asking the scale for weights."""

    is_wanted: bool


@dataclass(frozen=True, slots=True)
class StartTimer:
    """(Re)start the named timer."""

    name: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Stop the named timer if it runs."""

    name: str


@dataclass(frozen=True, slots=True)
class ApplySettings:
    """The sale is over: take the offered settings of this version into use."""

    version: int


@dataclass(frozen=True, slots=True)
class ApplyVersions:
    """The sale is over: sell by the offered price versions of this publication from now on."""

    number: int
    from_ms: int


Command = (
    ArmReader
    | DisarmReader
    | SealCard
    | ForgetCard
    | AskCloud
    | PrintReceipt
    | PrintSlip
    | OpenDrawer
    | ShowOnPole
    | WatchScale
    | StartTimer
    | StopTimer
    | ApplySettings
    | ApplyVersions
)
Effect = Record | Command

# Records that must be on the disk before anything else happens (architecture: "The journal is the wire").
DURABLE = frozenset(
    {
        "tender_intended",
        "tender_result",
        "reversal_intended",
        "reversal_result",
        "fulfilment_result",
        "sale_completed",
        "sale_voided",
        "receipt_printed",
    }
)
