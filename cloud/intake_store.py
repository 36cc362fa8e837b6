"""Remembers the replicas of the boxes' journals, and what was parked, set aside and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.intake_rules import JournalName, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cloud.database import Database, Row, Transaction

SET_ASIDE_MAX = 1_000  # messages of one box: enough to find a cause in, and 64 MiB of full batches at most

_POSITIONS = """
SELECT tenant, box, generation, through, chain, state, opened_ms FROM replica_position
WHERE (tenant, box, generation) IN (VALUES :rows(text,text,text))
"""
_SAVE_POSITIONS = """
INSERT INTO replica_position (tenant, box, generation, shard, through, chain, state, opened_ms, received_ms)
VALUES :rows
ON CONFLICT (tenant, box, generation) DO UPDATE
SET through = excluded.through, chain = excluded.chain, state = excluded.state, received_ms = excluded.received_ms
"""
_ADD_FRAMES = """
INSERT INTO replica_frame (tenant, box, generation, seq, shard, chain, body, received_ms) VALUES :rows
"""
_CHAIN_AT = "SELECT chain FROM replica_frame WHERE tenant = $1 AND box = $2 AND generation = $3 AND seq = $4"
_PARK = """
INSERT INTO parked_record
(tenant, box, generation, seq, shard, order_id, code, what, state, tries, parked_ms) VALUES :rows
ON CONFLICT (tenant, box, generation, seq) DO UPDATE
SET code = excluded.code, what = excluded.what, tries = parked_record.tries + 1
"""
_UNPARK = """
UPDATE parked_record SET state = 'booked', tries = tries + 1
WHERE tenant = $1 AND box = $2 AND generation = $3 AND seq = $4
"""
_PARKED = """
SELECT p.tenant, p.box, p.generation, p.seq, p.parked_ms, f.body, b.store, f.shard
FROM parked_record p JOIN replica_frame f
ON f.tenant = p.tenant AND f.box = p.box AND f.generation = p.generation AND f.seq = p.seq
JOIN box b ON b.tenant = p.tenant AND b.box = p.box
WHERE p.state = 'parked' AND p.tenant = $1 AND (p.box, p.parked_ms, p.generation, p.seq) > ($2, $3, $4, $5)
ORDER BY p.box, p.parked_ms, p.generation, p.seq LIMIT $6
"""
_SET_ASIDE = """
INSERT INTO set_aside (tenant, digest, shard, box, topic, payload, code, what, received_ms) VALUES :rows
ON CONFLICT (tenant, digest) DO NOTHING
"""
_COUNT_ASIDE = "SELECT count(*) FROM set_aside WHERE tenant = $1 AND box = $2"
_COUNT_REFUSED = """
INSERT INTO security_event (tenant, box, kind, shard, times, last_ms) VALUES :rows
ON CONFLICT (tenant, box, kind) DO UPDATE
SET times = security_event.times + excluded.times, last_ms = excluded.last_ms
"""
_QUARANTINE = """
UPDATE box SET status = 'quarantined', status_reason = $3, changed_ms = $4
WHERE tenant = $1 AND box = $2 AND status = 'serving'
"""


async def load_positions(
    source: Transaction | Database, names: Iterable[JournalName]
) -> dict[JournalName, Position]:
    """Return the positions of those journals that were heard of before."""
    rows = await source.fetch_in(_POSITIONS, list(names))
    return {
        JournalName(tenant, box, generation): Position(through, chain, state, opened_ms)
        for tenant, box, generation, through, chain, state, opened_ms in rows
    }


async def save_positions(
    tx: Transaction, positions: dict[JournalName, Position], shards: dict[str, str], now_ms: int
) -> None:
    """Write positions; `shards` tells the shard of each tenant."""
    await tx.insert_many(
        _SAVE_POSITIONS,
        [
            (*name, shards[name.tenant], at.through, at.chain, at.state, at.opened_ms, now_ms)
            for name, at in positions.items()
        ],
    )


async def add_frames(tx: Transaction, rows: Sequence[Row]) -> None:
    """Store frames: (tenant, box, generation, seq, shard, chain, body, received_ms). A twin is an exception."""
    await tx.insert_many(_ADD_FRAMES, rows)


async def chain_at(tx: Transaction, name: JournalName, seq: int) -> bytes | None:
    """Return the chain value stored at a number."""
    rows = await tx.fetch(_CHAIN_AT, *name, seq)
    return rows[0][0] if rows else None


async def park(tx: Transaction, rows: Sequence[Row]) -> None:
    """Park records: (tenant, box, generation, seq, shard, order, code, what, 'parked', tries, parked_ms)."""
    await tx.insert_many(_PARK, rows)


async def parked(tx: Transaction, tenant: str, after: Row, limit: int) -> list[Row]:
    """(tenant, box, generation, seq, parked_ms, body, store, shard) of what is parked, a box at a time in order.

    `after` is (box, parked_ms, generation, seq) of the last one that was looked at, or empty.
    """
    return await tx.fetch(_PARKED, tenant, *(after or ("", 0, "", 0)), limit)


async def unpark(tx: Transaction, rows: Sequence[Row]) -> None:
    """Mark parked records as booked: (tenant, box, generation, seq)."""
    await tx.execute_many(_UNPARK, rows)


async def set_aside(tx: Transaction, rows: Sequence[Row]) -> None:
    """Keep messages that nobody could use: (tenant, digest, shard, box, topic, payload, code, what, ms).

    Of each box SET_ASIDE_MAX at most: the oldest tell how it began. Those beyond are counted as refused.
    """
    room: dict[tuple[str, str], int] = {}
    beyond: dict[tuple[str, str, str], Row] = {}
    kept = []
    for row in rows:
        tenant, _, shard, box, *_, received_ms = row
        if (tenant, box) not in room:
            count = await tx.fetch(_COUNT_ASIDE, tenant, box)
            room[tenant, box] = SET_ASIDE_MAX - count[0][0]
        room[tenant, box] -= 1
        if room[tenant, box] >= 0:
            kept.append(row)
        else:
            times = beyond.get((tenant, box, shard), (0,) * 5)[4] + 1
            beyond[tenant, box, shard] = (tenant, box, "set-aside-full", shard, times, received_ms)
    await tx.insert_many(_SET_ASIDE, kept)
    await tx.insert_many(_COUNT_REFUSED, list(beyond.values()))


async def count_refused(tx: Transaction, rows: Sequence[Row]) -> None:
    """Add to the counts of refused messages: (tenant, box, kind, shard, times, last_ms)."""
    await tx.insert_many(_COUNT_REFUSED, rows)


async def quarantine(tx: Transaction, tenant: str, box: str, reason: str, now_ms: int) -> None:
    """Stop a serving box from selling. What it sends is still taken in."""
    await tx.execute(_QUARANTINE, tenant, box, reason, now_ms)


async def load_epoch(source: Transaction | Database) -> int:
    """Return the epoch: it rises whenever the database was restored from a backup."""
    rows = await source.fetch("SELECT number FROM installation WHERE name = 'epoch'")
    return int(rows[0][0])


async def raise_epoch(tx: Transaction, now_ms: int = 0) -> int:
    """Declare that the database was restored; boxes are asked again for what they hold.

    The epoch becomes `now_ms` unless it is beyond that. Counted on from the backup alone it would come out the same
    whenever one backup is restored twice, and boxes that heard it the first time would not send again.
    """
    epoch = max(await load_epoch(tx) + 1, now_ms)
    await tx.execute("UPDATE installation SET number = $1 WHERE name = 'epoch'", epoch)
    return epoch
