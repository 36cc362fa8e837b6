"""The ledger's store on both engines: append-only, named entries, balances that equal their postings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloud.ledger import handlers, rules, store

if TYPE_CHECKING:
    from cloud.database import Database

NOW_MS = 1_795_348_800_000
SUBJECT = rules.Subject("acme", "2a", "GBP", 7, 9, "2026-11-22", NOW_MS)


async def test_an_entry_is_booked_once_by_its_name(database: Database) -> None:
    entry = rules.card_approved(SUBJECT, 1, 633)

    new = []
    for _ in range(3):
        async with database.transaction() as tx:
            new.append(await handlers.book(tx, [entry, entry], NOW_MS))

    assert new == [1, 0, 0]
    expected = {("card-clearing", "GBP"): 633, ("customer-deposits", "GBP"): -633}
    assert await store.balances(database, "acme") == expected
    assert await store.posting_sums(database, "acme") == expected


async def test_a_correction_is_a_new_posting_and_the_entry_stays(database: Database) -> None:
    entry = rules.sale_completed(SUBJECT, 550, [("A", 83), ("Z", 0)])
    async with database.transaction() as tx:
        await handlers.book(tx, [entry], NOW_MS)

    for _ in range(2):
        async with database.transaction() as tx:
            await handlers.correct(tx, "acme", entry.name, 1, NOW_MS + 1)

    assert await store.balances(database, "acme") == {}
    assert await database.fetch("SELECT entry FROM ledger_entry ORDER BY entry") == [
        ("correction:1:sale:7",),
        ("sale:7",),
    ]
    async with database.transaction() as tx:
        assert await store.load_entry(tx, "acme", entry.name) == entry
        assert await handlers.correct(tx, "acme", "no such entry", 1, NOW_MS) is None


async def test_a_thousand_entries_in_one_batch_keep_balances_right(database: Database) -> None:
    entries = [rules.card_approved(SUBJECT._replace(attempt=number), 1, number) for number in range(1, 1001)]

    async with database.transaction() as tx:
        booked = await handlers.book(tx, entries, NOW_MS)

    assert booked == 1000
    assert await store.balances(database, "acme") == await store.posting_sums(database, "acme")
    assert (await store.balances(database, "acme"))["card-clearing", "GBP"] == 500_500


async def test_a_rolled_back_batch_leaves_no_posting(database: Database) -> None:
    async def fail_after_booking() -> None:
        async with database.transaction() as tx:
            await handlers.book(tx, [rules.card_approved(SUBJECT, 1, 5)], NOW_MS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_booking()

    assert await store.balances(database, "acme") == {}
    assert await database.fetch("SELECT count(*) FROM ledger_posting") == [(0,)]
