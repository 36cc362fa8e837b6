"""Receives the records of a batch, lets the rules book them, and hands on what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud.alarms import Alarm
from cloud.intake_records import ReplicaRecord, read_record
from cloud.intake_rules import JournalName
from cloud.orders import rules, store
from cloud.orders.repeats import Repeats
from protocol.errors import PeerError, TillboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Transaction
    from cloud.ledger.rules import Entry
    from cloud.orders.state import Order
    from cloud.ports import CatalogueShelf, PriceVersions


@dataclass(slots=True)
class Booked:
    """What follows from a batch of records: for the ledger, for people, and what could not be booked."""

    entries: list[Entry] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    parked: list[tuple[ReplicaRecord, TillboxError]] = field(default_factory=list)
    repeated: list[ReplicaRecord] = field(default_factory=list)  # booked before from another generation
    rechecked: list[int] = field(default_factory=list)  # orders whose price was looked at again
    checked_count: int = 0  # how many of them have their price checked now


async def take(
    tx: Transaction, records: Sequence[ReplicaRecord], shelf: CatalogueShelf, now_ms: int
) -> Booked:
    """Book records that stand in the replica, in their order.

    Each frame reaches this function once, because the replica's position moves in the same transaction; a parked
    record that is replayed comes a second time only if it was not booked the first time. What a later generation of
    the box's journal tells once more is passed over.
    """
    booked = Booked()
    wanted = {(record.tenant, record.order) for record in records if record.order}
    if not wanted:
        return booked
    orders = await store.load(tx, sorted(wanted))
    touched: dict[store.OrderName, Order] = {}
    repeats = Repeats(tx)
    for record in records:
        if not record.order:
            continue
        name = (record.tenant, record.order)
        if await repeats.has(orders.get(name), record):
            booked.repeated.append(record)
            continue
        try:
            consequence = await _book(booked, orders, record, shelf, now_ms)
        except TillboxError as error:
            booked.parked.append((record, error))
            repeats.note(record, is_booked=False)
            order = orders.get(name)
            if order is not None and order.box == record.box:
                order.flag("parked-records")
                touched[name] = order
            continue
        touched[name] = orders[name]
        repeats.note(record, is_booked=True)
        booked.entries.extend(consequence.entries)
        _raise_alarm(booked, record, consequence, now_ms)
    await store.save(tx, touched.values())
    return booked


async def recheck(
    tx: Transaction, tenant: str, shelf: CatalogueShelf, now_ms: int, *, limit: int = 64, after: int = 0
) -> Booked:
    """Check again what was sold at versions that the shelf did not have, of orders behind `after`. Safe to repeat."""
    rows = await store.unchecked(tx, tenant, after, limit)
    booked = Booked(rechecked=[row[0] for row in rows])
    records = [
        read_record(JournalName(tenant, box, generation), seq, body, sold_at, shard)
        for _, box, generation, seq, sold_at, shard, body in rows
    ]
    if not records:
        return booked
    orders = await store.load(tx, [(tenant, record.order) for record in records])
    for record in records:
        order = orders[tenant, record.order]
        consequence = rules.recheck(order, record, await _versions(shelf, order))
        booked.entries.extend(consequence.entries)
        _raise_alarm(booked, record, consequence, now_ms)
        booked.checked_count += consequence is not rules.NOTHING
    await store.save(tx, orders.values())
    return booked


async def unchecked(tx: Transaction, tenant: str, *, limit: int, after: int = 0) -> list[int]:
    """Return orders whose price could not be checked, behind `after`."""
    return [row[0] for row in await store.unchecked(tx, tenant, after, limit)]


async def _book(
    booked: Booked,
    orders: dict[store.OrderName, Order],
    record: ReplicaRecord,
    shelf: CatalogueShelf,
    now_ms: int,
) -> rules.Consequence:
    name = (record.tenant, record.order)
    order = orders.get(name)
    if record.kind == "sale_opened":
        if order is not None:
            raise PeerError("order-twice", "the order was opened before", "look at the box's journal")
        orders[name] = rules.open_order(record, now_ms)
        _check_clock(booked, orders[name], record, now_ms)
        return rules.NOTHING
    if order is None:
        raise PeerError("order-unknown", "no record opened this order", "replay parked records")
    if order.box == record.box:
        _check_clock(booked, order, record, now_ms)
    versions = await _versions(shelf, order) if record.kind == "sale_completed" else None
    return rules.apply(order, record, versions)


def _check_clock(booked: Booked, order: Order, record: ReplicaRecord, now_ms: int) -> None:
    if rules.check_clock(order, record, now_ms):
        detail = f"a record of its order {order.order} says {record.at_ms}, it is {now_ms}"
        booked.alarms.append(
            Alarm(record.tenant, rules.CLOCK_WRONG, record.box, record.shard, detail, now_ms)
        )


async def _versions(shelf: CatalogueShelf, order: Order) -> PriceVersions | None:
    return await shelf.find(order.tenant, order.catalogue, order.overlay, order.taxes)


def _raise_alarm(booked: Booked, record: ReplicaRecord, consequence: rules.Consequence, now_ms: int) -> None:
    if consequence.alarm is not None:
        kind, detail = consequence.alarm
        booked.alarms.append(Alarm(record.tenant, kind, str(record.order), record.shard, detail, now_ms))
