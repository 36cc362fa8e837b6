"""Bugs of the box: its flows, its agent, its prices, its ids."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from edge import agent
from edge.effects import Record
from edge.flows import checkout, outcome, payment, recovery, scanning
from edge.flows.state import open_sale
from edge.screen.view import view_of
from protocol import identifiers
from protocol.basket import Basket, Line
from protocol.errors import DeviceError
from protocol.pricing.engine import Pricer
from tests.world.planted.journals import HARSH
from tests.world.planted.patching import (
    CARDS,
    ENDED,
    GOODS,
    LEDGER,
    LONGER,
    LOST,
    PEOPLE,
    PRICED,
    UNSETTLED,
    WITHOUT_SALE,
    Patch,
    Planted,
)

if TYPE_CHECKING:
    from edge.effects import Effect
    from edge.flows.state import Box, Decision, Now


WRITTEN_AFTER_S = 1.0  # as a writer in the background may do that saves the disk


async def _acts_then_writes(self: Any, box: Box, effects: list[Effect], now: Now) -> None:
    for effect in effects:
        if not isinstance(effect, Record):
            self._acts.perform(effect, self.post)
    self._screen.changed(partial(view_of, box))
    records = [effect for effect in effects if isinstance(effect, Record)]
    if records:
        await asyncio.sleep(WRITTEN_AFTER_S)
    await self._write(records, now)
    self.box = box


async def _does_not_wait(self: Any) -> None:
    del self


async def _gives_up_waiting(self: Any) -> None:
    try:
        await self._records.sync()
    except DeviceError:
        return


def _unknown_is_approved(box: Box, reason: str) -> Decision:
    del reason
    return payment.complete(box, _last_now[0], [_approval(box)])


def _approval(box: Box) -> Record:
    sale = open_sale(box)
    assert sale.tender is not None
    return payment.result_record(sale, sale.tender, "approved", {})


_last_now: list[Any] = []
_decide = checkout.decide


def _remembering_now(box: Box, event: Any, now: Now) -> Decision:
    _last_now[:] = [now]
    return _decide(box, event, now)


def _asked_is_paid(box: Box, now: Now) -> Decision:
    sale = box.sale
    if sale is not None and sale.tender is not None and sale.tender.state == "requested":
        return payment.complete(box, now, [_approval(box)])
    return _resume_sale(box, now)


_resume_sale = recovery._resume_sale


def _forgetful_void(box: Box, number: int, *, by: str, reason: str) -> Decision:
    box, effects = _void_line(box, number, by=by, reason=reason)
    return box, [effect for effect in effects if not isinstance(effect, Record)]


_void_line = scanning.void_line


class _OneRate(Pricer):
    """Taxes every class like the first."""

    __slots__ = ()

    def add(self, line: Line) -> int:
        return super().add(_of_class(line, min(self._tax_table.rates)))

    def remove(self, line: Line) -> None:
        super().remove(_of_class(line, min(self._tax_table.rates)))

    def copy(self) -> Pricer:
        twin = _OneRate(self._tax_table)
        twin._sums = {tax_class: list(sums) for tax_class, sums in self._sums.items()}
        return twin


def _of_class(line: Line, tax_class: str) -> Line:
    twin = line.voided()
    twin.tax_class = tax_class
    twin.is_voided = line.is_voided
    return twin


def _from_the_clock_alone(self: identifiers.IdMaker, utc_ms: int) -> int:
    tick = max((utc_ms - identifiers.EPOCH_MS) // identifiers.TICK_MS, 0)
    return identifiers.join(tick, self._box_number, 0)


class _RoundsDown(Basket):
    """Rounds the price of weighed goods down."""

    __slots__ = ()

    def add(self, *arguments: Any) -> Line:
        line = super().add(*arguments)
        if line.weight_g:
            exact, line.amount_minor = line.amount_minor, line.unit_price_minor * line.weight_g // 1000
            self.subtotal_minor -= exact - line.amount_minor
        return line

    def copy(self) -> Basket:
        twin = _RoundsDown()
        twin.lines, twin.subtotal_minor = list(self.lines), self.subtotal_minor
        return twin


def _short_change(box: Box, event: Any, now: Now) -> Decision:
    box, effects = _cash_received(box, event, now)
    for effect in effects:
        if isinstance(effect, Record) and effect.t == "tender_result":
            effect.fields["change_minor"] = max(0, effect.fields["change_minor"] - 100)
    return box, effects


_cash_received = payment.cash_received


BUGS = (
    Planted(
        "acts-before-the-journal",
        "screen, printer and drawer act, then the records are written",
        (PEOPLE, LOST, WITHOUT_SALE, UNSETTLED),
        (Patch(agent.Agent, "_carry_out", _acts_then_writes),),
        ground=HARSH,
    ),
    Planted(
        "acts-before-the-sync",
        "the agent appends a durable record and acts without waiting for the disk",
        (PEOPLE, LOST, WITHOUT_SALE, GOODS),
        (Patch(agent.Agent, "_make_durable", _does_not_wait),),
        ground=HARSH,
    ),
    Planted(
        "failed-sync-taken-for-done",
        "the agent acts although the disk refused the records",
        (PEOPLE, LOST, WITHOUT_SALE, GOODS, UNSETTLED),
        (Patch(agent.Agent, "_make_durable", _gives_up_waiting),),
        LONGER,
    ),
    Planted(
        "unknown-taken-for-approved",
        "no answer in time, and the box shows the sale as paid",
        (GOODS, PEOPLE),
        (Patch(outcome, "unknown", _unknown_is_approved), Patch(agent, "decide", _remembering_now)),
        CARDS,
    ),
    Planted(
        "asked-taken-for-paid-at-restart",
        "after a restart the box completes a sale whose card was asked for, and not answered",
        (GOODS,),
        (Patch(recovery, "_resume_sale", _asked_is_paid),),
        CARDS,
    ),
    Planted(
        "void-without-a-record",
        "a line is taken out of the basket, and the journal does not say so",
        (PRICED, PEOPLE, LOST, LEDGER),
        (Patch(scanning, "void_line", _forgetful_void),),
    ),
    Planted(
        "wrong-tax-class",
        "the box taxes all goods at the rate of the first class",
        (PRICED,),
        (Patch(scanning, "Pricer", _OneRate), Patch(recovery, "Pricer", _OneRate)),
    ),
    Planted(
        "weight-cut-at-the-box",
        "the box rounds the price of weighed goods down, the cloud as agreed",
        (PRICED,),
        (Patch(scanning, "Basket", _RoundsDown),),
    ),
    Planted(
        "change-counted-wrong",
        "the shopper gets a coin too little back",
        (LEDGER, PEOPLE),
        (Patch(payment, "cash_received", _short_change),),
    ),
    Planted(
        "ids-from-the-clock-alone",
        "ids have no sequence and may go back with the clock",
        (LOST, PEOPLE, LEDGER, WITHOUT_SALE, PRICED, UNSETTLED, ENDED),
        (Patch(identifiers.IdMaker, "make", _from_the_clock_alone),),
    ),
)
