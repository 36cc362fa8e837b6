"""Reversals of the card zone: what comes twice at once is settled once."""

from __future__ import annotations

import asyncio

from cloud.cardzone.iso8583 import trace_of
from cloud.cardzone.reversals import Reversals, ReversalTimes
from cloud.cardzone.rules import Verdict
from cloud.cardzone.store import Attempt, Store

DE7 = "1122120000"


async def test_two_answers_to_one_reversal_at_the_same_instant_settle_it_once(tmp_path):
    store, settled = Store(tmp_path / "zone.db"), []

    async def on_settled(attempt):
        settled.append(attempt.state)

    wanted = Attempt(
        "acme", "7", "6", "d1", "sent", terminal="T1", merchant="M1", amount_minor=5, currency="GBP"
    )
    begun, _ = await store.begin(wanted, DE7)
    _, planted = await store.take_event(begun, "timed_out", "no-answer", DE7)
    assert planted is not None
    reversals = Reversals(store, None, None, on_settled, ReversalTimes())  # type: ignore[arg-type]
    reversals.add(planted)
    answer = {"t": "0410", "39": "00", "41": "T1", "11": planted.trace.stan, "7": DE7}
    assert trace_of(answer) == planted.trace

    await asyncio.gather(reversals.answered(answer), reversals.answered(dict(answer)))

    assert settled == ["reversed"]
    assert not reversals.is_blocked("T1")
    store.close()


async def test_money_that_came_after_the_reversal_was_sent_is_reversed_under_a_new_number(tmp_path):
    store = Store(tmp_path / "zone.db")
    wanted = Attempt("acme", "1", "2", "digest", "sent", "TERM0001", amount_minor=1250, currency="EUR")
    begun, _ = await store.begin(wanted, "1122153001")
    begun, first = await store.take_event(begun, "timed_out", "no-answer", "1122153002")

    early, _ = await store.take_answer(begun, Verdict("approved", rrn="9", approval_code="7"), "1122153003")
    assert first is not None
    settled = await store.settle(first, "reversal_settled")
    found_at_start = store.open_attempts()
    again, second = await store.take_event(settled, "timed_out", "late-approval", "1122153004")

    assert [early.state, settled.state, again.state] == ["reversing_early", "reversed_early", "reversing"]
    assert found_at_start == [settled]
    assert second is not None
    assert (second.trace.stan, second.original.rrn) == ("000003", "9")
    assert (await store.settle(second, "reversal_settled")).state == "reversed"
    store.close()
