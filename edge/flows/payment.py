"""Taking money: choosing a method, card and cash, answers, and what happens when nobody knows.

Pure decisions. The order of records is the promise: intention before the request leaves, result before the page says
"paid". An outcome that is not known is asked again under the same attempt; after the patience of the settings the
money is asked back. See docs/explanation/unknown-outcomes.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.effects import (
    ArmReader,
    AskCloud,
    DisarmReader,
    ForgetCard,
    OpenDrawer,
    Record,
    SealCard,
    ShowOnPole,
    StartTimer,
    StopTimer,
)
from edge.flows import words
from edge.flows.state import Tender
from protocol import payment as lifecycle
from protocol.limits import MAX_AMOUNT_MINOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.effects import Effect
    from edge.events import (
        CardNotSealed,
        CardPresented,
        CardRemoved,
        CardSealed,
        CashReceived,
        PaymentAnswered,
        TimerFired,
    )
    from edge.flows.state import Box, Decision, Now, Sale

# A reversal that nobody confirmed is asked again this often; the cloud repeats towards the acquirer by itself.
REVERSAL_RETRY_MS = 5_000
# A live request for query or reverse may take this long before it counts as unanswered.
QUESTION_BUDGET_MS = 4_000
# The link itself reports "unknown" at the end of a budget; this grace only catches a link that died saying nothing.
DEADLINE_GRACE_MS = 2_000


def begin(box: Box, now: Now) -> Decision:
    """The shopper touched "pay": age check first, then the choice of a method."""
    sale = _sale(box)
    if not sale.basket.open_lines():
        return replace(box, notice="basket-empty"), []
    if sale.total_minor == 0:
        return complete(box, now)
    if needs_age_check(box):
        return box.with_sale(phase="age"), []
    if len(box.settings.methods) == 1:
        return choose(box.with_sale(phase="choose"), box.settings.methods[0], now)
    return box.with_sale(phase="choose"), [_inactivity(box)]


def needs_age_check(box: Box) -> bool:
    """Whether an open line is age restricted and no attendant has approved it yet."""
    sale = _sale(box)
    if sale.is_age_approved or not box.settings.age_check_years:
        return False
    return sale.basket.age_min() > 0


def choose(box: Box, method: str, now: Now) -> Decision:
    """The shopper chose card or cash."""
    if method not in box.settings.methods:
        return replace(box, notice="method-not-offered"), []
    sale = _sale(box)
    total = sale.total_minor
    if method == "card":
        if not box.is_linked:
            return replace(box, notice="card-offline"), []
        effects: list[Effect] = [ArmReader(total, box.shop.currency), _inactivity(box)]
        return box.with_sale(phase="card", tender=None), effects
    tender = Tender(payment=now.new_id(), attempt=now.new_id(), method="cash", amount_minor=total)
    intended = _intended_record(box, sale, tender, blob_digest="")
    return box.with_sale(phase="cash", tender=tender), [intended, _inactivity(box)]


def card_presented(box: Box, event: CardPresented, now: Now) -> Decision:
    """A card is on the reader: seal it for a new attempt. The intention follows once it is sealed."""
    sale = box.sale
    if sale is None or sale.phase != "card" or sale.tender is not None:
        return box, []
    tender = Tender(
        payment=now.new_id(),
        attempt=now.new_id(),
        method="card",
        amount_minor=sale.total_minor,
        masked=event.masked,
        brand=event.brand,
    )
    seal = SealCard(tender.attempt, tender.amount_minor, box.shop.currency)
    return box.with_sale(tender=tender), [StopTimer("inactivity"), seal]


def card_removed(box: Box, event: CardRemoved, now: Now) -> Decision:
    """Taking the card away matters only before it was sealed; `card_not_sealed` tells that."""
    del event, now
    return box, []


def card_not_sealed(box: Box, event: CardNotSealed, now: Now) -> Decision:
    """The card was removed or unreadable: nothing was sent, the shopper may try again."""
    del now
    sale = box.sale
    if sale is None or sale.tender is None or sale.tender.attempt != event.attempt or sale.phase != "card":
        return box, []
    rearm = ArmReader(sale.total_minor, box.shop.currency)
    return replace(box.with_sale(tender=None), notice="card-unreadable"), [rearm, _inactivity(box)]


def card_sealed(box: Box, event: CardSealed, now: Now) -> Decision:
    """The sealed card is stored: record the intention, then ask the cloud to authorize."""
    sale = box.sale
    if sale is None or sale.tender is None or sale.tender.attempt != event.attempt or sale.phase != "card":
        return box, [ForgetCard(event.attempt)]
    state = lifecycle.next_state(sale.tender.state, "requested")
    tender = replace(sale.tender, state=state, asked_ms=now.monotonic_ms)
    intended = _intended_record(box, sale, tender, event.digest)
    budget = box.settings.pay_budget_ms
    effects: list[Effect] = [
        intended,
        DisarmReader(),
        AskCloud("pay", tender.payment, tender.attempt, budget),
        StartTimer("deadline", budget + DEADLINE_GRACE_MS),
    ]
    return box.with_sale(phase="authorizing", tender=tender), effects


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
        return void_sale(box, "outcome-unknown")
    return box, []


def ask_back(box: Box, reason: str, now: Now) -> Decision:
    """Record that the attempt is to be reversed, then ask for it until it is confirmed."""
    del now
    sale = _sale(box)
    tender = _tender(sale)
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


def cash_received(box: Box, event: CashReceived, now: Now) -> Decision:
    """A person counted cash: enough of it completes the sale and opens the drawer for the change."""
    sale = box.sale
    if sale is None or sale.phase != "cash" or sale.tender is None:
        return replace(box, notice="cash-not-expected"), []
    tender = sale.tender
    if not tender.amount_minor <= event.tendered_minor <= MAX_AMOUNT_MINOR:
        return replace(box, notice="cash-short"), []
    paid = replace(
        tender,
        state=lifecycle.next_state(lifecycle.next_state(tender.state, "requested"), "approved"),
        tendered_minor=event.tendered_minor,
        change_minor=event.tendered_minor - tender.amount_minor,
    )
    box = box.with_sale(tender=paid)
    result = _result_record(_sale(box), paid, "approved", {})
    box, effects = complete(box, now, [result])
    return box, [*effects, OpenDrawer()]


def give_up_tender(box: Box, reason: str) -> Decision:
    """Leave the payment page before any money moved: back to the basket, the reader disarmed."""
    sale = _sale(box)
    effects: list[Effect] = [DisarmReader(), StopTimer("deadline")]
    if sale.tender is not None and sale.phase == "cash":
        effects.insert(0, _result_record(sale, sale.tender, "declined", {"reason": reason}))
    if sale.tender is not None and sale.phase == "card":
        effects.append(ForgetCard(sale.tender.attempt))
    return box.with_sale(phase="basket", tender=None), [*effects, _inactivity(box)]


def void_sale(box: Box, reason: str) -> Decision:
    """End the open sale without a completed order; a reversal under way goes on without it."""
    sale = _sale(box)
    effects: list[Effect] = [Record("sale_voided", {"order": str(sale.order), "reason": reason})]
    effects += [DisarmReader(), *[StopTimer(name) for name in SALE_TIMERS]]
    effects.append(ShowOnPole(*words.pole_idle(box)))
    return replace(box, sale=None, help_wanted="", is_warned=False, notice=""), effects


SALE_TIMERS = ("inactivity", "more_time", "deadline", "query", "patience", "unknown_end", "thanks")


def _approved(box: Box, event: PaymentAnswered, now: Now) -> Decision:
    sale = _sale(box)
    tender = replace(
        _tender(sale),
        state=lifecycle.next_state(_tender(sale).state, "approved"),
        approval_code=str(event.answer.get("approval_code", "")),
        rrn=str(event.answer.get("rrn", "")),
    )
    result = _result_record(sale, tender, "approved", event.answer)
    box, effects = complete(box.with_sale(tender=tender), now, [result])
    return box, [*effects, ForgetCard(tender.attempt)]


def complete(box: Box, now: Now, results: Sequence[Record] = ()) -> Decision:
    """Results, fulfilment and completion in one durable group, then the "paid" page."""
    sale = _sale(box)
    order = str(sale.order)
    total_minor, net_minor, tax_minor = sale.pricer.totals()
    tenders = []
    if sale.tender is not None:
        tenders = [_tender_row(sale.tender)]
    # At a self-checkout the goods are in the shopper's hands when the last line is scanned.
    delivered = Record("fulfilment_result", {"order": order, "state": "delivered", "lines_failed": []})
    completed = Record(
        "sale_completed",
        {
            "order": order,
            "total_minor": total_minor,
            "net_minor": net_minor,
            "tax_minor": tax_minor,
            "tax_rows": words.tax_rows(sale.pricer),
            "tenders": tenders,
            "line_count": len(sale.basket.open_lines()),
            "currency": box.shop.currency,
            "business_day": box.settings.business_day(now.utc_ms),
        },
    )
    stops: list[Effect] = [StopTimer(name) for name in SALE_TIMERS if name != "thanks"]
    shown: list[Effect] = [ShowOnPole(*words.pole_paid(box)), StartTimer("thanks", box.settings.thanks_ms)]
    box = replace(box.with_sale(phase="paid"), notice="", is_warned=False)
    return box, [*results, delivered, completed, *stops, *shown]


def _declined(box: Box, outcome: str, answer: dict[str, object]) -> Decision:
    sale = _sale(box)
    tender = _tender(sale)
    recorded = "reversed" if outcome == "reversed" else "declined"
    reason = str(answer.get("reason") or outcome)
    result = _result_record(sale, tender, recorded, {**answer, "reason": reason})
    box = box.with_sale(phase="declined", tender=None, decline_reason=reason)
    stops: list[Effect] = [StopTimer("deadline"), StopTimer("query"), StopTimer("patience")]
    return box, [result, ForgetCard(tender.attempt), *stops, _inactivity(box)]


def unknown(box: Box, reason: str) -> Decision:
    """Nobody knows whether money moved: record that, and start asking."""
    sale = _sale(box)
    tender = _tender(sale)
    if tender.state == "unknown":
        return box, []
    state = lifecycle.next_state(tender.state, "timed_out")
    result = _result_record(sale, tender, "unknown", {"reason": reason})
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
    sale = _sale(box)
    tender = _tender(sale)
    box = _settled(box, event.attempt)
    box = box.with_sale(phase="declined", tender=None, decline_reason="not-charged")
    effects: list[Effect] = [_reversed_record(sale.order, tender.payment, tender.attempt)]
    effects += [ForgetCard(tender.attempt), StopTimer("unknown_end"), _inactivity(box)]
    return box, effects


def _answer_for_past_sale(box: Box, event: PaymentAnswered) -> Decision:
    """Only the confirmation of a reversal still matters once its sale is over."""
    entry = next((entry for entry in box.reversing if entry[2] == event.attempt), None)
    if entry is None or event.outcome != "reversed":
        return box, []
    return _settled(box, event.attempt), [_reversed_record(*entry), ForgetCard(event.attempt)]


def reverse_again(box: Box) -> Decision:
    """Ask again for every reversal that nobody confirmed yet."""
    if not box.reversing:
        return box, []
    asks: list[Effect] = [
        AskCloud("reverse", payment, attempt, QUESTION_BUDGET_MS) for _, payment, attempt in box.reversing
    ]
    return box, [*asks, StartTimer("reverse", REVERSAL_RETRY_MS)]


def _settled(box: Box, attempt: int) -> Box:
    return replace(box, reversing=tuple(entry for entry in box.reversing if entry[2] != attempt))


def _reversed_record(order: int, payment: int, attempt: int) -> Record:
    fields = {"order": str(order), "payment": str(payment), "attempt": str(attempt)}
    return Record("reversal_result", {**fields, "outcome": "reversed", "reason": ""})


def _intended_record(box: Box, sale: Sale, tender: Tender, blob_digest: str) -> Record:
    fields = {**_tender_row(tender), "order": str(sale.order), "masked": tender.masked, "brand": tender.brand}
    return Record("tender_intended", {**fields, "currency": box.shop.currency, "blob_digest": blob_digest})


def _result_record(sale: Sale, tender: Tender, outcome: str, answer: dict[str, object]) -> Record:
    told = ("approval_code", "rrn", "response_code", "reason", "token")
    fields: dict[str, object] = {name: str(answer.get(name, "")) for name in told}
    fields |= {
        "order": str(sale.order),
        "payment": str(tender.payment),
        "attempt": str(tender.attempt),
        "outcome": outcome,
        "amount_minor": tender.amount_minor if outcome == "approved" else 0,
        "tendered_minor": tender.tendered_minor,
        "change_minor": tender.change_minor,
        "masked": tender.masked,
        "brand": tender.brand,
    }
    return Record("tender_result", fields)


def _tender_row(tender: Tender) -> dict[str, object]:
    return {
        "payment": str(tender.payment),
        "attempt": str(tender.attempt),
        "method": tender.method,
        "amount_minor": tender.amount_minor,
    }


def _inactivity(box: Box) -> StartTimer:
    return StartTimer("inactivity", box.settings.inactivity_ms)


def _sale(box: Box) -> Sale:
    assert box.sale is not None, "the dispatcher lets only events of an open sale through"
    return box.sale


def _tender(sale: Sale) -> Tender:
    assert sale.tender is not None, "only a sale with a tender gets here"
    return sale.tender
