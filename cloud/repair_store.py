"""Remembers which repairs were asked for by command, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cloud.database import Database, Row, Transaction

KEEP_MS = 30 * 86_400_000  # a request that ended is of no use to anybody a month later
WAITING_AT_ONCE = 64  # more people do not repair at once; the others follow

_SHARD = "SELECT shard FROM box WHERE tenant = $1 LIMIT 1"
_ASK = "INSERT INTO repair_request (tenant, request, shard, kind, state, mended, asked_ms, ended_ms) VALUES :rows"
_FORGET = "DELETE FROM repair_request WHERE state = 'done' AND ended_ms < $1"
_WAITING = """
SELECT tenant, request, kind FROM repair_request WHERE state = 'waiting' ORDER BY asked_ms, request LIMIT $1
"""
_ADD = "UPDATE repair_request SET mended = mended + $3 WHERE tenant = $1 AND request = $2"
_END = "UPDATE repair_request SET state = 'done', ended_ms = $3 WHERE tenant = $1 AND request = $2"
_ANSWERS = (
    "SELECT kind, state, mended FROM repair_request WHERE tenant = $1 AND request IN ($2, $3) ORDER BY kind"
)
_STILL_PARKED = """
SELECT code, count(*) FROM parked_record WHERE tenant = $1 AND state = 'parked' GROUP BY code ORDER BY code
"""
_STILL_UNCHECKED = "SELECT count(*) FROM sale_order WHERE tenant = $1 AND price_check = 'price-not-checked'"


class Answer(NamedTuple):
    """What became of one request so far."""

    kind: str
    is_done: bool
    mended: int


class Left(NamedTuple):
    """What a tenant's boxes told and the books do not have: parked records by the reason, sales in suspense."""

    parked: dict[str, int]
    unchecked: int


async def shard_of(tx: Transaction, tenant: str) -> str | None:
    """Return a tenant's shard, None when it has no box."""
    rows = await tx.fetch(_SHARD, tenant)
    return rows[0][0] if rows else None


async def ask(tx: Transaction, requests: list[tuple[str, str, str, str]], now_ms: int) -> None:
    """Ask for repairs: (tenant, request, shard, kind). Requests that ended long ago are forgotten."""
    await tx.execute(_FORGET, now_ms - KEEP_MS)
    await tx.insert_many(_ASK, [(*request, "waiting", 0, now_ms, 0) for request in requests])


async def waiting(database: Database) -> list[Row]:
    """(tenant, request, kind) of what was asked for and is not done, oldest first."""
    return await database.fetch(_WAITING, WAITING_AT_ONCE)


async def note(tx: Transaction, tenant: str, request: str, mended: int) -> None:
    """Add to what a request has mended."""
    await tx.execute(_ADD, tenant, request, mended)


async def end(tx: Transaction, tenant: str, request: str, now_ms: int) -> None:
    """Mark a request as done."""
    await tx.execute(_END, tenant, request, now_ms)


async def answers(database: Database, tenant: str, requests: tuple[str, str]) -> list[Answer]:
    """Return what became of two requests, by kind."""
    rows = await database.fetch(_ANSWERS, tenant, *requests)
    return [Answer(kind, state == "done", mended) for kind, state, mended in rows]


async def left(database: Database, tenant: str) -> Left:
    """Return what still cannot be booked or checked."""
    parked = await database.fetch(_STILL_PARKED, tenant)
    unchecked = await database.fetch(_STILL_UNCHECKED, tenant)
    return Left(dict[str, int](parked), unchecked[0][0])
