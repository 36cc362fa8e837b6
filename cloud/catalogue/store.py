"""What is remembered of catalogues: items, prices, rules in force, publications, and what became of them at boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud.catalogue.rules import Assortment, ItemRow, PriceRow, RuleRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Row, Transaction

_PUT_ITEM = """
INSERT INTO catalogue_item (tenant, gtin, shard, name, tax_class, kind, age_min, facts, is_sold) VALUES :rows
ON CONFLICT (tenant, gtin) DO UPDATE SET name = excluded.name, tax_class = excluded.tax_class, kind = excluded.kind,
age_min = excluded.age_min, facts = excluded.facts, is_sold = excluded.is_sold
"""
_PUT_PRICE = """
INSERT INTO catalogue_price (tenant, gtin, store, currency, level, from_ms, until_ms, shard, price_minor) VALUES :rows
ON CONFLICT (tenant, gtin, store, currency, level, from_ms)
DO UPDATE SET until_ms = excluded.until_ms, price_minor = excluded.price_minor
"""
_SELL = "UPDATE catalogue_item SET is_sold = $3 WHERE tenant = $1 AND gtin = $2"
_KEYS = "SELECT gtin FROM catalogue_item WHERE tenant = $1 AND is_sold = 1"
_IS_ITEM = "SELECT gtin FROM catalogue_item WHERE tenant = $1 AND gtin = $2"
_ITEMS = """
SELECT gtin, name, tax_class, kind, age_min, facts FROM catalogue_item WHERE tenant = $1 AND is_sold = 1 ORDER BY gtin
"""
_PRICES = """
SELECT gtin, store, level, from_ms, until_ms, price_minor FROM catalogue_price
WHERE tenant = $1 AND currency = $2 AND (store = '' OR store = $3)
"""
_PUT_RULE = """
INSERT INTO catalogue_rule (tenant, store, part, from_ms, shard, digest, document) VALUES :rows
ON CONFLICT (tenant, store, part, from_ms) DO UPDATE SET digest = excluded.digest, document = excluded.document
"""
_RULES = """
SELECT store, part, from_ms, digest, document FROM catalogue_rule WHERE tenant = $1 AND (store = '' OR store = $2)
"""
_NUMBER = """
SELECT COALESCE((SELECT MAX(number) FROM publication WHERE tenant = $1), 0),
COALESCE((SELECT MAX(held) FROM publication_box WHERE tenant = $1), 0)
"""
_PUBLISH = """
INSERT INTO publication
(tenant, number, store, shard, payload, plan, issued_ms, expires_ms, made_by, approved_by) VALUES :rows
"""
_VERSION = """
INSERT INTO publication_version (tenant, digest, part, shard, bytes) VALUES :rows
ON CONFLICT (tenant, digest) DO NOTHING
"""
_MAY_FETCH = "SELECT part FROM publication_version WHERE tenant = $1 AND digest = $2"
_SERVING = """
SELECT e.tenant FROM enrolment e JOIN box b ON b.tenant = e.tenant AND b.box = e.box
WHERE e.tenant = $1 AND e.box_number = $2 AND e.client_id = $3 AND e.ended_ms = 0 AND b.status <> 'revoked'
"""
_TELL = """
INSERT INTO publication_box
(tenant, box, shard, number, state, reason, held, tries, next_ms, sent_ms, answered_ms) VALUES :rows
ON CONFLICT (tenant, box) DO UPDATE SET number = excluded.number, state = excluded.state, reason = excluded.reason,
tries = 0, next_ms = excluded.next_ms
"""
_LAST = """
SELECT number, plan, issued_ms, expires_ms FROM publication WHERE tenant = $1 AND store = $2
ORDER BY number DESC LIMIT 1
"""
_BOXES = "SELECT box, shard FROM box WHERE tenant = $1 AND store = $2 AND status <> 'revoked' ORDER BY box"
_UNTOLD = """
SELECT b.tenant, b.box, b.shard, MAX(p.number) FROM box b
JOIN publication p ON p.tenant = b.tenant AND p.store = b.store
LEFT JOIN publication_box t ON t.tenant = b.tenant AND t.box = b.box
WHERE b.changed_ms >= $1 AND b.status <> 'revoked'
GROUP BY b.tenant, b.box, b.shard, b.enrolled_ms, t.number, t.sent_ms
HAVING t.number IS NULL OR t.number <> MAX(p.number) OR (t.sent_ms > 0 AND b.enrolled_ms > t.sent_ms)
"""
_DUE = """
SELECT t.tenant, t.box, t.number, t.tries, t.state, p.expires_ms, p.payload FROM publication_box t
JOIN publication p ON p.tenant = t.tenant AND p.number = t.number
WHERE t.next_ms > 0 AND t.next_ms <= $1 ORDER BY t.next_ms LIMIT 64
"""
_SENT = """
UPDATE publication_box SET tries = $4, next_ms = $5, sent_ms = $6 WHERE tenant = $1 AND box = $2 AND number = $3
"""
_ALL_DUE = "UPDATE publication_box SET next_ms = $1"
_FIND = """
SELECT tenant, box, number, state FROM publication_box WHERE (tenant, box) IN (VALUES :rows(text, text))
"""
_ANSWERED = """
UPDATE publication_box SET state = $3, reason = $4, held = $5, next_ms = $6, answered_ms = $7
WHERE tenant = $1 AND box = $2
"""
_STANDINGS = """
SELECT b.store, b.box, COALESCE(t.number, 0), COALESCE(t.state, ''), COALESCE(t.reason, ''), COALESCE(t.held, 0)
FROM box b LEFT JOIN publication_box t ON t.tenant = b.tenant AND t.box = b.box
WHERE b.tenant = $1 AND b.status <> 'revoked' ORDER BY b.store, b.box
"""


class Due(NamedTuple):
    """A publication to announce to a box now."""

    tenant: str
    box: str
    number: int
    tries: int
    state: str
    expires_ms: int
    payload: bytes


class Last(NamedTuple):
    """The newest publication of a store."""

    number: int
    plan: str
    issued_ms: int
    expires_ms: int


class Standing(NamedTuple):
    """One box: what it should hold, what became of that, what it last said to hold."""

    store: str
    box: str
    number: int
    state: str
    reason: str
    held: int


async def put_items(tx: Transaction, items: Sequence[Row], prices: Sequence[Row]) -> None:
    """Write items and prices, columns as in the statements; what is there already is overwritten."""
    await tx.insert_many(_PUT_ITEM, items)
    await tx.insert_many(_PUT_PRICE, prices)


async def sell(tx: Transaction, tenant: str, gtins: Sequence[str], *, is_sold: bool) -> None:
    """Take items into the assortment or out of it."""
    await tx.execute_many(_SELL, [(tenant, gtin, int(is_sold)) for gtin in gtins])


async def keys(database: Database, tenant: str) -> set[str]:
    """The items that are sold."""
    return {gtin for (gtin,) in await database.fetch(_KEYS, tenant)}


async def is_item(database: Database, tenant: str, gtin: str) -> bool:
    """Whether an item is known, sold or not."""
    return bool(await database.fetch(_IS_ITEM, tenant, gtin))


async def assortment(database: Database, tenant: str, store: str, currency: str) -> Assortment:
    """What a store sells, at every instant."""
    items = map(ItemRow._make, await database.fetch(_ITEMS, tenant))
    prices = map(PriceRow._make, await database.fetch(_PRICES, tenant, currency, store))
    return Assortment.of(items, prices)


async def put_rule(tx: Transaction, row: Row) -> None:
    """Write which tax table or promotion set holds from an instant on."""
    await tx.insert_many(_PUT_RULE, [row])


async def rules(database: Database, tenant: str, store: str) -> list[RuleRow]:
    """Tax tables and promotion sets of a store and of all stores."""
    rows = await database.fetch(_RULES, tenant, store)
    return [RuleRow(at, part, from_ms, digest, bytes(told)) for at, part, from_ms, digest, told in rows]


async def highest_number(tx: Transaction, tenant: str) -> int:
    """The highest number that was given, or that a box says to hold: a restored cloud may have forgotten some."""
    ((given, held),) = await tx.fetch(_NUMBER, tenant)
    return max(int(given), int(held))


async def publish(tx: Transaction, publication: Row, versions: Sequence[Row]) -> None:
    """Write a publication and what boxes may fetch for it; columns as in the statements."""
    await tx.insert_many(_PUBLISH, [publication])
    await tx.insert_many(_VERSION, versions)


async def may_fetch(database: Database, tenant: str, digest: str) -> str:
    """Which part a version is, "" where it was never published to this tenant."""
    rows = await database.fetch(_MAY_FETCH, tenant, digest)
    return str(rows[0][0]) if rows else ""


async def serving(database: Database, tenant: str, number: int, client_id: str) -> str | None:
    """The tenant of the box that serves under this name of a certificate; None where none does."""
    rows = await database.fetch(_SERVING, tenant, number, client_id)
    return str(rows[0][0]) if rows else None


async def tell(tx: Transaction, rows: Sequence[Row], now_ms: int) -> None:
    """Have a publication announced: (tenant, box, shard, number) of each box."""
    await tx.insert_many(_TELL, [(*row, "sent", "", 0, 0, now_ms, 0, 0) for row in rows])


async def last(database: Database, tenant: str, store: str) -> Last | None:
    """The newest publication of a store."""
    rows = await database.fetch(_LAST, tenant, store)
    return Last(*rows[0]) if rows else None


async def boxes(tx: Transaction, tenant: str, store: str) -> list[tuple[str, str]]:
    """(box, shard) of a store."""
    return [(box, shard) for box, shard in await tx.fetch(_BOXES, tenant, store)]


async def untold(database: Database, since_ms: int) -> list[Row]:
    """(tenant, box, shard, number) of boxes that changed since then and were not told what their store sells by."""
    return await database.fetch(_UNTOLD, since_ms)


async def due(database: Database, now_ms: int) -> list[Due]:
    """What to announce, at most 64."""
    return [Due(*row) for row in await database.fetch(_DUE, now_ms)]


async def mark_sent(tx: Transaction, told: Due, next_ms: int, now_ms: int) -> None:
    """Note that a publication was announced; `next_ms` 0 when that was all."""
    await tx.execute(_SENT, told.tenant, told.box, told.number, told.tries + 1, next_ms, now_ms)


async def mark_all_due(tx: Transaction, now_ms: int) -> None:
    """Announce everything once more: the broker may have forgotten what it retained."""
    await tx.execute(_ALL_DUE, now_ms)


async def find(tx: Transaction, names: Sequence[Row]) -> dict[Row, tuple[int, str]]:
    """(number, state) of boxes by (tenant, box)."""
    rows = await tx.fetch_in(_FIND, names) if names else []
    return {(tenant, box): (number, state) for tenant, box, number, state in rows}


async def answered(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write what boxes said: (tenant, box, state, reason, held, next, now)."""
    await tx.execute_many(_ANSWERED, rows)


async def standings(database: Database, tenant: str) -> list[Standing]:
    """Every box of a tenant: what it should hold and what it says."""
    return [Standing(*row) for row in await database.fetch(_STANDINGS, tenant)]
