"""What a staff member may do at a box, once badge or PIN has been checked by `edge/badge.py`.

Every act is recorded with who did it. An attendant never changes an amount by hand: lines are voided, cash is
counted, a sale is ended, a box is taken out of service and back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.effects import OpenDrawer, PrintReceipt, Record
from edge.events import CashReceived
from edge.flows import outcome, payment, words
from protocol.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.effects import Effect
    from edge.events import AttendantActed
    from edge.flows.state import Box, Decision, Now

ATTENDANT_BLOCK = "attendant"
# Where a line may still be taken off: once a tender stands, its amount is the total and must stay it.
CORRECTING_PAGES = ("basket", "weigh", "age", "choose", "declined")
# Pages that offer to pay the total that was shown.
CHOOSING_PAGES = ("choose", "declined")


def acted(
    box: Box,
    event: AttendantActed,
    now: Now,
    *,
    void_line: Callable[..., Decision],
    void_sale: Callable[[Box, str], Decision],
) -> Decision:
    """One act of a staff member; PeerError("act-unknown") for a name that is not in the list.

    An act that is refused sets a notice, and nothing is recorded.
    """
    box = replace(box, notice="")
    if event.act == "line_voided":
        return _recorded(_void_line(box, event, void_line), box, event)
    if event.act == "sale_voided":
        return _recorded(_end_sale(box, void_sale), box, event)
    act = _ACTS.get(event.act)
    if act is None:
        raise PeerError("act-unknown", "The attendant page sent an act that is not known", "Reload the page.")
    return _recorded(act(box, event, now), box, event)


def _recorded(decision: Decision, before: Box, event: AttendantActed) -> Decision:
    changed, effects = decision
    if event.act not in _RECORDED or changed.notice:
        return changed, effects
    order = "" if before.sale is None else str(before.sale.order)
    act = Record(
        "attendant_acted", {"order": order, "act": event.act, "by": event.by, "reason": event.reason[:120]}
    )
    return changed, [act, *effects]


def _void_line(box: Box, event: AttendantActed, void_line: Callable[..., Decision]) -> Decision:
    """Take a line off; whoever chose a method for the old total chooses again."""
    if box.sale is not None and box.sale.phase not in CORRECTING_PAGES:
        return replace(box, notice="not-now"), []
    changed, effects = void_line(box, event.line, by=event.by, reason=event.reason or "attendant")
    if changed.sale is not None and changed.sale.phase in CHOOSING_PAGES and not changed.notice:
        changed = changed.with_sale(phase="basket")
    return changed, effects


def _approve_age(box: Box, event: AttendantActed, now: Now) -> Decision:
    del event, now
    if box.sale is None:
        return replace(box, notice="no-sale"), []
    phase = "basket" if box.sale.phase == "age" else box.sale.phase
    return box.with_sale(is_age_approved=True, phase=phase), []


def _give_help(box: Box, event: AttendantActed, now: Now) -> Decision:
    del event, now
    return replace(box, help_wanted=""), []


def _out_of_service(box: Box, event: AttendantActed, now: Now) -> Decision:
    del event, now
    return replace(box, blocked=box.blocked | {ATTENDANT_BLOCK}), []


def _in_service(box: Box, event: AttendantActed, now: Now) -> Decision:
    del event, now
    return replace(box, blocked=box.blocked - {ATTENDANT_BLOCK}), []


def _count_cash(box: Box, event: AttendantActed, now: Now) -> Decision:
    return payment.cash_received(box, CashReceived(event.amount_minor, event.by), now)


def _open_drawer(box: Box, event: AttendantActed, now: Now) -> Decision:
    del event, now
    return box, [OpenDrawer()]


def _release_unknown(box: Box, event: AttendantActed, now: Now) -> Decision:
    """Let the lane go while an outcome is unknown: ask the money back first, then end the sale."""
    del event
    sale = box.sale
    if sale is None or sale.phase not in ("unknown", "authorizing") or sale.tender is None:
        return replace(box, notice="nothing-unknown"), []
    before: list[Effect] = []
    if sale.tender.state != "reversing":
        box, before = outcome.ask_back(box, "attendant-released", now)
    changed, effects = outcome.let_go(box)
    return changed, [*before, *effects]


def _end_sale(box: Box, void_sale: Callable[[Box, str], Decision]) -> Decision:
    if box.sale is None or box.sale.phase in ("authorizing", "unknown", "paid"):
        return replace(box, notice="not-now"), []
    return void_sale(box, "attendant-voided")


def _reprint(box: Box, event: AttendantActed, now: Now) -> Decision:
    """Print the last receipt: the original if there was none yet, otherwise marked as a copy."""
    del event, now
    sale = box.sale if box.sale is not None and box.sale.phase == "paid" else box.last_sale
    if sale is None:
        return replace(box, notice="no-receipt"), []
    again = replace(sale, copies=sale.copies + 1)
    changed = replace(box, sale=again) if box.sale is sale else replace(box, last_sale=again)
    return changed, [PrintReceipt(sale.order, sale.copies, words.receipt(box, sale, copy=sale.copies))]


_ACTS = {
    "age_approved": _approve_age,
    "help_given": _give_help,
    "out_of_service": _out_of_service,
    "in_service": _in_service,
    "cash_counted": _count_cash,
    "drawer_opened": _open_drawer,
    "unknown_released": _release_unknown,
    "receipt_reprinted": _reprint,
}
# Every name that an act may have.
ACTS = frozenset({*_ACTS, "line_voided", "sale_voided"})
# Cash and reprints leave records of their own.
_RECORDED = frozenset(
    {
        "age_approved",
        "help_given",
        "out_of_service",
        "in_service",
        "line_voided",
        "sale_voided",
        "unknown_released",
        "drawer_opened",
    }
)
