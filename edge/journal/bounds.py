"""Every bound of the journal, as a number with its reason.

What happens at each stands in docs/explanation/journal.md.

A bound can be set lower by whoever opens a journal (tests do); the numbers here are the product's.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
DAY_MS = 86_400_000

SEGMENT_BYTES = (
    4 * MIB
)  # about ten thousand records: pruning frees a day or so at a time, a rescan takes a moment
QUOTA_BYTES = 512 * MIB  # thirty days without the cloud at a thousand sales a day, three times over
RESERVE_BYTES = 2 * MIB  # twice the largest sale: the running one always ends, and attendants can still act
SALE_BYTES_MAX = 1 * MIB  # the longest basket: a thousand lines of 0.5 KiB, all voided again, and its tenders
KEEP_MS = 7 * DAY_MS  # receipted records stay a week: a cloud restored from a backup asks for them
PENDING_BYTES_MAX = 1 * MIB  # unsynced records; a sync comes within 20 ms, so only a dead disk gets this far
RECENT_BYTES_MAX = 1 * MIB  # the live tail kept in memory, so that uploading reads no file
MARK_EVERY = 64  # one offset in memory for so many frames: a read walks at most this many to its start
REPAIRS_MAX = 2  # times a failed write is tried in a fresh file before the journal says it cannot
SHARED_SYNC_S = 0.02  # basket lines share one sync within 20 ms; a tender never waits for it


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one journal, in bytes and milliseconds."""

    segment_bytes: int = SEGMENT_BYTES
    quota_bytes: int = QUOTA_BYTES
    reserve_bytes: int = RESERVE_BYTES
    keep_ms: int = KEEP_MS
    pending_bytes_max: int = PENDING_BYTES_MAX
    recent_bytes_max: int = RECENT_BYTES_MAX
