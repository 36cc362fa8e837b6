"""Stores the frames of a delivery and says what the receipts will say. Runs inside the consumer's transaction.

Strict, but never stuck: a frame whose chain holds is stored and receipted whatever its body says; a body that
cannot be read is parked with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud import intake_store
from cloud.alarms import Alarm
from cloud.intake import aside_row
from cloud.intake_records import ReplicaRecord, read_record
from cloud.intake_rules import JournalName, Position, advance, first_position, judge_frames, judge_hello
from protocol.errors import PeerError, TillboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Row, Transaction
    from cloud.intake import ReplicaBatch
    from cloud.intake_rules import ReceiptStatus, Verdict
    from cloud.ports import Box
    from protocol.frame import Frame

_FORKED = PeerError(
    "journal-forked", "the chain differs from what is stored", "run tillbox doctor at the box"
)
JOURNAL_HOLE = "journal-hole"


@dataclass(slots=True)
class Receipt:
    """What a box is told about one of its journals."""

    box: Box
    generation: str
    through: int
    chain: bytes
    status: ReceiptStatus
    resend_from: int


@dataclass(slots=True)
class Stored:
    """What became of a delivery's frames."""

    records: list[ReplicaRecord] = field(default_factory=list)
    parked: list[Row] = field(default_factory=list)
    receipts: dict[JournalName, Receipt] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    aside: list[Row] = field(default_factory=list)
    quarantined: list[Box] = field(default_factory=list)
    frame_count: int = 0


async def store_batches(tx: Transaction, batches: Sequence[ReplicaBatch], now_ms: int) -> Stored:
    """Store fresh frames and move the positions.

    Safe to repeat: frames at or before a position are only compared, and answered with a receipt again.
    """
    stored = Stored()
    if not batches:
        return stored
    positions = await intake_store.load_positions(tx, sorted({batch.journal for batch in batches}))
    rows: list[Row] = []
    for batch in batches:
        position = positions.get(batch.journal)
        if position is None:
            position = positions[batch.journal] = first_position(batch.journal, now_ms)
        hello = batch.hello
        verdict = judge_frames(position, batch.frames) if hello is None else judge_hello(position, hello)
        await _compare(tx, batch.journal, position, verdict)
        if verdict.hole is not None:
            _note_hole(stored, batch, position.through + 1, verdict.hole[0], now_ms)
        advance(position, verdict)
        for frame in verdict.fresh:
            rows.append((*batch.journal, frame.seq, batch.box.shard, frame.chain, frame.body, now_ms))
            _read(stored, batch, frame, now_ms)
        if verdict.status == "fork":
            _note_fork(stored, batch, now_ms)
        _write_receipt(stored, batch, position, verdict)
    stored.frame_count = len(rows)
    await intake_store.add_frames(tx, rows)
    shards = {batch.box.tenant: batch.box.shard for batch in batches}
    await intake_store.save_positions(tx, positions, shards, now_ms)
    for box in stored.quarantined:
        await intake_store.quarantine(tx, box.tenant, box.box, _FORKED.code, now_ms)
    return stored


async def answer_quiet_hellos(database: Database, batches: Sequence[ReplicaBatch]) -> list[Receipt] | None:
    """Answer hellos that tell just what is stored, as most heartbeats do: there is nothing to write for them.

    None when any of the batches is something else: it takes a transaction then. Only for the one writer of these
    positions, between its transactions.
    """
    positions = await intake_store.load_positions(database, sorted({batch.journal for batch in batches}))
    receipts: dict[JournalName, Receipt] = {}
    for batch in batches:
        position = positions.get(batch.journal)
        hello = batch.hello
        if (
            position is None
            or hello is None
            or (hello.last_seq, hello.chain) != (position.through, position.chain)
        ):
            return None
        generation = batch.journal.generation
        receipts[batch.journal] = Receipt(
            batch.box, generation, position.through, position.chain, "ok", resend_from=0
        )
    return list(receipts.values())


def parked_row(record: ReplicaRecord, error: TillboxError, now_ms: int) -> Row:
    """Make the row of a record that was read but could not be booked."""
    place = (record.tenant, record.box, record.generation, record.seq, record.shard)
    return (*place, record.order, error.code, error.what, "parked", 1, now_ms)


async def _compare(tx: Transaction, journal: JournalName, position: Position, verdict: Verdict) -> None:
    """Compare a duplicate's chain value with the stored one, where the position alone cannot tell."""
    if not 0 < verdict.compare < position.through:
        return
    stored_chain = await intake_store.chain_at(tx, journal, verdict.compare)
    if stored_chain is not None and stored_chain != verdict.compare_chain:
        verdict.status, verdict.resend_from = "fork", 0


def _read(stored: Stored, batch: ReplicaBatch, frame: Frame, now_ms: int) -> None:
    try:
        stored.records.append(
            read_record(batch.journal, frame.seq, frame.body, batch.box.store, batch.box.shard)
        )
    except TillboxError as error:
        place = (*batch.journal, frame.seq, batch.box.shard)
        stored.parked.append((*place, 0, error.code, error.what, "parked", 1, now_ms))


def _note_fork(stored: Stored, batch: ReplicaBatch, now_ms: int) -> None:
    box = batch.box
    stored.alarms.append(
        Alarm(
            box.tenant, _FORKED.code, f"{box.box}/{batch.journal.generation}", box.shard, _FORKED.what, now_ms
        )
    )
    stored.aside.append(aside_row(box, batch.topic, batch.payload, _FORKED, now_ms))
    stored.quarantined.append(box)


def _note_hole(stored: Stored, batch: ReplicaBatch, first: int, last: int, now_ms: int) -> None:
    """Records that a backup has forgotten and the box has given away: nobody holds them, and somebody must know."""
    box = batch.box
    what = f"records {first} to {last} are neither in this cloud nor on the box: compare with the channel's books"
    subject = f"{box.box}/{batch.journal.generation}/{first}"
    stored.alarms.append(Alarm(box.tenant, JOURNAL_HOLE, subject, box.shard, what, now_ms))


def _write_receipt(stored: Stored, batch: ReplicaBatch, position: Position, verdict: Verdict) -> None:
    """Keep one receipt for each journal: the newest position with the worst that happened."""
    before = stored.receipts.get(batch.journal)
    status: ReceiptStatus = verdict.status
    resend_from = verdict.resend_from
    if before is not None and before.status != "ok" and status == "ok":
        status = before.status
        resend_from = position.through + 1 if before.resend_from else 0
    stored.receipts[batch.journal] = Receipt(
        batch.box, batch.journal.generation, position.through, position.chain, status, resend_from
    )
