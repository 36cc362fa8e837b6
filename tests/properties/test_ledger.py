"""The ledger balances, whatever is booked, in whatever order and however often."""

from __future__ import annotations

import asyncio
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.database import open_database
from cloud.ledger import handlers, rules, store
from protocol.errors import CallerError

NOW_MS = 1_795_348_800_000

amounts = st.integers(0, 10**12)
subjects = st.builds(
    rules.Subject,
    tenant=st.sampled_from(["acme", "bolt"]),
    shard=st.just("00"),
    currency=st.sampled_from(["GBP", "JPY"]),
    order=st.integers(1, 6),
    attempt=st.integers(1, 6),
    business_day=st.just("2026-11-22"),
    happened_ms=st.just(NOW_MS),
)
taxes = st.lists(st.tuples(st.sampled_from("ABZ"), amounts), max_size=4)
entries = st.one_of(
    st.builds(rules.card_approved, subjects, st.integers(1, 3), amounts),
    st.builds(rules.card_reversed, subjects, st.integers(1, 3), amounts),
    st.builds(rules.cash_taken, subjects, st.sampled_from(["till-1", "till-2"]), amounts),
    st.builds(rules.cash_returned, subjects, st.sampled_from(["till-1", "till-2"]), amounts),
    st.builds(rules.sale_completed, subjects, amounts, taxes),
    st.builds(rules.sale_suspended, subjects, amounts),
    st.builds(rules.suspense_cleared, subjects, amounts, taxes),
)


@given(entries)
def test_the_postings_of_every_entry_sum_to_zero(entry: rules.Entry) -> None:
    assert sum(amount for _, amount in entry.postings) == 0
    assert all(amount for _, amount in entry.postings)


@given(entries, st.integers(1, 9))
def test_a_correction_undoes_its_entry_and_nothing_else(entry: rules.Entry, number: int) -> None:
    assert rules.balance_changes([entry, rules.corrected(entry, number, NOW_MS)]) == {}


@given(subjects, st.integers(-(10**12), -1))
def test_a_negative_amount_is_our_bug(subject: rules.Subject, amount: int) -> None:
    with pytest.raises(CallerError, match="amount-negative"):
        rules.card_approved(subject, 1, amount)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(entries, max_size=12), max_size=5))
def test_duplicates_change_nothing_and_kept_balances_equal_the_sums_of_postings(batches) -> None:
    booked, kept, summed = asyncio.run(book_all(batches))

    assert booked == len({(entry.subject.tenant, entry.name) for batch in batches for entry in batch})
    assert kept == summed
    for currency in ("GBP", "JPY"):
        assert sum(amount for (_, _, coin), amount in kept.items() if coin == currency) == 0


async def book_all(batches):
    """Book every batch twice in a fresh database; return how many were new, kept balances and sums of postings."""
    with tempfile.TemporaryDirectory() as place:
        database = await open_database(f"sqlite:///{place}/ledger.db")
        booked = 0
        for batch in [*batches, *batches]:
            async with database.transaction() as tx:
                booked += await handlers.book(tx, batch, NOW_MS)
        kept, summed = {}, {}
        for tenant in ("acme", "bolt"):
            for key, amount in (await store.balances(database, tenant)).items():
                kept[(tenant, *key)] = amount
            for key, amount in (await store.posting_sums(database, tenant)).items():
                summed[(tenant, *key)] = amount
        await database.close()
    return booked, kept, summed
