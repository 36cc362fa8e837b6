"""After a restart: what the journal says was going on, and how to go on from there.

`rebuild` folds records into the state that the flows had; `resume` decides what follows. A tender without a result
is unknown, never "declined": it is asked again under the same attempt, and asked back when nobody knows. That holds
too where damage took the opening of its sale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge.effects import AskCloud, StartTimer
from edge.flows import outcome, payment
from edge.flows.renumbering import under_new_number
from edge.flows.state import Sale, Tender, open_sale
from protocol import payment as lifecycle
from protocol.basket import Basket, Line
from protocol.errors import PeerError
from protocol.facts import NO_FACTS
from protocol.pricing.engine import Pricer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.effects import Effect
    from edge.flows.state import Box, Decision, Now

# A restart within this time after a completed sale shows its "paid" page again: its shopper may not have seen it.
PAID_SHOWN_MS = 60_000


def rebuild(box: Box, records: Iterable[dict[str, Any]]) -> Box:
    """`box` with open sale, last sale and unconfirmed reversals as the records left them.

    Records come in journal order from any point at or before the opening of the open sale.
    """
    for record in records:
        fold = _FOLDS.get(record["t"])
        if fold is None:
            continue
        try:
            box = fold(box, record)
        except PeerError:  # a line that damage took away is missed by those after it
            box = box.with_sale(spoilt_by="records-lost")
    return box


def resume(box: Box, now: Now) -> Decision:
    """How to go on after a restart; nothing here assumes that the shopper is still there."""
    box, effects = _resume_sale(box, now)
    if box.reversing:
        box, asks = outcome.reverse_again(box)
        effects = [*effects, *asks]
    return box, effects


def _resume_sale(box: Box, now: Now) -> Decision:
    sale = box.sale
    if sale is None:
        return _show_paid_again(box, now)
    waiting: list[Effect] = [StartTimer("inactivity", box.settings.inactivity_ms)]
    tender = sale.tender
    if sale.spoilt_by and (tender is None or tender.state in ("intended", "approved")):
        return _end_spoilt(box, now)
    if tender is None:
        box, renumbered = under_new_number(box, now)
        return box, [*renumbered, *waiting]
    if tender.state == "intended":
        return box, waiting
    if tender.state == "approved":
        return payment.complete(box, now)
    if tender.state == "requested":
        return outcome.unknown(box, "restarted")
    if tender.state == "unknown":
        ask = AskCloud("query", tender.payment, tender.attempt, outcome.QUESTION_BUDGET_MS)
        query = StartTimer("query", box.settings.query_interval_ms)
        return box, [ask, query, StartTimer("patience", box.settings.unknown_patience_ms)]
    return box, [StartTimer("unknown_end", box.settings.unknown_patience_ms)]


def _show_paid_again(box: Box, now: Now) -> Decision:
    """The sale was completed right before the restart: its shopper must learn that she has paid."""
    last = box.last_sale
    if last is None or not 0 <= now.utc_ms - last.completed_at < PAID_SHOWN_MS:
        return box, []
    return replace(box, sale=last, last_sale=None), [StartTimer("thanks", box.settings.thanks_ms)]


def _end_spoilt(box: Box, now: Now) -> Decision:
    """End a sale that cannot be priced any more as its records say; what it took is given back."""
    sale = open_sale(box)
    tender = sale.tender
    if tender is None:
        return payment.void_sale(box, sale.spoilt_by)
    if tender.method == "cash" and tender.state == "approved" and tender.amount_minor == sale.total_minor:
        # Whoever counted the cash let the goods go; the cloud looks at the price.
        return payment.complete(box, now)
    before: list[Effect] = []
    if tender.method == "card":
        box, before = outcome.ask_back(box, sale.spoilt_by, now)
    ended = "declined" if tender.state == "intended" else "reversed"
    result = payment.result_record(sale, tender, ended, {"reason": sale.spoilt_by})
    box, effects = payment.void_sale(box, sale.spoilt_by)
    return box, [*before, result, *effects]


def _sale_opened(box: Box, record: dict[str, Any]) -> Box:
    taxes = box.taxes
    order = int(record["order"])
    sale = Sale(order, "basket", Basket(), Pricer(taxes), 0, record["priced_at"], taxes, record["taxes"])
    named = (record["catalogue"], record["overlay"], record["taxes"])
    if named != (box.shop.catalogue, box.shop.overlay, taxes.hash.hex()):
        sale = replace(sale, spoilt_by="prices-changed")
    return replace(box, sale=sale, language=record["language"])


def _without_opening(box: Box, record: dict[str, Any]) -> Box:
    """A sale of which damage left only that a card was asked: nothing is sold with it, its money is given back."""
    taxes = box.taxes
    sale = Sale(
        int(record["order"]), "unknown", Basket(), Pricer(taxes), 0, record["at"], taxes, taxes.hash.hex()
    )
    return replace(box, sale=replace(sale, spoilt_by="records-lost"))


def _line_added(box: Box, record: dict[str, Any]) -> Box:
    sale = box.sale
    if sale is None or record["order"] != str(sale.order):
        return box
    item = box.shop.prices.find(record["gtin"])
    line = Line(
        record["line"],
        record["gtin"],
        record["name"],
        record["kind"],
        record["quantity"],
        record["weight_g"],
        record["unit_price_minor"],
        record["tax_class"],
        record["source"],
        0 if item is None else item.age_min,
        NO_FACTS if item is None else item.facts,
        () if item is None else item.levels,
    )
    basket, pricer = sale.basket.copy(), sale.pricer.copy()
    basket.append(line)
    pricer.add(line)
    return box.with_sale(basket=basket, pricer=pricer, total_minor=pricer.totals()[0])


def _line_voided(box: Box, record: dict[str, Any]) -> Box:
    sale = box.sale
    if sale is None or record["order"] != str(sale.order):
        return box
    basket, pricer = sale.basket.copy(), sale.pricer.copy()
    pricer.remove(basket.void(record["line"]))
    return box.with_sale(basket=basket, pricer=pricer, total_minor=pricer.totals()[0])


def _attendant_acted(box: Box, record: dict[str, Any]) -> Box:
    if record["act"] == "out_of_service":
        return replace(box, blocked=box.blocked | {"attendant"})
    if record["act"] == "in_service":
        return replace(box, blocked=box.blocked - {"attendant"})
    if record["act"] == "age_approved":
        return box.with_sale(is_age_approved=True)
    return box


def _tender_intended(box: Box, record: dict[str, Any]) -> Box:
    is_card = record["method"] == "card"
    if box.sale is None or record["order"] != str(box.sale.order):
        if not is_card:
            return box
        box = _without_opening(box, record)
    tender = Tender(
        payment=int(record["payment"]),
        attempt=int(record["attempt"]),
        method=record["method"],
        amount_minor=record["amount_minor"],
        # A card request leaves right after its intention: from here on nobody knows.
        state=lifecycle.next_state("intended", "requested") if is_card else "intended",
        masked=record["masked"],
        brand=record["brand"],
    )
    return box.with_sale(phase="unknown" if is_card else "cash", tender=tender)


def _tender_result(box: Box, record: dict[str, Any]) -> Box:
    sale = box.sale
    if sale is None or sale.tender is None or record["attempt"] != str(sale.tender.attempt):
        return box
    outcome = record["outcome"]
    if outcome in ("declined", "reversed"):
        phase = "declined" if sale.tender.method == "card" else "basket"
        return box.with_sale(phase=phase, tender=None, decline_reason=record["reason"])
    tender = replace(
        sale.tender,
        state=outcome,
        tendered_minor=record["tendered_minor"],
        change_minor=record["change_minor"],
        approval_code=record["approval_code"],
        rrn=record["rrn"],
    )
    return box.with_sale(tender=tender)


def _reversal_intended(box: Box, record: dict[str, Any]) -> Box:
    entry = (int(record["order"]), int(record["payment"]), int(record["attempt"]))
    box = replace(box, reversing=(*box.reversing, entry))
    sale = box.sale
    if sale is None or sale.tender is None or sale.tender.attempt != entry[2]:
        return box
    return box.with_sale(phase="unknown", tender=replace(sale.tender, state="reversing"))


def _reversal_result(box: Box, record: dict[str, Any]) -> Box:
    if record["outcome"] == "unknown":
        return box
    attempt = int(record["attempt"])
    box = replace(box, reversing=tuple(entry for entry in box.reversing if entry[2] != attempt))
    sale = box.sale
    if (
        record["outcome"] == "refused"
        or sale is None
        or sale.tender is None
        or sale.tender.attempt != attempt
    ):
        return box
    return box.with_sale(phase="declined", tender=None, decline_reason="not-charged")


def _sale_completed(box: Box, record: dict[str, Any]) -> Box:
    if box.sale is None or record["order"] != str(box.sale.order):
        return box
    if not box.sale.basket.lines and record["line_count"]:
        return replace(box, sale=None)  # its lines are lost, so there is nothing to show or print again
    return replace(box, sale=None, last_sale=replace(box.sale, phase="paid", completed_at=record["at"]))


def _sale_voided(box: Box, record: dict[str, Any]) -> Box:
    if box.sale is None or record["order"] != str(box.sale.order):
        return box
    return replace(box, sale=None)


def _receipt_printed(box: Box, record: dict[str, Any]) -> Box:
    last = box.last_sale
    if last is None or record["order"] != str(last.order):
        return box
    return replace(box, last_sale=replace(last, copies=record["copy"] + 1))


def newest_id(records: Iterable[dict[str, Any]]) -> int:
    """The highest id that any record carries, 0 for none: the id maker must go on above it."""
    names = ("order", "payment", "attempt")
    return max((int(record[name]) for record in records for name in names if record.get(name)), default=0)


_FOLDS = {
    "sale_opened": _sale_opened,
    "line_added": _line_added,
    "line_voided": _line_voided,
    "attendant_acted": _attendant_acted,
    "tender_intended": _tender_intended,
    "tender_result": _tender_result,
    "reversal_intended": _reversal_intended,
    "reversal_result": _reversal_result,
    "sale_completed": _sale_completed,
    "sale_voided": _sale_voided,
    "receipt_printed": _receipt_printed,
}
