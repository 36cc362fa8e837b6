"""Receives entries from the other services and books each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.ledger import rules, store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.database import Transaction


async def book(tx: Transaction, entries: Iterable[rules.Entry], now_ms: int) -> int:
    """Book entries inside the caller's transaction and return how many were new.

    Safe to call twice with the same entry: an entry is named after what it books, and a known name adds nothing.
    """
    wanted = {(entry.subject.tenant, entry.name): entry for entry in entries}
    if not wanted:
        return 0
    known = await store.known_entries(tx, list(wanted.values()))
    fresh = [entry for key, entry in wanted.items() if key not in known]
    if fresh:
        await store.add_entries(tx, fresh, now_ms)
    return len(fresh)


async def correct(tx: Transaction, tenant: str, name: str, number: int, now_ms: int) -> rules.Entry | None:
    """Book the opposite of an entry; None when there is no such entry. Safe to repeat with the same number."""
    entry = await store.load_entry(tx, tenant, name)
    if entry is None:
        return None
    correction = rules.corrected(entry, number, now_ms)
    await book(tx, [correction], now_ms)
    return correction
