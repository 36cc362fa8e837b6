"""What a starting box remembers: its open sale, unconfirmed reversals and newest id, read back from the journal.

Of all generations only the end of the journal is read: what the cloud has not confirmed, and at least as many records
as one sale can have. Of that, as many records as one sale can have are kept, and all reversals. An unconfirmed reversal
that the cloud holds already is its business: it reverses from the replica too.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from edge.flows import recovery
from protocol.errors import PeerError
from protocol.frame import encode_frame
from protocol.identifiers import IdMaker, parts
from protocol.limits import MAX_BASKET_LINES
from protocol.records import decode_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.flows.state import Box
    from edge.journal.held import Stored
    from edge.journal.journal import Journal
    from edge.ports import Span

# Every line once added and once voided, and the attendant's acts, tenders and results around them.
LOOK_BACK_RECORDS = 2 * MAX_BASKET_LINES + 512
# What each start since the newest recorded id may have made and lost unsynced, while the clock stood behind: a hundred
# ticks hold 25,600 ids, far more than ever wait for a disk.
LOST_TICKS = 100

_OF_SALE = b'"order":'  # whatever is folded, or carries an id, belongs to an order
_STARTED = b'"t":"box_started"'
_REVERSAL = b'"t":"reversal_'
_INTENDED = b"reversal_intended"

_log = logging.getLogger(__name__)


def recent_records(journal: Journal) -> list[dict[str, Any]]:
    """The decoded records that a start has to look at, in order; a body of another version is passed over.

    Their number is bounded, however long the cloud was away and however many generations damage has left.
    """
    reversals: list[Stored] = []
    recent: deque[Stored] = deque()
    for entry in journal.records(_starts(journal)):
        if _OF_SALE not in entry.body and _STARTED not in entry.body:
            continue
        recent.append(entry)
        if len(recent) > LOOK_BACK_RECORDS and _REVERSAL in (oldest := recent.popleft()).body:
            reversals.append(oldest)
    return list(_decoded([*reversals, *recent]))


def reversal_frames(journal: Journal, box: Box) -> dict[int, bytes]:
    """The frames of the reversals that nobody confirmed, by attempt: asking again carries the same bytes.

    They are made from what was read: the rest of such a segment may be damaged, as nobody scans it who has receipts.
    """
    wanted = {str(attempt): attempt for _, _, attempt in box.reversing}
    found: dict[int, bytes] = {}
    for entry in journal.records(_starts(journal)) if wanted else ():
        if _INTENDED not in entry.body:
            continue
        record = next(_decoded([entry]), {})
        if record.get("t") == "reversal_intended" and record["attempt"] in wanted:
            found[wanted[record["attempt"]]] = encode_frame(entry.seq, entry.chain, entry.body)
    return found


def recall(box: Box, records: Iterable[dict[str, Any]]) -> Box:
    """The box as the records left it."""
    return recovery.rebuild(box, records)


def id_maker(box_number: int, records: Iterable[dict[str, Any]]) -> IdMaker:
    """A maker that goes on above every recorded id of this box number, whatever the clock says.

    And above those that were shown and lost with the power before they were on the disk: none is ever made twice.
    """
    newest, starts = 0, 1
    for record in records:
        found = recovery.newest_id([record])
        if found > newest:
            newest, starts = found, 1
        starts += record["t"] == "box_started"
    if not newest:
        return IdMaker(box_number)
    tick, number, sequence = parts(newest)
    if number != box_number:
        return IdMaker(box_number)
    return IdMaker(box_number, tick + starts * LOST_TICKS, sequence)


def _starts(journal: Journal) -> dict[str, int]:
    """Where to begin in each generation: at what is not confirmed, or as far back as one sale can reach."""
    starts: dict[str, int] = {}
    wanted = LOOK_BACK_RECORDS
    spans: list[Span] = journal.spans()
    for span in reversed(spans):
        reach = max(span.oldest_seq, span.synced_through - wanted + 1)
        wanted -= span.synced_through - reach + 1
        starts[span.generation] = max(1, min(span.receipted_through + 1, reach))
    return starts


def _decoded(stored: Iterable[Stored]) -> Iterator[dict[str, Any]]:
    for entry in stored:
        try:
            yield decode_record(entry.body)
        except PeerError as unreadable:
            _log.warning("record %s of %s is passed over: %s", entry.seq, entry.generation, unreadable.code)
