"""What the replica of a box's journal says about attempts, matched against what payments knows. Pure.

The replica never makes an approval: it names intentions, tells what the box believes, and ends sales. What it
shows to be wrong is undone: an approval of a voided sale, one that the box holds for declined, one beside the
tender that the sale was completed with, and any whose reversal the box intends. How a sale ended stays: a box that
goes back on it raises an alarm and moves no money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.payments.attempt import Attempt
from cloud.payments.requests import intention_digest
from cloud.payments.rules import OTHER_BODY, ask_after, stop_waiting, undo, undo_for_box

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.intake_records import ReplicaRecord
    from cloud.payments.attempt import AttemptName
    from cloud.payments.rules import Moved

Attempts = dict["AttemptName", Attempt]

ABOUT_ATTEMPTS = frozenset({"tender_intended", "tender_result", "reversal_intended"})
ABOUT_SALES = frozenset({"sale_completed", "sale_voided"})


def match(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    """Take one record of the replica; records that say nothing about cards change nothing."""
    rule = _RULES.get(record.kind)
    if rule is not None:
        rule(moved, attempts, record, now_ms)


def _intended(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    del now_ms
    fields = record.fields
    if fields["method"] != "card":
        return
    digest = intention_digest(record.body)
    attempt = attempts.get((record.tenant, int(fields["attempt"])))
    if attempt is None:
        attempt = _new(attempts, record)
        attempt.amount_minor, attempt.currency = fields["amount_minor"], fields["currency"]
        attempt.masked, attempt.brand = fields["masked"], fields["brand"]
        attempt.intention_digest, attempt.intended_ms = digest, record.at_ms
        moved.change(attempt)
    elif attempt.intention_digest not in {"", digest} or attempt.box != record.box:
        moved.alarms.append((attempt, OTHER_BODY, "the replica holds another intention than was asked for"))


def _resulted(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    attempt = _own(attempts, record)
    if attempt is None:
        return
    outcome = record.fields["outcome"]
    attempt.box_outcome = outcome
    moved.change(attempt)
    if outcome == "approved" and attempt.state == "intended":
        ask_after(moved, attempt, now_ms)
    elif outcome == "approved" and attempt.state != "approved":
        moved.alarms.append((attempt, "approval-not-ours", f"the box says approved, it is {attempt.state}"))
    if outcome in {"declined", "reversed"}:
        undo_for_box(moved, attempt, "box-says-" + outcome, now_ms)


def _reversal_intended(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    name = (record.tenant, int(record.fields["attempt"]))
    attempt = _own(attempts, record) if name in attempts else _new(attempts, record)
    if attempt is not None:
        undo_for_box(moved, attempt, record.fields["reason"] or "asked", now_ms)


def _completed(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    paid_with = {int(tender["attempt"]) for tender in record.fields["tenders"]}
    for attempt in _of_order(attempts, record):
        stop_waiting(moved, attempt)
        if attempt.sale != "voided":
            attempt.sale = "completed"
        moved.change(attempt)
        if attempt.attempt not in paid_with:
            undo(moved, attempt, "not-in-sale", now_ms)
        elif attempt.state != "approved":
            detail = f"the sale was completed with it, but it is {attempt.state}"
            moved.alarms.append((attempt, "completed-without-money", detail))


def _voided(moved: Moved, attempts: Attempts, record: ReplicaRecord, now_ms: int) -> None:
    for attempt in _of_order(attempts, record):
        stop_waiting(moved, attempt)
        if attempt.sale != "completed":
            attempt.sale = "voided"
        moved.change(attempt)
        undo_for_box(moved, attempt, "sale-voided", now_ms)


def _own(attempts: Attempts, record: ReplicaRecord) -> Attempt | None:
    attempt = attempts.get((record.tenant, int(record.fields["attempt"])))
    return attempt if attempt is not None and attempt.box == record.box else None


def _of_order(attempts: Attempts, record: ReplicaRecord) -> list[Attempt]:
    return [
        attempt
        for attempt in attempts.values()
        if (attempt.tenant, attempt.order, attempt.box) == (record.tenant, record.order, record.box)
    ]


def _new(attempts: Attempts, record: ReplicaRecord) -> Attempt:
    fields = record.fields
    attempt = Attempt(
        record.tenant,
        int(fields["attempt"]),
        record.shard,
        record.store,
        record.box,
        record.order,
        int(fields["payment"]),
    )
    attempts[attempt.name] = attempt
    return attempt


_RULES: dict[str, Callable[[Moved, Attempts, ReplicaRecord, int], None]] = {
    "tender_intended": _intended,
    "tender_result": _resulted,
    "reversal_intended": _reversal_intended,
    "sale_completed": _completed,
    "sale_voided": _voided,
}
