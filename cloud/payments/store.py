"""Remembers attempts to pay."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING

from cloud.payments.attempt import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.database import Database, Row, Transaction
    from cloud.payments.attempt import AttemptName

_NAMES = [field.name for field in fields(Attempt)]
_COLUMNS = ", ".join("order_id" if name == "order" else name for name in _NAMES)
_FIXED = ("tenant", "attempt", "shard")
_CHANGES = ", ".join(
    f"{column} = excluded.{column}" for column in _COLUMNS.split(", ") if column not in _FIXED
)
_row: attrgetter[Row] = attrgetter(*_NAMES)

_BY_NAME = f"SELECT {_COLUMNS} FROM payment_attempt WHERE (tenant, attempt) IN (VALUES :rows(text,bigint))"
_BY_ORDER = f"SELECT {_COLUMNS} FROM payment_attempt WHERE (tenant, order_id) IN (VALUES :rows(text,bigint))"
_SAVE = f"""
INSERT INTO payment_attempt ({_COLUMNS}) VALUES :rows
ON CONFLICT (tenant, attempt) DO UPDATE SET {_CHANGES}
"""
_DUE = """
SELECT tenant, attempt FROM payment_attempt WHERE due_ms > 0 AND due_ms <= $1 ORDER BY due_ms LIMIT $2
"""
_WAKE = """
UPDATE payment_attempt SET due_ms = $1, tries = 0 WHERE due_ms > $1 AND state IN ('unknown', 'reversing')
"""


async def load(
    tx: Transaction, names: Iterable[AttemptName], orders: Iterable[tuple[str, int]]
) -> dict[AttemptName, Attempt]:
    """Return the named attempts that exist, and all attempts of the named orders."""
    rows = await tx.fetch_in(_BY_NAME, sorted(names))
    rows += await tx.fetch_in(_BY_ORDER, sorted(orders))
    return {(row[0], row[1]): Attempt(*row) for row in rows}


async def save(tx: Transaction, attempts: Iterable[Attempt]) -> None:
    """Write attempts as they are now."""
    await tx.insert_many(_SAVE, [_row(attempt) for attempt in attempts])


async def due(database: Database, now_ms: int, limit: int) -> list[AttemptName]:
    """Return the attempts that the poller must look at now, longest waiting first."""
    return [(tenant, attempt) for tenant, attempt in await database.fetch(_DUE, now_ms, limit)]


async def wake(tx: Transaction, now_ms: int) -> None:
    """Make every unresolved attempt due now: the calls that an earlier run of this process had under way are lost."""
    await tx.execute(_WAKE, now_ms)
