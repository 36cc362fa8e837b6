"""What one batch does inside its transaction: replica, orders, payments, ledger, and the notes for people.

Split from the loop because it changes for another reason: the loop knows order and failure, this knows services.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud import intake_store, repairs
from cloud.alarms import raise_alarms, settle_alarms
from cloud.intake_replica import Receipt, answer_quiet_hellos, parked_row, store_batches
from cloud.ledger import handlers as ledger
from cloud.orders import handlers as orders
from cloud.payments import handlers as payments
from protocol.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cloud.consumer import LaneHandler
    from cloud.database import Database, Row, Transaction
    from cloud.intake import Sorted
    from cloud.intake_records import ReplicaRecord
    from cloud.payments.attempt import AttemptName, Call, CallResult, Reply
    from cloud.ports import Box, CatalogueShelf
    from cloud.repairs import Repair


@dataclass(slots=True)
class Batch:
    """All that one transaction carries. Store-only: frames are kept and parked, no rule sees them."""

    opened: Sorted
    results: Sequence[CallResult] = ()
    due: Sequence[AttemptName] = ()
    repairs: Sequence[Repair] = ()
    is_store_only: bool = False


@dataclass(slots=True)
class Services:
    """What the services need beside the database."""

    shelf: CatalogueShelf
    recovery: tuple[str, ...]
    minimum_delay_ms: int
    in_flight: Callable[[AttemptName], bool]
    lanes: Mapping[str, LaneHandler]


@dataclass(slots=True)
class Outcome:
    """What is to be done and said once the transaction is committed."""

    replies: list[Reply] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    changed_boxes: list[Box] = field(default_factory=list)
    unfinished: list[Repair] = field(default_factory=list)
    shards: dict[str, str] = field(default_factory=dict)
    frame_count: int = 0
    parked_count: int = 0
    refused_count: int = 0
    aside_count: int = 0


async def answer_quietly(database: Database, batch: Batch) -> Outcome | None:
    """Answer a batch of heartbeats that tell nothing new, without a transaction; None where there is more to do."""
    opened = batch.opened
    has_more = opened.requests or opened.others or opened.refused or opened.aside
    if has_more or batch.results or batch.due or batch.repairs or not opened.batches:
        return None
    receipts = await answer_quiet_hellos(database, opened.batches)
    return None if receipts is None else Outcome(receipts=receipts)


async def carry_out(tx: Transaction, batch: Batch, services: Services, now_ms: int) -> Outcome:
    """Carry out a batch. Repeating it after a rollback is the same as doing it once."""
    opened = batch.opened
    stored = await store_batches(tx, opened.batches, now_ms)
    records, parked = stored.records, list(stored.parked)
    if batch.is_store_only:
        poison = CallerError("rules-failed", "the rules failed on this message", "report it, then replay")
        parked += [parked_row(record, poison, now_ms) for record in records]
        records = []
    replay = await repairs.read_parked(tx, batch.repairs)
    records = [*replay.records, *records]
    booked = await orders.take(tx, records, services.shelf, now_ms)
    records = _without(records, booked.repeated)
    done = await payments.take(tx, _payments_work(batch, records, services), now_ms)
    rechecked, again = await repairs.recheck(tx, batch.repairs, services.shelf, now_ms)
    await ledger.book(tx, booked.entries + done.entries + again.entries, now_ms)
    parked += [parked_row(record, error, now_ms) for record, error in booked.parked]
    await _note(tx, opened, stored.aside, parked, now_ms)
    await settle_alarms(tx, done.settled, now_ms)
    await raise_alarms(tx, stored.alarms + booked.alarms + done.alarms + again.alarms)
    unfinished = await repairs.settle(tx, replay, rechecked, parked, now_ms)
    await _hand_to_lanes(tx, opened, services, now_ms)
    return Outcome(
        done.replies,
        list(stored.receipts.values()),
        done.calls,
        stored.quarantined,
        unfinished,
        await _shards(tx, done.replies, opened),
        stored.frame_count,
        len(parked),
        opened.refused.total(),
        len(opened.aside) + len(stored.aside),
    )


def _without(records: list[ReplicaRecord], repeated: Sequence[ReplicaRecord]) -> list[ReplicaRecord]:
    places = {(record.tenant, record.box, record.generation, record.seq) for record in repeated}
    if not places:
        return records
    return [r for r in records if (r.tenant, r.box, r.generation, r.seq) not in places]


def _payments_work(batch: Batch, records: Sequence[ReplicaRecord], services: Services) -> payments.Work:
    return payments.Work(
        batch.results,
        records,
        () if batch.is_store_only else batch.opened.requests,
        batch.due,
        services.recovery,
        services.minimum_delay_ms,
        services.in_flight,
    )


async def _note(
    tx: Transaction, opened: Sorted, aside: Sequence[Row], parked: Sequence[Row], now_ms: int
) -> None:
    await intake_store.park(tx, parked)
    await intake_store.set_aside(tx, [*opened.aside, *aside])
    refused = [(*key, times, now_ms) for key, times in sorted(opened.refused.items())]
    await intake_store.count_refused(tx, refused)


async def _hand_to_lanes(tx: Transaction, opened: Sorted, services: Services, now_ms: int) -> None:
    for lane, handler in services.lanes.items():
        messages = [message for message in opened.others if message.lane == lane]
        if messages:
            await handler.take(tx, messages, now_ms)


async def _shards(tx: Transaction, replies: Sequence[Reply], opened: Sorted) -> dict[str, str]:
    """Return the shard of each tenant that gets an answer."""
    shards = {request.box.tenant: request.box.shard for request in opened.requests}
    for tenant in {reply.tenant for reply in replies} - shards.keys():
        rows = await tx.fetch("SELECT shard FROM box WHERE tenant = $1 LIMIT 1", tenant)
        shards[tenant] = rows[0][0]
    return shards
