"""Alarms: what a person must look at. Raised inside the transaction that found it, once for each subject.

One whose cause is gone is settled; when the cause comes back, so does the alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.database import Transaction

_RAISE = """
INSERT INTO alarm (tenant, kind, subject, shard, detail, raised_ms, settled_ms) VALUES :rows
ON CONFLICT (tenant, kind, subject) DO UPDATE
SET detail = excluded.detail, raised_ms = excluded.raised_ms, settled_ms = 0 WHERE alarm.settled_ms > 0
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
