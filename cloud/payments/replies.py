"""How an attempt is told to its box: the answer to pay, query and reverse, from the state as it is now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.payments.attempt import Reply

if TYPE_CHECKING:
    from cloud.payments.attempt import Attempt, LiveRequest, RequestKind

IN_FLIGHT = "in-flight"
NEVER_SEEN = "never-seen"
REVERSED_BEFORE = "reversed-before"


def reply(attempt: Attempt, kind: RequestKind) -> Reply:
    """Tell the attempt as it is now: a repeated question gets the same answer as long as nothing changed."""
    outcome, reason = attempt.state, attempt.reason
    if kind == "reverse" and outcome in {"declined", "expired"}:
        outcome, reason = "reversed", "nothing-charged"
    elif outcome == "requested":
        outcome, reason = "unknown", IN_FLIGHT
    elif outcome == "reversing":
        outcome, reason = "unknown", "reversing"
    elif outcome == "reversed" and kind == "pay" and attempt.requested_ms == 0:
        outcome, reason = "refused", REVERSED_BEFORE
    return Reply(
        attempt.tenant,
        attempt.box,
        kind,
        attempt.payment,
        attempt.attempt,
        attempt.order,
        outcome,
        attempt.version,
        attempt.amount_minor if outcome == "approved" else 0,
        attempt.approval_code,
        attempt.rrn,
        attempt.response_code,
        reason,
        attempt.masked,
        attempt.brand,
        attempt.token,
    )


def refuse(request: LiveRequest, reason: str) -> Reply:
    """Refuse a request without touching any attempt."""
    return _plain(request, "refused", reason)


def never_seen(request: LiveRequest) -> Reply:
    """Say that the channel was never asked for this attempt, which is no promise that it will not be."""
    return _plain(request, "unknown", NEVER_SEEN)


def _plain(request: LiveRequest, outcome: str, reason: str) -> Reply:
    box = request.box
    return Reply(
        box.tenant,
        box.box,
        request.kind,
        request.payment,
        request.attempt,
        request.order,
        outcome,
        0,
        reason=reason,
    )
