"""Reversals of the card zone: what comes twice at once is settled once."""

from __future__ import annotations

import asyncio

from cloud.cardzone.iso8583 import trace_of
from cloud.cardzone.reversals import Reversals, ReversalTimes
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
