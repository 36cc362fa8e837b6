"""What is remembered of boxes and their enrolments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud.broker.access import Admitted

if TYPE_CHECKING:
    from cloud.database import Database, Row, Transaction

_LAST_NUMBER = (
    "SELECT COALESCE(MAX(box_number), 0), COALESCE(MAX(shard), '') FROM enrolment WHERE tenant = $1"
)
_OPEN_OF_BOX = """
SELECT box_number, certificate_serial FROM enrolment WHERE tenant = $1 AND box = $2 AND ended_ms = 0
"""
_END = "UPDATE enrolment SET ended_ms = $3 WHERE tenant = $1 AND box = $2 AND ended_ms = 0"
_ENROL = """
INSERT INTO enrolment
(tenant, box_number, box, store, shard, client_id, certificate_serial, enrolled_ms, ended_ms) VALUES :rows
"""
_BOX = """
INSERT INTO box (tenant, box, store, shard, box_number, status, status_reason, certificate_serial, up_key, down_key,
enrolled_ms, changed_ms) VALUES :rows
ON CONFLICT (tenant, box) DO UPDATE SET store = excluded.store, shard = excluded.shard,
box_number = excluded.box_number, status = excluded.status, status_reason = excluded.status_reason,
certificate_serial = excluded.certificate_serial, up_key = excluded.up_key, down_key = excluded.down_key,
enrolled_ms = excluded.enrolled_ms, changed_ms = excluded.changed_ms
"""
_REVOKE = """
UPDATE box SET status = 'revoked', status_reason = $3, changed_ms = $4 WHERE tenant = $1 AND box = $2
"""
_RELEASE = """
UPDATE box SET status = 'serving', status_reason = $3, changed_ms = $4
WHERE tenant = $1 AND box = $2 AND status = 'quarantined'
"""
_SETTLE_FORKS = """
UPDATE alarm SET settled_ms = $3
WHERE tenant = $1 AND kind = 'journal-forked' AND subject LIKE $2 AND settled_ms = 0
"""
_BOX_COLUMNS = """
SELECT tenant, store, box, box_number, shard, status, status_reason, certificate_serial, enrolled_ms, changed_ms
FROM box
"""
_ADMITTED = """
SELECT client_id, shard, tenant, store, box FROM enrolment WHERE ended_ms = 0 ORDER BY tenant, box_number
"""
_CHANGED = "SELECT tenant, box, changed_ms FROM box WHERE changed_ms >= $1"


class BoxRow(NamedTuple):
    """A box as people see it: no keys."""

    tenant: str
    store: str
    box: str
    box_number: int
    shard: str
    status: str
    status_reason: str
    certificate_serial: str
    enrolled_ms: int
    changed_ms: int


async def last_number(tx: Transaction, tenant: str) -> tuple[int, str]:
    """Return the highest number that a tenant ever used, and its shard; 0 and "" for a new tenant."""
    ((number, shard),) = await tx.fetch(_LAST_NUMBER, tenant)
    return number, shard


async def open_serials(tx: Transaction, tenant: str, box: str) -> list[str]:
    """Return the serials of the certificates that a box may use now: at most one."""
    return [serial for _, serial in await tx.fetch(_OPEN_OF_BOX, tenant, box)]


async def end(tx: Transaction, tenant: str, box: str, now_ms: int) -> None:
    """End the enrolment that holds, if there is one."""
    await tx.execute(_END, tenant, box, now_ms)


async def enrol(tx: Transaction, enrolment: Row, box: Row) -> None:
    """Write an enrolment, and the box as it is from now on; columns as in the statements above."""
    await tx.insert_many(_ENROL, [enrolment])
    await tx.insert_many(_BOX, [box])


async def revoke(tx: Transaction, tenant: str, box: str, reason: str, now_ms: int) -> None:
    """Mark a box as revoked."""
    await tx.execute(_REVOKE, tenant, box, reason, now_ms)


async def release(tx: Transaction, tenant: str, box: str, reason: str, now_ms: int) -> None:
    """End a box's quarantine, and the alarms about its journals: their subject is BOX/GENERATION."""
    await tx.execute(_RELEASE, tenant, box, reason, now_ms)
    await tx.execute(_SETTLE_FORKS, tenant, f"{box}/%", now_ms)


async def boxes(database: Database, tenant: str = "", store: str = "") -> list[BoxRow]:
    """Return all boxes, or those of a tenant, or of one of its stores."""
    where, args = ["1 = 1"], []
    for column, value in (("tenant", tenant), ("store", store)):
        if value:
            args.append(value)
            where.append(f"{column} = ${len(args)}")
    sql = f"{_BOX_COLUMNS} WHERE {' AND '.join(where)} ORDER BY tenant, store, box"
    return [BoxRow(*row) for row in await database.fetch(sql, *args)]


async def admitted(database: Database) -> list[Admitted]:
    """Return every box that the broker must let in."""
    return [Admitted(*row) for row in await database.fetch(_ADMITTED)]


async def changed(database: Database, since_ms: int) -> set[tuple[str, str, int]]:
    """Return (tenant, box, when) of the boxes that changed at `since_ms` or later."""
    return {(tenant, box, when) for tenant, box, when in await database.fetch(_CHANGED, since_ms)}
