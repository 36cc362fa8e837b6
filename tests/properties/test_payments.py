"""One attempt under any mixture of requests, answers, records and time: asked once, booked in balance, never stuck."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.intake_records import ReplicaRecord
from cloud.ledger.rules import CARD_CLEARING, balance_changes
from cloud.payments import replica_rules, rules
from cloud.payments.attempt import Attempt, CallResult, LiveRequest
from cloud.ports import Box, ChannelAnswer

BOX = Box("acme", "north", "till-1", 1, "2a", "serving", bytes(32), bytes(32))
AMOUNT = 633
NAME = ("acme", 9)
RECOVERY = ("query", "reverse")


def request(kind: Any) -> LiveRequest:
    digest = "intended" if kind == "pay" else ""
    return LiveRequest(BOX, kind, 8, 9, 40_000, "", 7, AMOUNT, "GBP", digest, reason="test", blob=b"card")


def record(kind: str, **fields: object) -> ReplicaRecord:
    return ReplicaRecord("acme", "till-1", "01" * 8, 1, "north", "2a", kind, 7, {"at": 1, **fields}, b"")


steps = st.sampled_from(
    ["pay", "pay", "query", "reverse", "approved", "declined", "unknown", "late", "wrong", "reversed", "refused",
     "expired", "time", "voided", "completed", "box-declined", "reversal-intended"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(steps, min_size=1, max_size=25))
def test_an_attempt_is_asked_once_and_its_bookings_follow_its_state(sequence) -> None:
    attempts: dict[Any, Attempt] = {}
    authorized = 0
    booked: list[Any] = []
    now_ms = 1_000
    for step in sequence:
        now_ms += 100
        moved = rules.Moved()
        now_ms = take(moved, attempts, step, now_ms)
        authorized += sum(call.kind == "authorize" for call in moved.calls)
        booked += moved.entries
        check(attempts.get(NAME), moved, booked)

    assert authorized <= 1
    assert len({entry.name for entry in booked}) == len(booked)
    for _ in range(30):
        attempt = attempts.get(NAME)
        if attempt is None or attempt.due_ms == 0:
            break
        now_ms = max(now_ms, attempt.due_ms)
        moved = rules.Moved()
        rules.look(moved, attempt, RECOVERY, 0, now_ms)
        for call in moved.calls:
            answer = ChannelAnswer("reversed" if call.kind == "reverse" else "unknown")
            rules.hear(moved, attempt, CallResult("acme", 9, call.kind, answer), now_ms)
        booked += moved.entries
    assert attempts.get(NAME) is None or attempts[NAME].due_ms == 0
    assert attempts.get(NAME) is None or attempts[NAME].state not in {"requested", "unknown", "reversing"}


def take(moved: rules.Moved, attempts: dict[Any, Attempt], step: str, now_ms: int) -> int:
    """Do one step; return the time after it."""
    attempt = attempts.get(NAME)
    if step == "pay":
        attempt = rules.pay(moved, attempt, request("pay"), now_ms)
    elif step == "query":
        rules.query(moved, attempt, request("query"))
    elif step == "reverse":
        attempt = rules.reverse(moved, attempt, request("reverse"), now_ms)
    elif step == "time" and attempt is not None and attempt.due_ms:
        now_ms = max(now_ms, attempt.due_ms)
        rules.look(moved, attempt, RECOVERY, 0, now_ms)
    elif step in {"voided", "completed", "box-declined", "reversal-intended"}:
        replica_rules.match(moved, attempts, told_by_replica(step), now_ms)
        return now_ms
    elif attempt is not None and attempt.requested_ms and step != "time":
        rules.hear(moved, attempt, said_by_channel(step), now_ms)
    if attempt is not None:
        attempts[NAME] = attempt
    return now_ms


def told_by_replica(step: str) -> ReplicaRecord:
    about = {"payment": "8", "attempt": "9", "reason": "test"}
    if step == "voided":
        return record("sale_voided", reason="")
    if step == "completed":
        return record("sale_completed", tenders=[{"attempt": "9"}])
    if step == "box-declined":
        return record("tender_result", outcome="declined", **about)
    return record("reversal_intended", **about)


def said_by_channel(step: Any) -> CallResult:
    if step == "expired":
        return CallResult("acme", 9, "expired", ChannelAnswer("declined"))
    if step in {"reversed", "refused"}:
        return CallResult("acme", 9, "reverse", ChannelAnswer(step))
    outcome: Any = "approved" if step in {"late", "wrong"} else step
    amount = AMOUNT + (step == "wrong") if outcome == "approved" else 0
    return CallResult("acme", 9, "authorize", ChannelAnswer(outcome, amount), is_late=step == "late")


def check(attempt: Attempt | None, moved: rules.Moved, booked: list[Any]) -> None:
    """The clearing account holds the amount exactly while an approval stands that was not undone."""
    held = balance_changes(booked).get(("acme", CARD_CLEARING, "GBP"), 0)
    if attempt is None:
        assert held == 0
        return
    assert held == AMOUNT * (attempt.approvals - attempt.reversals)
    if attempt.state == "approved":
        assert held == AMOUNT
    if attempt.state in {"reversed", "declined", "expired", "intended", "requested", "unknown"}:
        assert held == 0
    if attempt.state in {"requested", "unknown", "reversing"}:
        assert attempt.due_ms > 0
    assert all(reply.outcome != "approved" or attempt.state == "approved" for reply in moved.replies)
