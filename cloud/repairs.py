"""Repairs inside the consumer's transaction: parked records are booked after all, suspended prices checked again.

A repair goes in steps, each behind the last: what still cannot be mended is passed and never holds up what comes after.
Nothing of a repair is kept but its count, because what is mended is looked at no more: begun anew, it ends the same.
Who asked is in `repair_store`; who goes on after a failure is `cloud/consumer`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from cloud import intake_store, repair_store
from cloud.intake_records import ReplicaRecord, read_record
from cloud.intake_rules import JournalName
from cloud.orders import handlers as orders
from protocol.errors import TillboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Row, Transaction
    from cloud.ports import CatalogueShelf

REPAIRED_AT_ONCE = 256  # parked records or unchecked sales in one transaction: a fraction of a second


class Repair(NamedTuple):
    """One step of work over what could not be finished before: replay parked records, or check prices again.

    `request` names the row of whoever asked by command, "" for the poller's own; `after` is where the last step ended.
    """

    kind: Literal["replay", "recheck"]
    tenant: str
    request: str = ""
    at_once: int = REPAIRED_AT_ONCE
    after: Row = ()


@dataclass(slots=True)
class Step:
    """What one step looked at, in its order, and how much of it is mended."""

    repair: Repair
    places: list[Row] = field(default_factory=list)
    mended: int = 0

    @property
    def next(self) -> Repair | None:
        """The step that follows; None when nothing can be left. After a failure steps grow again by doubling."""
        if len(self.places) < self.repair.at_once:
            return None
        wider = min(2 * self.repair.at_once, REPAIRED_AT_ONCE)
        return self.repair._replace(at_once=wider, after=self.places[-1])


@dataclass(slots=True)
class Replay:
    """Parked records that were read again, and the steps that they belong to."""

    records: list[ReplicaRecord] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


async def read_parked(tx: Transaction, repairs: Sequence[Repair]) -> Replay:
    """Read parked records again, oldest first, each once. What still cannot be read stays parked."""
    replay = Replay()
    seen: set[Row] = set()
    for repair in repairs:
        if repair.kind != "replay":
            continue
        step = Step(repair)
        for row in await intake_store.parked(tx, repair.tenant, repair.after, repair.at_once):
            tenant, box, generation, seq, parked_ms, body, store, shard = row
            step.places.append((box, parked_ms, generation, seq))
            if (tenant, box, generation, seq) in seen:
                continue
            seen.add((tenant, box, generation, seq))
            try:
                replay.records.append(
                    read_record(JournalName(tenant, box, generation), seq, body, store, shard)
                )
            except TillboxError:
                continue
        replay.steps.append(step)
    return replay


async def recheck(
    tx: Transaction, repairs: Sequence[Repair], shelf: CatalogueShelf, now_ms: int
) -> tuple[list[Step], orders.Booked]:
    """Check the prices of suspended sales again; for the ledger and for people, what follows."""
    steps, booked = [], orders.Booked()
    for repair in repairs:
        if repair.kind != "recheck":
            continue
        (after,) = repair.after or (0,)
        looked = await orders.recheck(tx, repair.tenant, shelf, now_ms, limit=repair.at_once, after=after)
        booked.entries += looked.entries
        booked.alarms += looked.alarms
        steps.append(Step(repair, [(order,) for order in looked.rechecked], looked.checked_count))
    return steps, booked


async def settle(
    tx: Transaction, replay: Replay, rechecked: Sequence[Step], parked: Sequence[Row], now_ms: int
) -> list[Repair]:
    """Mark what is booked, count it for whoever asked, and return the steps that follow.

    `parked` are the rows of what was parked in this transaction, some of it perhaps once more.
    """
    again = {row[:4] for row in parked}
    places = [(record.tenant, record.box, record.generation, record.seq) for record in replay.records]
    booked = [place for place in places if place not in again]
    await intake_store.unpark(tx, booked)
    for step in replay.steps:
        own = {(step.repair.tenant, box, generation, seq) for box, _, generation, seq in step.places}
        step.mended = len(own.intersection(booked))
    following = []
    for step in [*replay.steps, *rechecked]:
        await _account(tx, step.repair, step.mended, step.next, now_ms)
        following += [step.next] if step.next is not None else []
    return following


async def pass_by(tx: Transaction, repair: Repair, now_ms: int) -> Repair | None:
    """Go behind the one thing on which a step failed by itself; it stays as it is."""
    if repair.kind == "replay":
        rows = await intake_store.parked(tx, repair.tenant, repair.after, 1)
        places: list[Row] = [(box, ms, generation, seq) for _, box, generation, seq, ms, *_ in rows]
    else:
        (after,) = repair.after or (0,)
        places = [(order,) for order in await orders.unchecked(tx, repair.tenant, limit=1, after=after)]
    following = Step(repair, places).next
    await _account(tx, repair, 0, following, now_ms)
    return following


async def _account(
    tx: Transaction, repair: Repair, mended: int, following: Repair | None, now_ms: int
) -> None:
    if not repair.request:
        return
    await repair_store.note(tx, repair.tenant, repair.request, mended)
    if following is None:
        await repair_store.end(tx, repair.tenant, repair.request, now_ms)
