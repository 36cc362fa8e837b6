"""What a record of the replica does to its order, and what follows for the ledger. Pure.

A record that cannot be booked raises PeerError and leaves the order as it was: the handler parks it. Card money
is never booked here, whatever the box says: payments alone knows about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud.ledger import rules as ledger
from cloud.orders.price_check import NOT_CHECKED, RIGHT, check_prices
from cloud.orders.state import Order, OrderLine, OrderTender
from protocol.errors import PeerError
from protocol.order import next_state

if TYPE_CHECKING:
    from cloud.intake_records import ReplicaRecord
    from cloud.ports import PriceVersions

LATE_AFTER_MS = 48 * 3_600_000  # two closing times: older sales change days that were closed and reported
AHEAD_MS = 10 * 60_000  # a box that drifts five minutes a day and meets the cloud every other day
DAY_MS = 86_400_000
EARLIEST_MS = (
    1_735_689_600_000  # 2025-01-01 UTC, where ids begin: no sale is older, only a clock that was never set
)
CLOCK_WRONG = "clock-wrong"


class Consequence(NamedTuple):
    """What follows from one record: entries to book, and an alarm as (kind, detail)."""

    entries: tuple[ledger.Entry, ...] = ()
    alarm: tuple[str, str] | None = None


NOTHING = Consequence()


def open_order(record: ReplicaRecord, now_ms: int) -> Order:
    """Make the order that a sale_opened record tells of."""
    fields = record.fields
    order = Order(
        tenant=record.tenant,
        order=record.order,
        shard=record.shard,
        store=record.store,
        box=record.box,
        generation=record.generation,
        first_seq=record.seq,
        last_seq=record.seq,
        state="open",
        currency=fields["currency"],
        engine=fields["engine"],
        catalogue=fields["catalogue"],
        overlay=fields["overlay"],
        promotions=fields["promotions"],
        taxes=fields["taxes"],
        language=fields["language"],
        opened_ms=record.at_ms,
        priced_at_ms=fields["priced_at"],
    )
    if now_ms - record.at_ms > LATE_AFTER_MS:
        order.flag("late")
    return order


def check_clock(order: Order, record: ReplicaRecord, now_ms: int) -> bool:
    """Tell whether a clock that cannot be right wrote this record; what it says of the day then counts for nothing.

    The order is flagged and belongs to the day of its arrival. A clock that is behind by less cannot be told from a box
    that was away.
    """
    claimed = record.fields.get("business_day", "")
    is_wrong = record.at_ms > now_ms + AHEAD_MS or record.at_ms < EARLIEST_MS
    if claimed and not is_wrong:
        is_wrong = (
            not ledger.utc_day(record.at_ms - 2 * DAY_MS) <= claimed <= ledger.utc_day(record.at_ms + DAY_MS)
        )
    if is_wrong:
        order.flag(CLOCK_WRONG)
        order.business_day = order.business_day or ledger.utc_day(now_ms)
    return is_wrong


def apply(order: Order, record: ReplicaRecord, versions: PriceVersions | None) -> Consequence:
    """Change the order as the record says and return what follows.

    PeerError: "order-of-another-box", "line-twice", "line-unknown", "tender-twice", "tender-unknown",
    "tender-differs", "lines-differ", "tenders-differ", and those of protocol/order. That the sums inside a record
    agree was checked when it was read.
    """
    if order.box != record.box:
        raise PeerError("order-of-another-box", "the order belongs to another box", "look at both boxes")
    rule = _RULES.get(record.kind)
    consequence = NOTHING
    if rule is not None:
        consequence = rule(order, record)
    elif record.kind == "sale_completed":
        consequence = _complete(order, record, versions)
    order.reach(record.generation, record.seq)
    return consequence


def recheck(order: Order, record: ReplicaRecord, versions: PriceVersions | None) -> Consequence:
    """Check the price of a suspended sale again, from its sale_completed record."""
    outcome, detail = check_prices(order, record.fields, versions)
    if outcome == NOT_CHECKED:
        return NOTHING
    order.price_check = outcome
    if outcome == RIGHT:
        return Consequence((ledger.suspense_cleared(_sale_subject(order, record), *_net_and_taxes(record)),))
    return Consequence(alarm=(outcome, detail))


def _add_line(order: Order, record: ReplicaRecord) -> Consequence:
    fields = record.fields
    number = fields["line"]
    if number in order.lines:
        raise PeerError("line-twice", f"line {number} was added before", "look at the box's journal")
    order.state = next_state(order.state, "line_added")
    order.lines[number] = OrderLine(
        number,
        fields["gtin"],
        fields["name"],
        fields["kind"],
        fields["quantity"],
        fields["weight_g"],
        fields["unit_price_minor"],
        fields["tax_class"],
        fields["amount_minor"],
        fields["source"],
    )
    order.changed_lines.add(number)
    return NOTHING


def _void_line(order: Order, record: ReplicaRecord) -> Consequence:
    line = order.lines.get(record.fields["line"])
    if line is None or line.is_voided:
        raise PeerError("line-unknown", "no open line of that number", "look at the box's journal")
    order.state = next_state(order.state, "line_voided")
    line.is_voided, line.voided_by = 1, record.fields["by"]
    order.changed_lines.add(line.number)
    return NOTHING


def _intend_tender(order: Order, record: ReplicaRecord) -> Consequence:
    fields = record.fields
    attempt = int(fields["attempt"])
    if attempt in order.tenders:
        raise PeerError("tender-twice", "the attempt was intended before", "look at the box's journal")
    if fields["currency"] != order.currency:
        raise PeerError(
            "tender-differs", "the tender is in another currency than the sale", "look at the box"
        )
    order.state = next_state(order.state, "tender_intended")
    order.tenders[attempt] = OrderTender(
        attempt,
        int(fields["payment"]),
        fields["method"],
        fields["amount_minor"],
        fields["currency"],
        masked=fields["masked"],
        brand=fields["brand"],
        intended_ms=record.at_ms,
    )
    order.changed_tenders.add(attempt)
    return NOTHING


def _answer_tender(order: Order, record: ReplicaRecord) -> Consequence:
    fields = record.fields
    tender = _tender(order, record)
    outcome = fields["outcome"]
    if outcome == "approved" and fields["amount_minor"] != tender.amount_minor:
        raise PeerError(
            "tender-differs", "the result has another amount than its intention", "look at the box"
        )
    before = tender.outcome
    order.state = next_state(order.state, "tender_" + outcome)
    tender.outcome = outcome
    tender.tendered_minor, tender.change_minor = fields["tendered_minor"], fields["change_minor"]
    tender.masked = fields["masked"] or tender.masked
    tender.brand = fields["brand"] or tender.brand
    tender.reason, tender.answered_ms = fields["reason"], record.at_ms
    order.changed_tenders.add(tender.attempt)
    return _cash_consequence(order, record, tender, before)


def _answer_reversal(order: Order, record: ReplicaRecord) -> Consequence:
    tender = _tender(order, record)
    if record.fields["outcome"] != "reversed" or tender.outcome == "reversed":
        return NOTHING
    before = tender.outcome
    # Elsewhere it settles an attempt that was given up before; of a completed sale nothing is given back.
    if order.state in {"tendering", "paid", "voided"} or before == "approved":
        order.state = next_state(order.state, "tender_reversed")
    tender.outcome, tender.answered_ms = "reversed", record.at_ms
    order.changed_tenders.add(tender.attempt)
    return _cash_consequence(order, record, tender, before)


def _cash_consequence(order: Order, record: ReplicaRecord, tender: OrderTender, before: str) -> Consequence:
    if tender.method != "cash":
        return NOTHING
    day = order.business_day or ledger.utc_day(record.at_ms)
    subject = ledger.Subject(
        order.tenant, order.shard, order.currency, order.order, tender.attempt, day, record.at_ms
    )
    if tender.outcome == "approved" and before != "approved":
        alarm = ("cash-not-returned", "cash was taken for a voided sale") if order.state == "voided" else None
        return Consequence((ledger.cash_taken(subject, order.box, tender.amount_minor),), alarm)
    if tender.outcome == "reversed" and before == "approved":
        return Consequence((ledger.cash_returned(subject, order.box, tender.amount_minor),))
    return NOTHING


def _void_sale(order: Order, record: ReplicaRecord) -> Consequence:
    order.state = next_state(order.state, "sale_voided")
    order.end(record.at_ms, record.generation, record.seq)
    return NOTHING


def _complete(order: Order, record: ReplicaRecord, versions: PriceVersions | None) -> Consequence:
    fields = record.fields
    _check_claims(order, record)
    outcome, detail = check_prices(order, fields, versions)
    order.state = next_state(order.state, "sale_completed")
    order.end(record.at_ms, record.generation, record.seq)
    order.business_day = order.business_day or fields["business_day"]
    order.total_minor, order.net_minor = fields["total_minor"], fields["net_minor"]
    order.tax_minor, order.line_count = fields["tax_minor"], fields["line_count"]
    order.price_check = outcome
    subject = _sale_subject(order, record)
    if outcome == RIGHT:
        return Consequence((ledger.sale_completed(subject, *_net_and_taxes(record)),))
    order.flag(outcome)
    return Consequence((ledger.sale_suspended(subject, order.total_minor),), (outcome, detail))


def _check_claims(order: Order, record: ReplicaRecord) -> None:
    """Refuse a completion that contradicts itself or the records before it."""
    fields = record.fields
    if fields["currency"] != order.currency:
        raise PeerError(
            "tender-differs", "the sale ends in another currency than it began", "look at the box"
        )
    if fields["line_count"] != sum(not line.is_voided for line in order.lines.values()):
        raise PeerError(
            "lines-differ", "the sale counts other lines than its records", "replay parked records"
        )
    for claimed in fields["tenders"]:
        tender = order.tenders.get(int(claimed["attempt"]))
        if tender is None or (tender.method, tender.amount_minor) != (
            claimed["method"],
            claimed["amount_minor"],
        ):
            raise PeerError("tenders-differ", "a tender was never intended so", "replay parked records")
        if tender.outcome != "approved":
            raise PeerError("tenders-differ", "a tender was never approved", "replay parked records")


def _tender(order: Order, record: ReplicaRecord) -> OrderTender:
    tender = order.tenders.get(int(record.fields["attempt"]))
    if tender is None:
        raise PeerError("tender-unknown", "the attempt was never intended", "replay parked records")
    return tender


def _sale_subject(order: Order, record: ReplicaRecord) -> ledger.Subject:
    return ledger.Subject(
        order.tenant, order.shard, order.currency, order.order, 0, order.business_day, record.at_ms
    )


def _net_and_taxes(record: ReplicaRecord) -> tuple[int, list[tuple[str, int]]]:
    rows = record.fields["tax_rows"]
    return record.fields["net_minor"], [(row["tax_class"], row["tax_minor"]) for row in rows]


_RULES = {
    "line_added": _add_line,
    "line_voided": _void_line,
    "tender_intended": _intend_tender,
    "tender_result": _answer_tender,
    "reversal_result": _answer_reversal,
    "sale_voided": _void_sale,
}
