"""Alarms: what a person must look at. Raised inside the transaction that found it, once for each subject.

One whose cause is gone is settled; when the cause comes back, so does the alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.database import Database, Row, Transaction

_RAISE = """
INSERT INTO alarm (tenant, kind, subject, shard, detail, raised_ms, settled_ms) VALUES :rows
ON CONFLICT (tenant, kind, subject) DO UPDATE
SET detail = excluded.detail, raised_ms = excluded.raised_ms, settled_ms = 0 WHERE alarm.settled_ms > 0
"""

_SETTLE = (
    "UPDATE alarm SET settled_ms = $4 WHERE tenant = $1 AND kind = $2 AND subject = $3 AND settled_ms = 0"
)
_OPEN = """
SELECT raised_ms, tenant, kind, subject, detail FROM alarm WHERE settled_ms = 0 AND ($1 = '' OR tenant = $1)
ORDER BY raised_ms, tenant, kind, subject
"""


class Alarm(NamedTuple):
    """One alarm; `subject` names the order, attempt, box or journal that it is about."""

    tenant: str
    kind: str
    subject: str
    shard: str
    detail: str
    raised_ms: int


async def raise_alarms(tx: Transaction, alarms: Iterable[Alarm]) -> None:
    """Raise alarms. The same kind about the same subject changes nothing while it is open."""
    await tx.insert_many(_RAISE, [(*alarm, 0) for alarm in alarms])


async def settle_alarms(tx: Transaction, names: Iterable[tuple[str, str, str]], now_ms: int) -> None:
    """Settle alarms whose cause is gone: (tenant, kind, subject). One that is not open stays as it is."""
    await tx.execute_many(_SETTLE, [(*name, now_ms) for name in names])


async def open_alarms(database: Database, tenant: str = "") -> list[Row]:
    """(raised_ms, tenant, kind, subject, detail) of all that are open, or those of a tenant; oldest first."""
    return await database.fetch(_OPEN, tenant)
