"""What a box looks at once a second: its journal's room, and whether both copies are written. `main` has the loop."""

from __future__ import annotations

from edge.events import DeviceChanged, SellingBlocked, SellingUnblocked

# How often the journal's room is looked at: a sale takes longer than this.
WATCH_MS = 1_000
# The journal's name among the devices of a box.
JOURNAL = "journal"
# Reasons not to sell that come from the journal, as its errors and its refusals name them.
JOURNAL_REASONS = frozenset(
    {
        "journal-full",
        "journal-failed",
        "journal-not-durable",
        "journal-damaged",
        "journal-not-writable",
        "disk-full",
    }
)


def selling_changes(blocked: frozenset[str], refusal: str) -> list[SellingBlocked | SellingUnblocked]:
    """What the flows must be told when the journal refuses sales for the reason `refusal`, "" for none.

    A single record that was refused or not durable at once blocks under a name of its own; it ends with the trouble.
    """
    over = sorted(blocked & JOURNAL_REASONS - {refusal})
    changes: list[SellingBlocked | SellingUnblocked] = [SellingUnblocked(reason) for reason in over]
    return [*changes, SellingBlocked(refusal)] if refusal and refusal not in blocked else changes


def journal_changes(told: str, degraded: str) -> list[DeviceChanged]:
    """What the flows must be told when `degraded` names the copy that is out of use; `told` is what it was before."""
    if degraded == told:
        return []
    return [DeviceChanged(JOURNAL, "degraded" if degraded else "ready", degraded)]
