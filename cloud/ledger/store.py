"""Remembers entries, postings and balances. Entries are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.ledger.rules import Entry, Subject, balance_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Transaction

_KNOWN = "SELECT tenant, entry FROM ledger_entry WHERE (tenant, entry) IN (VALUES :rows(text,text))"
_ADD_ENTRIES = """
INSERT INTO ledger_entry
(tenant, entry, shard, kind, order_id, attempt, currency, business_day, happened_ms, booked_ms) VALUES :rows
"""
_ADD_POSTINGS = """
INSERT INTO ledger_posting (tenant, entry, number, shard, account, currency, amount_minor) VALUES :rows
"""
_ADD_TO_BALANCES = """
INSERT INTO ledger_balance (tenant, account, currency, shard, balance_minor) VALUES :rows
ON CONFLICT (tenant, account, currency) DO UPDATE
SET balance_minor = ledger_balance.balance_minor + excluded.balance_minor
"""
_ENTRY = """
SELECT kind, shard, currency, order_id, attempt, business_day, happened_ms FROM ledger_entry
WHERE tenant = $1 AND entry = $2
"""
_POSTINGS = (
    "SELECT account, amount_minor FROM ledger_posting WHERE tenant = $1 AND entry = $2 ORDER BY number"
)
_BALANCES = """
SELECT account, currency, balance_minor FROM ledger_balance WHERE tenant = $1 ORDER BY account, currency
"""
_SUMS = """
SELECT account, currency, cast(sum(amount_minor) as bigint) FROM ledger_posting WHERE tenant = $1
GROUP BY account, currency HAVING sum(amount_minor) <> 0 ORDER BY account, currency
"""


async def known_entries(tx: Transaction, entries: Sequence[Entry]) -> set[tuple[str, str]]:
    """Return (tenant, name) of those entries that are booked already."""
    rows = await tx.fetch_in(_KNOWN, [(entry.subject.tenant, entry.name) for entry in entries])
    return {(tenant, name) for tenant, name in rows}


async def add_entries(tx: Transaction, entries: Sequence[Entry], now_ms: int) -> None:
    """Add new entries, their postings, and their sums to the balances. A twin is an exception."""
    await tx.insert_many(_ADD_ENTRIES, [_entry_row(entry, now_ms) for entry in entries])
    postings = []
    shards = {}
    for entry in entries:
        subject = entry.subject
        shards[subject.tenant] = subject.shard
        for number, (account, amount) in enumerate(entry.postings, 1):
            postings.append(
                (subject.tenant, entry.name, number, subject.shard, account, subject.currency, amount)
            )
    await tx.insert_many(_ADD_POSTINGS, postings)
    changes = sorted(balance_changes(entries).items())
    await tx.insert_many(_ADD_TO_BALANCES, [(*key, shards[key[0]], amount) for key, amount in changes])


async def load_entry(tx: Transaction, tenant: str, name: str) -> Entry | None:
    """Return one entry with its postings."""
    rows = await tx.fetch(_ENTRY, tenant, name)
    if not rows:
        return None
    kind, shard, currency, order, attempt, business_day, happened_ms = rows[0]
    postings = tuple((account, amount) for account, amount in await tx.fetch(_POSTINGS, tenant, name))
    return Entry(
        name, kind, Subject(tenant, shard, currency, order, attempt, business_day, happened_ms), postings
    )


async def balances(database: Database, tenant: str) -> dict[tuple[str, str], int]:
    """Return the kept balances by (account, currency), those of zero left out."""
    rows = await database.fetch(_BALANCES, tenant)
    return {(account, currency): amount for account, currency, amount in rows if amount}


async def posting_sums(database: Database, tenant: str) -> dict[tuple[str, str], int]:
    """Return the balances computed again from all postings: must equal `balances`."""
    return {(account, currency): amount for account, currency, amount in await database.fetch(_SUMS, tenant)}


def _entry_row(entry: Entry, now_ms: int) -> tuple[object, ...]:
    subject = entry.subject
    return (
        subject.tenant,
        entry.name,
        subject.shard,
        entry.kind,
        subject.order,
        subject.attempt,
        subject.currency,
        subject.business_day,
        subject.happened_ms,
        now_ms,
    )
