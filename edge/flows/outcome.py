"""What becomes of a card payment once it was asked for: answers, unknown outcomes, reversals.

Unknown is never "declined": the same attempt is asked again, and after the patience of the settings the money is asked
back until somebody confirms it. See docs/explanation/unknown-outcomes.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.effects import AskCloud, ForgetCard, PrintSlip, Record, StartTimer, StopTimer
from edge.flows import payment, words
from edge.flows.state import open_sale, open_tender
from protocol import payment as lifecycle

if TYPE_CHECKING:
    from edge.effects import Effect
    from edge.events import PaymentAnswered, TimerFired
    from edge.flows.state import Box, Decision, Now

# A reversal that nobody confirmed is asked again this often; the cloud repeats towards the acquirer by itself.
REVERSAL_RETRY_MS = 5_000
# Reversals asked for at a time: half of the live lane, so that a shopper's payment finds its place.
REVERSALS_AT_ONCE = 8
# The cloud gives nothing back of a completed sale. A person decides about its alarm; asking on would change nothing.
SALE_COMPLETED = "sale-completed"
# A live request for query or reverse may take this long before it counts as unanswered.
QUESTION_BUDGET_MS = 4_000


def answered(box: Box, event: PaymentAnswered, now: Now) -> Decision:
    """The cloud answered a pay, query or reverse request, or the link gave up waiting (outcome unknown)."""
    sale = box.sale
    tender = None if sale is None else sale.tender
    if tender is None or tender.attempt != event.attempt or tender.method != "card":
        return _answer_for_past_sale(box, event)
    if event.kind == "reverse" or tender.state == "reversing":
        return _reversal_answered(box, event, now)
    if tender.state not in ("requested", "unknown"):
        return box, []
    if event.outcome == "approved" and open_sale(box).spoilt_by:
        return ask_back(box, open_sale(box).spoilt_by, now)
    if event.outcome == "approved" and event.answer.get("amount_minor") == tender.amount_minor:
        return _approved(box, event, now)
    if event.outcome == "approved":
        return ask_back(box, "wrong-amount", now)
    if event.outcome in ("declined", "refused", "expired", "reversed"):
        return _declined(box, event.outcome, event.answer)
    return unknown(box, str(event.answer.get("reason") or "no-answer"))


def timer_fired(box: Box, event: TimerFired, now: Now) -> Decision:
    """Timers of an unfinished payment: deadline, query, patience, reverse, unknown_end."""
    sale = box.sale
    tender = None if sale is None else sale.tender
    if event.name == "reverse":
        return reverse_again(box)
    if tender is None or tender.method != "card":
        return box, []
    if event.name == "deadline" and tender.state == "requested":
        return unknown(box, "no-answer")
    if event.name == "query" and tender.state == "unknown":
        return box, [
            AskCloud("query", tender.payment, tender.attempt, QUESTION_BUDGET_MS),
            StartTimer("query", box.settings.query_interval_ms),
        ]
    if event.name == "patience" and tender.state == "unknown":
        return ask_back(box, "outcome-unknown", now)
    if event.name == "unknown_end" and tender.state == "reversing":
        return let_go(box)
    return box, []


def let_go(box: Box) -> Decision:
    """End a sale whose money is asked back; the shopper leaves with a paper that says so."""
    slip = PrintSlip(words.unknown_slip(box, open_sale(box)))
    box, effects = payment.void_sale(box, "outcome-unknown")
    return box, [*effects, slip]


def ask_back(box: Box, reason: str, now: Now) -> Decision:
    """Record that the attempt is to be reversed, then ask for it until it is confirmed."""
    del now
    sale = open_sale(box)
    tender = open_tender(sale)
    state = lifecycle.next_state(tender.state, "reversal_requested")
    intended = Record(
        "reversal_intended",
        {
            "order": str(sale.order),
            "payment": str(tender.payment),
            "attempt": str(tender.attempt),
            "reason": reason,
        },
    )
    changed = box.with_sale(phase="unknown", tender=replace(tender, state=state))
    entry = (sale.order, tender.payment, tender.attempt)
    changed = replace(changed, reversing=(*box.reversing, entry))
    effects: list[Effect] = [
        intended,
        StopTimer("query"),
        StopTimer("patience"),
        StopTimer("deadline"),
        AskCloud("reverse", tender.payment, tender.attempt, QUESTION_BUDGET_MS),
        StartTimer("reverse", REVERSAL_RETRY_MS),
        StartTimer("unknown_end", box.settings.unknown_patience_ms),
    ]
    return changed, effects


def _approved(box: Box, event: PaymentAnswered, now: Now) -> Decision:
    sale = open_sale(box)
    tender = replace(
        open_tender(sale),
        state=lifecycle.next_state(open_tender(sale).state, "approved"),
        approval_code=str(event.answer.get("approval_code", "")),
        rrn=str(event.answer.get("rrn", "")),
    )
    result = payment.result_record(sale, tender, "approved", event.answer)
    box, effects = payment.complete(box.with_sale(tender=tender), now, [result])
    return box, [*effects, ForgetCard(tender.attempt)]


def _declined(box: Box, outcome: str, answer: dict[str, object]) -> Decision:
    sale = open_sale(box)
    tender = open_tender(sale)
    recorded = "reversed" if outcome == "reversed" else "declined"
    reason = str(answer.get("reason") or outcome)
    result = payment.result_record(sale, tender, recorded, {**answer, "reason": reason})
    box = box.with_sale(phase="declined", tender=None, decline_reason=reason)
    stops: list[Effect] = [StopTimer("deadline"), StopTimer("query"), StopTimer("patience")]
    return box, [result, ForgetCard(tender.attempt), *stops, payment.inactivity(box)]


def unknown(box: Box, reason: str) -> Decision:
    """Nobody knows whether money moved: record that, and start asking."""
    sale = open_sale(box)
    tender = open_tender(sale)
    if tender.state == "unknown":
        return box, []
    state = lifecycle.next_state(tender.state, "timed_out")
    result = payment.result_record(sale, tender, "unknown", {"reason": reason})
    effects: list[Effect] = [
        result,
        StopTimer("deadline"),
        AskCloud("query", tender.payment, tender.attempt, QUESTION_BUDGET_MS),
        StartTimer("query", box.settings.query_interval_ms),
        StartTimer("patience", box.settings.unknown_patience_ms),
    ]
    return box.with_sale(phase="unknown", tender=replace(tender, state=state)), effects


def _reversal_answered(box: Box, event: PaymentAnswered, now: Now) -> Decision:
    del now
    if event.outcome != "reversed":
        return box, []
    sale = open_sale(box)
    tender = open_tender(sale)
    box = _settled(box, event.attempt)
    box = box.with_sale(phase="declined", tender=None, decline_reason="not-charged")
    effects: list[Effect] = [_reversal_record(sale.order, tender.payment, tender.attempt, "reversed", "")]
    effects += [ForgetCard(tender.attempt), StopTimer("unknown_end"), payment.inactivity(box)]
    return box, effects


def _answer_for_past_sale(box: Box, event: PaymentAnswered) -> Decision:
    """Only the end of a reversal still matters once its sale is over: confirmed, or refused for good."""
    entry = next((entry for entry in box.reversing if entry[2] == event.attempt), None)
    reason = str(event.answer.get("reason", ""))
    is_refused = (event.outcome, reason) == ("refused", SALE_COMPLETED)
    if entry is None or not (is_refused or event.outcome == "reversed"):
        return box, []
    ended = _reversal_record(*entry, event.outcome, reason if is_refused else "")
    return _settled(box, event.attempt), [ended, ForgetCard(event.attempt)]


def reverse_again(box: Box) -> Decision:
    """Ask again for reversals that nobody confirmed yet, each in its turn."""
    if not box.reversing:
        return box, []
    present, others = box.reversing[:REVERSALS_AT_ONCE], box.reversing[REVERSALS_AT_ONCE:]
    asks: list[Effect] = [
        AskCloud("reverse", payment, attempt, QUESTION_BUDGET_MS) for _, payment, attempt in present
    ]
    return replace(box, reversing=(*others, *present)), [*asks, StartTimer("reverse", REVERSAL_RETRY_MS)]


def _settled(box: Box, attempt: int) -> Box:
    return replace(box, reversing=tuple(entry for entry in box.reversing if entry[2] != attempt))


def _reversal_record(order: int, payment: int, attempt: int, outcome: str, reason: str) -> Record:
    fields = {"order": str(order), "payment": str(payment), "attempt": str(attempt)}
    return Record("reversal_result", {**fields, "outcome": outcome, "reason": reason})
