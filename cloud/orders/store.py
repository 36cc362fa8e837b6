"""Remembers orders, their lines and their tenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.orders.state import Order, OrderLine, OrderTender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.database import Row, Transaction

OrderName = tuple[str, int]  # tenant, order

_ORDER_FIELDS = """tenant, order_id, shard, store, box, generation, first_seq, last_seq, state, currency, engine,
catalogue, overlay, promotions, taxes, language, opened_ms, priced_at_ms, ended_ms, ended_generation, ended_seq,
business_day, total_minor, net_minor, tax_minor, line_count, price_check, flags"""
_LINE_FIELDS = """line, gtin, name, kind, quantity, weight_g, unit_price_minor, tax_class, amount_minor, source,
is_voided, voided_by"""
_TENDER_FIELDS = """attempt, payment, method, amount_minor, currency, outcome, tendered_minor, change_minor, masked,
brand, reason, intended_ms, answered_ms"""
_LOAD = f"SELECT {_ORDER_FIELDS} FROM sale_order WHERE (tenant, order_id) IN (VALUES :rows(text,bigint))"
_LINES = f"""
SELECT tenant, order_id, {_LINE_FIELDS} FROM order_line
WHERE (tenant, order_id) IN (VALUES :rows(text,bigint)) ORDER BY tenant, order_id, line
"""
_TENDERS = f"""
SELECT tenant, order_id, {_TENDER_FIELDS} FROM order_tender WHERE (tenant, order_id) IN (VALUES :rows(text,bigint))
"""
_SAVE = f"""
INSERT INTO sale_order ({_ORDER_FIELDS}) VALUES :rows
ON CONFLICT (tenant, order_id) DO UPDATE
SET last_seq = excluded.last_seq, state = excluded.state, ended_ms = excluded.ended_ms,
ended_generation = excluded.ended_generation, ended_seq = excluded.ended_seq,
business_day = excluded.business_day, total_minor = excluded.total_minor, net_minor = excluded.net_minor,
tax_minor = excluded.tax_minor, line_count = excluded.line_count, price_check = excluded.price_check,
flags = excluded.flags
"""
_SAVE_LINES = f"""
INSERT INTO order_line (tenant, order_id, shard, {_LINE_FIELDS}) VALUES :rows
ON CONFLICT (tenant, order_id, line) DO UPDATE
SET is_voided = excluded.is_voided, voided_by = excluded.voided_by
"""
_SAVE_TENDERS = f"""
INSERT INTO order_tender (tenant, order_id, shard, {_TENDER_FIELDS}) VALUES :rows
ON CONFLICT (tenant, order_id, attempt) DO UPDATE
SET outcome = excluded.outcome, tendered_minor = excluded.tendered_minor, change_minor = excluded.change_minor,
masked = excluded.masked, brand = excluded.brand, reason = excluded.reason, answered_ms = excluded.answered_ms
"""
_SPANS = """
SELECT tenant, order_id, generation, first_seq, last_seq FROM order_span
WHERE (tenant, order_id) IN (VALUES :rows(text,bigint))
"""
_SAVE_SPANS = """
INSERT INTO order_span (tenant, order_id, shard, generation, first_seq, last_seq) VALUES :rows
ON CONFLICT (tenant, order_id, generation) DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq
"""
_TWINS = """
SELECT f.seq, p.state FROM replica_frame f LEFT JOIN parked_record p
ON p.tenant = f.tenant AND p.box = f.box AND p.generation = f.generation AND p.seq = f.seq
WHERE f.tenant = $1 AND f.box = $2 AND f.generation = $3 AND f.seq BETWEEN $4 AND $5 AND f.body = $6
"""
_UNCHECKED = """
SELECT o.order_id, f.box, f.generation, f.seq, o.store, o.shard, f.body FROM sale_order o JOIN replica_frame f
ON f.tenant = o.tenant AND f.box = o.box AND f.generation = o.ended_generation AND f.seq = o.ended_seq
WHERE o.tenant = $1 AND o.price_check = 'price-not-checked' AND o.order_id > $2 ORDER BY o.order_id LIMIT $3
"""


async def load(tx: Transaction, names: Iterable[OrderName]) -> dict[OrderName, Order]:
    """Return those of the named orders that exist, with lines and tenders."""
    orders = {(row[0], row[1]): Order(*row) for row in await tx.fetch_in(_LOAD, list(names))}
    if orders:
        found = list(orders)
        for tenant, order, *fields in await tx.fetch_in(_LINES, found):
            orders[tenant, order].lines[fields[0]] = OrderLine(*fields)
        for tenant, order, *fields in await tx.fetch_in(_TENDERS, found):
            orders[tenant, order].tenders[fields[0]] = OrderTender(*fields)
        for tenant, order, generation, first, last in await tx.fetch_in(_SPANS, found):
            orders[tenant, order].spans[generation] = (first, last)
    return orders


async def twins(tx: Transaction, order: Order, generation: str, body: bytes) -> list[tuple[int, bool]]:
    """Where one generation holds these bytes among the order's records: (seq, is it parked)."""
    first, last = order.spans.get(generation, (order.first_seq, order.last_seq))
    rows = await tx.fetch(_TWINS, order.tenant, order.box, generation, first, last, body)
    return [(seq, state == "parked") for seq, state in rows]


async def unchecked(tx: Transaction, tenant: str, after: int, limit: int) -> list[Row]:
    """Completions to check again, of orders behind `after`: (order, box, generation, seq, store, shard, body)."""
    return await tx.fetch(_UNCHECKED, tenant, after, limit)


async def save(tx: Transaction, orders: Iterable[Order]) -> None:
    """Write orders and those lines and tenders that changed."""
    rows: list[Row] = []
    lines: list[Row] = []
    tenders: list[Row] = []
    spans: list[Row] = []
    for order in orders:
        rows.append(_order_row(order))
        name = (order.tenant, order.order, order.shard)
        lines.extend(name + _line_row(order.lines[number]) for number in sorted(order.changed_lines))
        tenders.extend(
            name + _tender_row(order.tenders[attempt]) for attempt in sorted(order.changed_tenders)
        )
        spans.extend(
            (*name, generation, *order.spans[generation]) for generation in sorted(order.changed_spans)
        )
    await tx.insert_many(_SAVE, rows)
    await tx.insert_many(_SAVE_LINES, lines)
    await tx.insert_many(_SAVE_TENDERS, tenders)
    await tx.insert_many(_SAVE_SPANS, spans)


def _order_row(order: Order) -> Row:
    return (
        order.tenant,
        order.order,
        order.shard,
        order.store,
        order.box,
        order.generation,
        order.first_seq,
        order.last_seq,
        order.state,
        order.currency,
        order.engine,
        order.catalogue,
        order.overlay,
        order.promotions,
        order.taxes,
        order.language,
        order.opened_ms,
        order.priced_at_ms,
        order.ended_ms,
        order.ended_generation,
        order.ended_seq,
        order.business_day,
        order.total_minor,
        order.net_minor,
        order.tax_minor,
        order.line_count,
        order.price_check,
        order.flags,
    )


def _line_row(line: OrderLine) -> Row:
    return (
        line.number,
        line.gtin,
        line.name,
        line.kind,
        line.quantity,
        line.weight_g,
        line.unit_price_minor,
        line.tax_class,
        line.amount_minor,
        line.source,
        line.is_voided,
        line.voided_by,
    )


def _tender_row(tender: OrderTender) -> Row:
    return (
        tender.attempt,
        tender.payment,
        tender.method,
        tender.amount_minor,
        tender.currency,
        tender.outcome,
        tender.tendered_minor,
        tender.change_minor,
        tender.masked,
        tender.brand,
        tender.reason,
        tender.intended_ms,
        tender.answered_ms,
    )
