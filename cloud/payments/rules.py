"""What happens to an attempt when a box asks, a channel answers, or its time comes. Pure.

One effect for one attempt: an attempt is asked of the channel once, answered as often as the box likes, and
reversed once. Nothing here calls a channel: a rule says which call follows, the handler commits, then the call is
made. What the replica says of an attempt is in `replica_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud.ledger import rules as ledger
from cloud.payments.attempt import Attempt, Call, Reply
from cloud.payments.replies import REVERSED_BEFORE, never_seen, refuse, reply
from protocol import payment as lifecycle

if TYPE_CHECKING:
    from cloud.payments.attempt import CallResult, LiveRequest
    from cloud.ports import ChannelAnswer

# Looks at an unresolved attempt: soon at first, for the shopper who waits; then as a janitor, for ever.
DUE_INTERVALS_MS = (5_000, 10_000, 30_000, 120_000, 600_000, 3_600_000, 86_400_000)
# A call that has not answered so long after its deadline was lost with the process that made it.
LOST_CALL_MS = 10_000
# A box ends a sale within seconds of its approval and tells it at once; a router or a box that lost its power is back
# within minutes. After that somebody should look, while the shopper may be in the shop and the acquirer's day is open.
UNFINISHED_MS = 900_000
# A deadline further away than this is a wrong clock at the box; nobody waits so long at a till.
MAX_BUDGET_MS = 180_000

OTHER_BODY = "other-body"
UNDO_AFTER_SALE = "undo-after-sale"
SALE_COMPLETED = "sale-completed"
SALE_UNFINISHED = "sale-unfinished"


@dataclass(slots=True)
class Moved:
    """What follows from what was just heard; alarms are (attempt, kind, detail)."""

    entries: list[ledger.Entry] = field(default_factory=list)
    alarms: list[tuple[Attempt, str, str]] = field(default_factory=list)
    settled: list[tuple[Attempt, str]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    changed: dict[tuple[str, int], Attempt] = field(default_factory=dict)

    def change(self, attempt: Attempt) -> None:
        """Note that the attempt is to be written."""
        attempt.version += 1
        self.changed[attempt.name] = attempt


def pay(moved: Moved, attempt: Attempt | None, request: LiveRequest, now_ms: int) -> Attempt | None:
    """Answer a pay request; return the attempt, a new one if it was never heard of.

    The same id with the same body has one effect and one answer, also while the first is in flight: the answer
    then comes when the channel's does. Another body under the same id is refused and alarmed.
    """
    refusal = _refusal(attempt, request)
    if refusal:
        moved.replies.append(refuse(request, refusal))
        if refusal == OTHER_BODY and attempt is not None:
            moved.alarms.append((attempt, OTHER_BODY, "a pay request came again with another body"))
        return attempt
    if attempt is None:
        attempt = _attempt_of(request)
    if attempt.state == "intended":
        _begin(moved, attempt, request, now_ms)
    elif attempt.state != "requested":
        moved.replies.append(reply(attempt, "pay"))
    return attempt


def query(moved: Moved, attempt: Attempt | None, request: LiveRequest) -> None:
    """Tell a box what is known of an attempt. It changes nothing."""
    if attempt is None or attempt.state == "intended":
        moved.replies.append(never_seen(request))
    else:
        moved.replies.append(reply(attempt, "query"))


def reverse(moved: Moved, attempt: Attempt | None, request: LiveRequest, now_ms: int) -> Attempt | None:
    """Undo an attempt because its box asks; the answer comes when it is undone.

    An attempt that was never heard of becomes a tombstone: a pay that arrives later is refused.
    """
    if request.fault:
        moved.replies.append(refuse(request, request.fault))
        return attempt
    if attempt is None:
        attempt = _attempt_of(request)
    elif attempt.box != request.box.box:
        moved.replies.append(refuse(request, "attempt-of-another-box"))
        return attempt
    if not undo_for_box(moved, attempt, request.reason or "asked", now_ms):
        moved.replies.append(refuse(request, SALE_COMPLETED))
    elif attempt.state in {"reversed", "declined", "expired"}:
        moved.replies.append(reply(attempt, "reverse"))
    return attempt


def undo(moved: Moved, attempt: Attempt, reason: str, now_ms: int) -> None:
    """Have an attempt undone, whoever wants it. Safe to repeat: what is undone or on its way stays as it is."""
    if attempt.state in {"reversed", "reversing", "declined", "expired"}:
        return
    stop_waiting(moved, attempt)
    if attempt.state == "requested":
        if not attempt.reversal_reason:
            attempt.reversal_reason = reason
            moved.change(attempt)
        return
    attempt.reversal_reason = attempt.reversal_reason or reason
    attempt.state = lifecycle.next_state(attempt.state, "reversal_requested")
    # The channel is asked even where we know of no request: a restored database may have forgotten it, and a
    # reversal of what never was costs the channel one tombstone.
    attempt.tries = 0
    _call(moved, attempt, "reverse", now_ms)
    moved.change(attempt)


def undo_for_box(moved: Moved, attempt: Attempt, reason: str, now_ms: int) -> bool:
    """Have an attempt undone as its box wishes; False when its completed sale was paid with it.

    The goods left with that sale, and "completed" has no way out in `protocol/order`. A box that goes back on it is
    faulty or has lost a part of its journal: a person decides.
    """
    is_at_rest = attempt.state in {"reversed", "reversing", "declined", "expired"}
    if attempt.sale == "completed" and not attempt.reversal_reason and not is_at_rest:
        detail = f"the box wants it undone ({reason}) after it completed the sale with it"
        moved.alarms.append((attempt, UNDO_AFTER_SALE, detail))
        return False
    undo(moved, attempt, reason, now_ms)
    return True


def ask_after(moved: Moved, attempt: Attempt, now_ms: int) -> None:
    """Ask the channel about an approval that only the box remembers: the database was restored from before it."""
    for event in ("requested", "timed_out"):
        attempt.state = lifecycle.next_state(attempt.state, event)
    attempt.reason, attempt.tries, attempt.due_ms = "cloud-restored", 0, now_ms
    moved.change(attempt)


def stop_waiting(moved: Moved, attempt: Attempt) -> None:
    """Note that an approval waits no longer for the end of its sale, which has come, or its money goes back."""
    if attempt.state == "approved" and attempt.sale == "open":
        if attempt.due_ms == 0:  # it was looked at, so its alarm is open
            moved.settled.append((attempt, SALE_UNFINISHED))
        attempt.due_ms = 0


def hear(moved: Moved, attempt: Attempt, result: CallResult, now_ms: int) -> None:
    """Take what a channel said. Late, double and contradicting answers have each their place."""
    if result.kind == "expired":
        _expire(moved, attempt)
    elif result.kind == "reverse" or result.answer.outcome == "reversed":
        _hear_reversal(moved, attempt, result.answer, now_ms)
    elif result.kind == "authorize" and not result.is_late and attempt.state != "requested":
        return  # A late answer or the poller was faster.
    elif result.answer.outcome == "approved":
        _hear_approval(moved, attempt, result.answer, now_ms)
    elif result.answer.outcome == "declined":
        _hear_decline(moved, attempt, result.answer, now_ms)
    elif attempt.state == "requested":
        _lose(moved, attempt, result.answer.reason or "no-answer", now_ms)


def look(
    moved: Moved, attempt: Attempt, recovery: tuple[str, ...], minimum_delay_ms: int, now_ms: int
) -> None:
    """Act on an attempt whose time has come, in the order that its channel declares for unknowns."""
    if attempt.due_ms == 0 or attempt.due_ms > now_ms:
        return
    if attempt.state == "requested":
        _lose(moved, attempt, "lost", now_ms)
    elif attempt.state == "reversing":
        _call(moved, attempt, "reverse", now_ms)
        moved.change(attempt)
    elif attempt.state == "unknown":
        _settle_unknown(moved, attempt, recovery, minimum_delay_ms, now_ms)
    else:
        if attempt.state == "approved" and attempt.sale == "open":
            detail = (
                f"box {attempt.box} took {attempt.amount_minor} {attempt.currency} for order {attempt.order}"
            )
            moved.alarms.append((attempt, SALE_UNFINISHED, f"{detail} and did not tell how the sale ended"))
        attempt.due_ms = 0
        moved.change(attempt)


def _settle_unknown(
    moved: Moved, attempt: Attempt, recovery: tuple[str, ...], minimum_delay_ms: int, now_ms: int
) -> None:
    earliest_ms = attempt.requested_ms + minimum_delay_ms
    if now_ms < earliest_ms:
        attempt.due_ms = earliest_ms
    elif attempt.box_outcome == "approved" and "query" in recovery:
        _call(moved, attempt, "query", now_ms)  # its box handed the goods over: ask until the channel says
    elif recovery[min(attempt.tries, len(recovery) - 1)] != "reverse":
        _call(moved, attempt, "query", now_ms)
    elif attempt.box_outcome != "approved":
        undo(moved, attempt, "unknown", now_ms)
        return
    elif undo_for_box(moved, attempt, "unknown", now_ms):
        return
    else:
        attempt.due_ms = 0  # the goods left with a completed sale: its alarm waits for a person
    moved.change(attempt)


def _refusal(attempt: Attempt | None, request: LiveRequest) -> str:
    if request.fault:
        return request.fault
    if attempt is not None:
        if attempt.box != request.box.box:
            return "attempt-of-another-box"
        if not attempt.intention_digest:
            return REVERSED_BEFORE
        if attempt.intention_digest != request.digest:
            return OTHER_BODY
        if attempt.state != "intended":
            return ""
    return "" if request.box.status == "serving" else "box-" + request.box.status


def _begin(moved: Moved, attempt: Attempt, request: LiveRequest, now_ms: int) -> None:
    moved.change(attempt)
    attempt.deadline_ms = min(request.deadline_ms, now_ms + MAX_BUDGET_MS)
    if attempt.deadline_ms <= now_ms:
        _expire(moved, attempt)
        return
    attempt.state = lifecycle.next_state(attempt.state, "requested")
    attempt.requested_ms = now_ms
    attempt.due_ms = attempt.deadline_ms + LOST_CALL_MS
    moved.calls.append(Call("authorize", attempt.call(), request.blob, attempt.deadline_ms))


def _expire(moved: Moved, attempt: Attempt) -> None:
    """End an attempt that came too late to be asked of the channel: nobody is charged after walking away."""
    if attempt.state not in {"intended", "requested"}:
        return
    attempt.state = lifecycle.next_state(attempt.state, "expired")
    attempt.reason, attempt.due_ms = "deadline-passed", 0
    moved.change(attempt)
    moved.replies.append(reply(attempt, "reverse" if attempt.reversal_reason else "pay"))


def _hear_approval(moved: Moved, attempt: Attempt, answer: ChannelAnswer, now_ms: int) -> None:
    if attempt.state == "approved":
        return
    if answer.amount_minor != attempt.amount_minor:
        detail = f"approved {answer.amount_minor} instead of {attempt.amount_minor}"
        moved.alarms.append((attempt, "channel-amount-differs", detail))
        if attempt.state == "requested":
            _lose(moved, attempt, "amount-differs", now_ms)
        if attempt.state == "unknown":
            undo(moved, attempt, "amount-differs", now_ms)
        return
    was_waited_for = attempt.state == "requested"
    _note_answer(attempt, answer, now_ms)
    attempt.approvals += 1
    moved.entries.append(
        ledger.card_approved(_subject(attempt, now_ms), attempt.approvals, attempt.amount_minor)
    )
    moved.change(attempt)
    if attempt.state == "reversing":
        return  # Its reversal is on the way and undoes this too.
    if attempt.state in {"reversed", "declined", "expired"}:
        moved.alarms.append((attempt, "late-approval", f"approved after it was {attempt.state}"))
        attempt.reversal_reason = attempt.reversal_reason or "late-approval"
        attempt.state = lifecycle.next_state(attempt.state, "approved")
        attempt.tries = 0
        _call(moved, attempt, "reverse", now_ms)
        return
    attempt.state = lifecycle.next_state(attempt.state, "approved")
    attempt.reason, attempt.tries = answer.reason, 0
    attempt.due_ms = now_ms + UNFINISHED_MS if attempt.sale == "open" else 0
    if attempt.reversal_reason or attempt.sale == "voided":
        undo(moved, attempt, attempt.reversal_reason or "sale-voided", now_ms)
    else:
        moved.replies.append(reply(attempt, "pay" if was_waited_for else "query"))


def _hear_decline(moved: Moved, attempt: Attempt, answer: ChannelAnswer, now_ms: int) -> None:
    if attempt.state not in {"requested", "unknown"}:
        return
    was_waited_for = attempt.state == "requested"
    _note_answer(attempt, answer, now_ms)
    attempt.state = lifecycle.next_state(attempt.state, "declined")
    attempt.reason, attempt.due_ms = answer.reason or "declined", 0
    moved.change(attempt)
    moved.replies.append(reply(attempt, "pay" if was_waited_for else "query"))
    if attempt.reversal_reason:
        moved.replies.append(reply(attempt, "reverse"))


def _lose(moved: Moved, attempt: Attempt, reason: str, now_ms: int) -> None:
    attempt.state = lifecycle.next_state(attempt.state, "timed_out")
    attempt.reason, attempt.answered_ms, attempt.tries = reason, now_ms, 0
    attempt.due_ms = now_ms + DUE_INTERVALS_MS[0]
    moved.change(attempt)
    if attempt.reversal_reason or attempt.sale == "voided":
        undo(moved, attempt, attempt.reversal_reason or "sale-voided", now_ms)
    else:
        moved.replies.append(reply(attempt, "pay"))


def _hear_reversal(moved: Moved, attempt: Attempt, answer: ChannelAnswer, now_ms: int) -> None:
    """Take the word of a reversal, ours or one that the channel made by itself after an unknown outcome."""
    if answer.outcome == "reversed" and attempt.state in {"requested", "unknown", "approved", "reversing"}:
        if attempt.state == "approved":
            stop_waiting(moved, attempt)
            moved.alarms.append((attempt, "reversed-by-channel", "the channel undid an approval by itself"))
        attempt.state = lifecycle.next_state(attempt.state, "reversed")
        attempt.reversed_ms, attempt.due_ms, attempt.reason = now_ms, 0, answer.reason
        while attempt.reversals < attempt.approvals:
            attempt.reversals += 1
            moved.entries.append(
                ledger.card_reversed(_subject(attempt, now_ms), attempt.reversals, attempt.amount_minor)
            )
        moved.change(attempt)
        moved.replies.append(reply(attempt, "reverse" if attempt.reversal_reason else "query"))
    elif answer.outcome == "refused" and attempt.state == "reversing":
        moved.alarms.append((attempt, "reversal-refused", answer.reason or answer.response_code))
        attempt.due_ms = now_ms + DUE_INTERVALS_MS[-1]
        moved.change(attempt)


def _call(moved: Moved, attempt: Attempt, kind: str, now_ms: int) -> None:
    """Ask the channel, and look again later in case that nothing comes back."""
    attempt.due_ms = now_ms + DUE_INTERVALS_MS[min(attempt.tries, len(DUE_INTERVALS_MS) - 1)]
    attempt.tries += 1
    moved.calls.append(Call("query" if kind == "query" else "reverse", attempt.call(), b"", 0))


def _note_answer(attempt: Attempt, answer: ChannelAnswer, now_ms: int) -> None:
    attempt.answered_ms = now_ms
    attempt.approval_code, attempt.rrn = answer.approval_code, answer.rrn
    attempt.response_code, attempt.token = answer.response_code, answer.token
    attempt.masked = answer.masked or attempt.masked
    attempt.brand = answer.brand or attempt.brand


def _subject(attempt: Attempt, now_ms: int) -> ledger.Subject:
    return ledger.Subject(
        attempt.tenant,
        attempt.shard,
        attempt.currency,
        attempt.order,
        attempt.attempt,
        ledger.utc_day(now_ms),
        now_ms,
    )


def _attempt_of(request: LiveRequest) -> Attempt:
    box = request.box
    return Attempt(
        box.tenant,
        request.attempt,
        box.shard,
        box.store,
        box.box,
        request.order,
        request.payment,
        amount_minor=request.amount_minor,
        currency=request.currency,
        intention_digest=request.digest,
        masked=request.masked,
        brand=request.brand,
        intended_ms=request.intended_ms,
    )
