"""What is remembered of configurations: documents, which one each box should have, what boxes report, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Row, Transaction

_BOXES_OF_GROUP = """
SELECT b.box, b.shard FROM box_group g JOIN box b ON b.tenant = g.tenant AND b.box = g.box
WHERE g.tenant = $1 AND g.group_name = $2 AND b.status <> 'revoked' ORDER BY b.box
"""
_BOXES_OF_STORE = """
SELECT box, shard FROM box WHERE tenant = $1 AND store = $2 AND status <> 'revoked' ORDER BY box
"""
_BOXES_OF_TENANT = "SELECT box, shard FROM box WHERE tenant = $1 AND status <> 'revoked' ORDER BY box"
_IS_STORE = "SELECT 1 FROM box WHERE tenant = $1 AND store = $2 LIMIT 1"
_NUMBERS = """
SELECT b.box, COALESCE(d.version, 0), COALESCE(r.config_version, 0) FROM box b
LEFT JOIN configuration_desired d ON d.tenant = b.tenant AND d.box = b.box
LEFT JOIN box_report r ON r.tenant = b.tenant AND r.box = b.box
WHERE (b.tenant, b.box) IN (VALUES :rows(text, text))
"""
_ADD = """
INSERT INTO configuration_document (tenant, box, version, shard, group_name, digest, payload, state, reason,
issued_ms, expires_ms, answered_ms) VALUES :rows
"""
_OVERTAKE = """
UPDATE configuration_document SET state = $4 WHERE tenant = $1 AND box = $2 AND version < $3 AND state = 'sent'
"""
_DESIRE = """
INSERT INTO configuration_desired (tenant, box, shard, version, tries, next_ms, sent_ms) VALUES :rows
ON CONFLICT (tenant, box) DO UPDATE SET version = excluded.version, tries = 0, next_ms = excluded.next_ms, sent_ms = 0
"""
_DUE = """
SELECT d.tenant, d.box, d.version, d.tries, d.sent_ms, c.state, c.expires_ms, c.payload FROM configuration_desired d
JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
WHERE d.next_ms > 0 AND d.next_ms <= $1 ORDER BY d.next_ms LIMIT 64
"""
_SENT = """
UPDATE configuration_desired SET tries = $4, next_ms = $5, sent_ms = $6
WHERE tenant = $1 AND box = $2 AND version = $3
"""
_QUIET = "UPDATE configuration_desired SET next_ms = 0 WHERE tenant = $1 AND box = $2 AND version = $3"
_ALL_DUE = "UPDATE configuration_desired SET next_ms = $1"
_FELL_BACK = """
UPDATE configuration_desired SET next_ms = $4
WHERE tenant = $1 AND box = $2 AND version > $3 AND next_ms = 0 AND EXISTS (
SELECT 1 FROM configuration_document c WHERE c.tenant = configuration_desired.tenant
AND c.box = configuration_desired.box AND c.version = configuration_desired.version AND c.state = 'applied')
"""
_ENROLLED_ANEW = """
SELECT d.tenant, d.box, d.version FROM box b JOIN configuration_desired d ON d.tenant = b.tenant AND d.box = b.box
WHERE b.changed_ms >= $1 AND d.sent_ms > 0 AND b.enrolled_ms > d.sent_ms
"""
_SAY_ANEW = """
UPDATE configuration_desired SET next_ms = $4, sent_ms = $4 WHERE tenant = $1 AND box = $2 AND version = $3
"""
_FIND = """
SELECT tenant, box, version, state, digest FROM configuration_document
WHERE (tenant, box, version) IN (VALUES :rows(text, text, bigint))
"""
_SETTLE = """
UPDATE configuration_document SET state = $4, reason = $5, answered_ms = $6
WHERE tenant = $1 AND box = $2 AND version = $3
"""
_REPORT = """
INSERT INTO box_report (tenant, box, shard, is_online, config_version, told, reported_ms) VALUES :rows
ON CONFLICT (tenant, box) DO UPDATE SET is_online = excluded.is_online, config_version = excluded.config_version,
told = excluded.told, reported_ms = excluded.reported_ms
"""
_GONE = "UPDATE box_report SET is_online = 0, reported_ms = $3 WHERE tenant = $1 AND box = $2"
_UNANSWERED = """
SELECT d.tenant, d.box, d.shard, d.version, d.sent_ms FROM configuration_desired d
JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
WHERE c.state = 'sent' AND d.sent_ms > 0 AND (d.tenant, d.box) IN (VALUES :rows(text, text))
"""
_SETTLE_ALARM = """
UPDATE alarm SET settled_ms = $4 WHERE tenant = $1 AND kind = $2 AND subject = $3 AND settled_ms = 0
"""
_PUSH = """
SELECT box, version, state, reason FROM configuration_document WHERE tenant = $1 AND issued_ms = $2 ORDER BY box
"""
_STANDINGS = """
SELECT b.box, COALESCE(d.version, 0), COALESCE(c.state, ''), COALESCE(c.reason, ''), COALESCE(c.group_name, ''),
COALESCE(r.config_version, 0), COALESCE(r.is_online, 0), COALESCE(r.reported_ms, 0) FROM box b
LEFT JOIN configuration_desired d ON d.tenant = b.tenant AND d.box = b.box
LEFT JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
LEFT JOIN box_report r ON r.tenant = b.tenant AND r.box = b.box
WHERE b.tenant = $1 ORDER BY b.box
"""
_JOIN = "INSERT INTO box_group (tenant, group_name, box) VALUES :rows ON CONFLICT (tenant, group_name, box) DO NOTHING"
_LEAVE = "DELETE FROM box_group WHERE tenant = $1 AND group_name = $2 AND box = $3"
_MEMBERS = "SELECT box FROM box_group WHERE tenant = $1 AND group_name = $2 ORDER BY box"

EVERY_BOX = "all"  # the group that every box of a tenant is in


class Due(NamedTuple):
    """A document to publish now."""

    tenant: str
    box: str
    version: int
    tries: int
    sent_ms: int
    state: str
    expires_ms: int
    payload: bytes


class Standing(NamedTuple):
    """One box: what it should have, what became of that, and what it reports."""

    box: str
    desired: int
    state: str
    reason: str
    group: str
    reported: int
    is_online: bool
    reported_ms: int


async def boxes_of_group(database: Database, tenant: str, group: str) -> list[tuple[str, str]]:
    """(box, shard) of a group: its members, else the boxes of the store of that name; "all" is every box."""
    if group == EVERY_BOX:
        rows = await database.fetch(_BOXES_OF_TENANT, tenant)
    else:
        rows = await database.fetch(_BOXES_OF_GROUP, tenant, group)
        rows = rows or await database.fetch(_BOXES_OF_STORE, tenant, group)
    return [(box, shard) for box, shard in rows]


async def is_store(database: Database, tenant: str, name: str) -> bool:
    """Whether a tenant has, or had, a box in a store of this name."""
    return bool(await database.fetch(_IS_STORE, tenant, name))


async def numbers(tx: Transaction, tenant: str, boxes: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(last version given, version reported) of each box."""
    rows = await tx.fetch_in(_NUMBERS, [(tenant, box) for box in boxes])
    return {box: (last, reported) for box, last, reported in rows}


async def add(tx: Transaction, documents: Sequence[Row], superseded: str, now_ms: int) -> None:
    """Add documents (columns as in the table) and desire them, due now; open ones below them get `superseded`."""
    await tx.execute_many(_OVERTAKE, [(row[0], row[1], row[2], superseded) for row in documents])
    await tx.insert_many(_ADD, documents)
    await tx.insert_many(_DESIRE, [(row[0], row[1], row[3], row[2], 0, now_ms, 0) for row in documents])


async def due(database: Database, now_ms: int) -> list[Due]:
    """Return documents to publish, at most 64."""
    return [Due(*row) for row in await database.fetch(_DUE, now_ms)]


async def mark_sent(tx: Transaction, document: Due, next_ms: int, now_ms: int) -> None:
    """Note that a document was published; `next_ms` 0 when that was all."""
    key = (document.tenant, document.box, document.version)
    await tx.execute(_SENT, *key, document.tries + 1, next_ms, document.sent_ms or now_ms)


async def mark_all_due(tx: Transaction, now_ms: int) -> None:
    """Publish every desired document once more: the broker may have forgotten what it retained."""
    await tx.execute(_ALL_DUE, now_ms)


async def mark_fallen_back(tx: Transaction, reports: Sequence[Row], now_ms: int) -> None:
    """Publish again what a box took, and by its report (tenant, box, version) has no more: its disk forgot it."""
    await tx.execute_many(_FELL_BACK, [(*report, now_ms) for report in reports])


async def enrolled_anew(database: Database, since_ms: int) -> list[Row]:
    """(tenant, box, version) whose box got new keys: its retained message is sealed with the old ones."""
    return await database.fetch(_ENROLLED_ANEW, since_ms)


async def mark_enrolled_anew(tx: Transaction, keys: Sequence[Row], now_ms: int) -> None:
    """Publish these again."""
    await tx.execute_many(_SAY_ANEW, [(*key, now_ms) for key in keys])


async def quiet(tx: Transaction, key: Row) -> None:
    """Publish a document (tenant, box, version) no more."""
    await tx.execute(_QUIET, *key)


async def find(tx: Transaction, keys: Sequence[Row]) -> dict[Row, tuple[str, str]]:
    """(state, digest) of documents by (tenant, box, version)."""
    rows = await tx.fetch_in(_FIND, keys) if keys else []
    return {(tenant, box, version): (state, digest) for tenant, box, version, state, digest in rows}


async def settle(tx: Transaction, key: Row, state: str, reason: str, now_ms: int) -> None:
    """Write what became of a document and publish it no more."""
    await tx.execute(_SETTLE, *key, state, reason, now_ms)
    await quiet(tx, key)


async def report(tx: Transaction, online: Sequence[Row], gone: Sequence[Row]) -> None:
    """Keep what boxes said: rows of the table, and (tenant, box, now) of those whose last will was told."""
    await tx.insert_many(_REPORT, online)
    await tx.execute_many(_GONE, gone)


async def unanswered(tx: Transaction, boxes: Sequence[Row]) -> list[Row]:
    """(tenant, box, shard, version, first sent at) of those boxes that were told and have not answered."""
    return await tx.fetch_in(_UNANSWERED, boxes) if boxes else []


async def settle_alarm(tx: Transaction, tenant: str, kind: str, subject: str, now_ms: int) -> None:
    """Close an alarm whose cause is gone."""
    await tx.execute(_SETTLE_ALARM, tenant, kind, subject, now_ms)


async def push_states(database: Database, tenant: str, issued_ms: int) -> list[tuple[str, int, str, str]]:
    """(box, version, state, reason) of what was pushed at that instant."""
    rows = await database.fetch(_PUSH, tenant, issued_ms)
    return [(box, version, state, reason) for box, version, state, reason in rows]


async def standings(database: Database, tenant: str) -> list[Standing]:
    """Return every box of a tenant: desired and reported."""
    rows = await database.fetch(_STANDINGS, tenant)
    return [Standing._make([*row[:6], bool(row[6]), row[7]]) for row in rows]


async def change_group(
    tx: Transaction, tenant: str, group: str, joining: Sequence[str], leaving: Sequence[str]
) -> None:
    """Put boxes into a group and take others out; both may be repeated."""
    await tx.insert_many(_JOIN, [(tenant, group, box) for box in sorted(set(joining))])
    await tx.execute_many(_LEAVE, [(tenant, group, box) for box in leaving])


async def members(database: Database, tenant: str, group: str) -> list[str]:
    """Return the boxes that were put into a group."""
    return [box for (box,) in await database.fetch(_MEMBERS, tenant, group)]
