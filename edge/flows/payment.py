"""Taking money: choosing a method, presenting a card, counting cash, completing or voiding the sale.

Pure decisions. The order of records is the promise: intention before the request leaves, result before the page says
"paid". What the cloud answers, and what happens when nobody knows, is in `outcome.py`.
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
from edge.flows.state import Tender, open_sale
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
    )
    from edge.flows.state import Box, Decision, Now, Sale

# The link itself reports "unknown" at the end of a budget; this grace only catches a link that died saying nothing.
DEADLINE_GRACE_MS = 2_000


def begin(box: Box, now: Now) -> Decision:
    """The shopper touched "pay": age check first, then the choice of a method."""
    sale = open_sale(box)
    if not sale.basket.open_lines():
        return replace(box, notice="basket-empty"), []
    if needs_age_check(box):
        return box.with_sale(phase="age"), []
    if sale.spoilt_by:
        return void_sale(box, sale.spoilt_by)
    if sale.total_minor == 0:
        return complete(box, now)
    methods = methods_of(box)
    if len(methods) == 1:
        return choose(box.with_sale(phase="choose"), methods[0], now)
    return box.with_sale(phase="choose"), [inactivity(box)]


def methods_of(box: Box) -> tuple[str, ...]:
    """The methods of the store that this box can take at all: no card where no reader was bound."""
    return tuple(name for name in box.settings.methods if name != "card" or "reader" not in box.unbound)


def needs_age_check(box: Box) -> bool:
    """Whether an open line is age restricted and no attendant has approved it yet."""
    sale = open_sale(box)
    if sale.is_age_approved or not box.settings.age_check_years:
        return False
    return sale.basket.age_min() > 0


def choose(box: Box, method: str, now: Now) -> Decision:
    """The shopper chose card or cash."""
    if method not in methods_of(box):
        return replace(box, notice="method-not-offered"), []
    sale = open_sale(box)
    if sale.spoilt_by:
        return void_sale(box, sale.spoilt_by)
    total = sale.total_minor
    if method == "card":
        if not box.is_linked:
            return replace(box, notice="card-offline"), []
        effects: list[Effect] = [ArmReader(total, box.shop.currency), inactivity(box)]
        return box.with_sale(phase="card", tender=None), effects
    tender = Tender(payment=now.new_id(), attempt=now.new_id(), method="cash", amount_minor=total)
    intended = _intended_record(box, sale, tender, blob_digest="")
    return box.with_sale(phase="cash", tender=tender), [intended, inactivity(box)]


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
    changed = replace(box.with_sale(tender=tender), is_warned=False)
    return changed, [StopTimer("inactivity"), StopTimer("more_time"), seal]


def arm_again(box: Box) -> list[Effect]:
    """A reader that came back forgot that a card is wanted: tell it again while the shopper stands there with one."""
    sale = box.sale
    if sale is None or sale.phase != "card" or sale.tender is not None:
        return []
    return [ArmReader(sale.total_minor, box.shop.currency)]


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
    return replace(box.with_sale(tender=None), notice="card-unreadable"), [rearm, inactivity(box)]


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
    result = result_record(open_sale(box), paid, "approved", {})
    box, effects = complete(box, now, [result])
    return box, [*effects, OpenDrawer()]


def give_up_tender(box: Box, reason: str) -> Decision:
    """Leave the payment page before any money moved: back to the basket, the reader disarmed."""
    sale = open_sale(box)
    effects: list[Effect] = [DisarmReader(), StopTimer("deadline")]
    if sale.tender is not None and sale.phase == "cash":
        effects.insert(0, result_record(sale, sale.tender, "declined", {"reason": reason}))
    if sale.tender is not None and sale.phase == "card":
        effects.append(ForgetCard(sale.tender.attempt))
    return box.with_sale(phase="basket", tender=None), [*effects, inactivity(box)]


def void_sale(box: Box, reason: str) -> Decision:
    """End the open sale without a completed order; a reversal under way goes on without it."""
    sale = open_sale(box)
    effects: list[Effect] = [Record("sale_voided", {"order": str(sale.order), "reason": reason})]
    effects += [DisarmReader(), *[StopTimer(name) for name in SALE_TIMERS]]
    effects.append(ShowOnPole(*words.pole_idle(box)))
    done = replace(box, sale=None, help_wanted="", is_warned=False, notice="")
    return replace(done, language=box.settings.languages[0]), effects


SALE_TIMERS = ("inactivity", "more_time", "deadline", "query", "patience", "unknown_end", "thanks")


def complete(box: Box, now: Now, results: Sequence[Record] = ()) -> Decision:
    """Results, fulfilment and completion in one durable group, then the "paid" page."""
    sale = open_sale(box)
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


def _intended_record(box: Box, sale: Sale, tender: Tender, blob_digest: str) -> Record:
    fields = {**_tender_row(tender), "order": str(sale.order), "masked": tender.masked, "brand": tender.brand}
    return Record("tender_intended", {**fields, "currency": box.shop.currency, "blob_digest": blob_digest})


def result_record(sale: Sale, tender: Tender, outcome: str, answer: dict[str, object]) -> Record:
    """The record of what became of a tender; `answer` is what the cloud said of it, or {}."""
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


def inactivity(box: Box) -> StartTimer:
    """Begin anew to wait for the shopper."""
    return StartTimer("inactivity", box.settings.inactivity_ms)
