"""Receives what boxes ask, channels answer, replicas tell and time brings, a whole batch at once.

Everything here runs inside the consumer's transaction; the calls and replies that it returns are carried out after
the commit, so a call is never made for an intention that could still vanish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud.alarms import Alarm
from cloud.payments import replica_rules, rules, store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cloud.database import Transaction
    from cloud.intake_records import ReplicaRecord
    from cloud.ledger.rules import Entry
    from cloud.payments.attempt import AttemptName, Call, CallResult, LiveRequest, Reply


@dataclass(slots=True)
class Work:
    """What a batch holds for payments. `in_flight` tells whether a call for an attempt is running now."""

    results: Sequence[CallResult] = ()
    records: Sequence[ReplicaRecord] = ()
    requests: Sequence[LiveRequest] = ()
    due: Sequence[AttemptName] = ()
    recovery: tuple[str, ...] = ("reverse",)
    minimum_delay_ms: int = 0
    in_flight: Callable[[AttemptName], bool] = field(default=lambda _name: False)


@dataclass(slots=True)
class Done:
    """What follows for the ledger, for people, for boxes and for channels."""

    entries: list[Entry] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    settled: list[tuple[str, str, str]] = field(default_factory=list)  # alarms whose cause is gone
    replies: list[Reply] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


async def take(tx: Transaction, work: Work, now_ms: int) -> Done:
    """Move attempts as the work says: results first, so that questions of the same batch see them.

    Each part may come twice. An attempt that is past the state which a repeated message asks for stays as it is,
    and an entry of the ledger is named after the attempt and the number of its approval.
    """
    attempts = await store.load(tx, _names(work), _orders(work))
    moved = rules.Moved()
    for result in work.results:
        attempt = attempts.get((result.tenant, result.attempt))
        if attempt is not None:
            rules.hear(moved, attempt, result, now_ms)
    for record in work.records:
        replica_rules.match(moved, attempts, record, now_ms)
    for request in work.requests:
        _answer(moved, attempts, request, now_ms)
    for name in work.due:
        if name in attempts and not work.in_flight(name):
            rules.look(moved, attempts[name], work.recovery, work.minimum_delay_ms, now_ms)
    await store.save(tx, moved.changed.values())
    alarms = [
        Alarm(attempt.tenant, kind, str(attempt.attempt), attempt.shard, detail, now_ms)
        for attempt, kind, detail in moved.alarms
    ]
    settled = [(attempt.tenant, kind, str(attempt.attempt)) for attempt, kind in moved.settled]
    return Done(moved.entries, alarms, settled, moved.replies, moved.calls)


def _answer(moved: rules.Moved, attempts: replica_rules.Attempts, request: LiveRequest, now_ms: int) -> None:
    name = (request.box.tenant, request.attempt)
    attempt = attempts.get(name)
    if request.kind == "pay":
        attempt = rules.pay(moved, attempt, request, now_ms)
    elif request.kind == "reverse":
        attempt = rules.reverse(moved, attempt, request, now_ms)
    else:
        rules.query(moved, attempt, request)
    if attempt is not None:
        attempts[name] = attempt


def _names(work: Work) -> set[AttemptName]:
    names = {(result.tenant, result.attempt) for result in work.results}
    names.update((request.box.tenant, request.attempt) for request in work.requests)
    names.update(work.due)
    names.update(
        (record.tenant, int(record.fields["attempt"]))
        for record in work.records
        if record.kind in replica_rules.ABOUT_ATTEMPTS
    )
    return names


def _orders(work: Work) -> set[tuple[str, int]]:
    return {
        (record.tenant, record.order) for record in work.records if record.kind in replica_rules.ABOUT_SALES
    }
