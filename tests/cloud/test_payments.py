"""The live lane: one effect and one answer for each attempt, however often it is asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from protocol import faults
from tests.cloud.payment_steps import balances, begin, outcomes, pay
from tests.cloud.tills import Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


async def test_the_same_request_again_has_the_same_answer_and_no_second_effect(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    request = till.request("pay", tender)

    await estate.hear(till, "req", request, request)
    await estate.settle()
    await estate.hear(till, "req", request)

    assert estate.channel.count("authorize", int(tender["attempt"])) == 1
    answers = estate.told(till, "res")
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert await balances(estate) == {"card-clearing": 633, "customer-deposits": -633}


async def test_a_repeat_while_the_first_is_in_flight_waits_for_its_answer(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tender))
    await asyncio.sleep(0)

    await estate.hear(till, "req", till.request("pay", tender))
    silent = estate.told(till, "res")
    await estate.hear(till, "req", till.request("query", tender))
    estate.channel.hold.set()
    await estate.settle()

    assert silent == []
    assert outcomes(estate, till) == [("query", "unknown", "in-flight"), ("pay", "approved", "")]
    assert estate.channel.count("authorize", int(tender["attempt"])) == 1


async def test_hostile_row_19_the_same_attempt_with_another_body_is_refused_and_alarmed(
    estate: Estate,
) -> None:
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)
    forged = Till(last_id=int(tender["attempt"]) // 65536 - 2)
    forged_tender = forged.intend(order, 1)

    assert forged_tender["attempt"] == tender["attempt"]
    await pay(estate, till, forged_tender)

    assert outcomes(estate, till)[-1] == ("pay", "refused", "other-body")
    assert await estate.alarms() == ["other-body"]
    assert estate.channel.count("authorize", int(tender["attempt"])) == 1


async def test_a_request_past_its_deadline_never_reaches_the_channel(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)

    await pay(estate, till, tender, deadline_ms=estate.clock.ms)
    await pay(estate, till, tender, deadline_ms=estate.clock.ms + 60_000)

    assert [outcome for _, outcome, _ in outcomes(estate, till)] == ["expired", "expired"]
    assert estate.channel.asked == []


async def test_a_deadline_that_passes_while_a_call_waits_its_turn_is_not_called(estate: Estate) -> None:
    till, order, _, first = await begin(estate)
    second = till.intend(order, 700)
    estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", first), till.request("pay", second))
    await asyncio.sleep(0)

    estate.clock.ms += 31_000
    estate.channel.hold.set()
    await estate.settle()

    assert estate.channel.count("authorize", int(second["attempt"])) == 0
    assert await estate.attempt(second) == "expired"


async def test_the_intention_is_committed_before_the_channel_is_asked(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    seen = []

    def look(name: str) -> None:
        seen.append((name, len(estate.channel.asked)))

    faults.set_hook(look)
    await pay(estate, till, tender)

    assert seen.index(("consumer.committed", 0)) < seen.index(("payments.requested", 0))
    assert ("payments.answered", 1) in seen


async def test_a_declined_card_books_nothing(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("declined")

    await pay(estate, till, tender)

    assert outcomes(estate, till) == [("pay", "declined", "declined")]
    assert await balances(estate) == {}


async def test_a_reversal_asked_twice_is_made_once_and_answered_each_time(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()
    await estate.hear(till, "req", till.request("reverse", tender))

    assert [outcome for _, outcome, _ in outcomes(estate, till)] == ["approved", "reversed", "reversed"]
    assert estate.channel.count("reverse", int(tender["attempt"])) == 1


async def test_a_reversal_of_an_attempt_never_seen_plants_a_tombstone_here_and_at_the_channel(
    estate: Estate,
) -> None:
    # A database that was restored may have forgotten that it asked: only the channel can know.
    till, _, _, tender = await begin(estate)

    await estate.hear(till, "req", till.request("reverse", tender))
    await pay(estate, till, tender)

    assert outcomes(estate, till) == [("reverse", "reversed", ""), ("pay", "refused", "reversed-before")]
    assert estate.channel.asked == [("reverse", int(tender["attempt"]))]


async def test_a_reversal_while_the_call_is_in_flight_undoes_its_approval(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tender))
    await asyncio.sleep(0)

    await estate.hear(till, "req", till.request("reverse", tender))
    estate.channel.hold.set()
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert outcomes(estate, till) == [("reverse", "reversed", "")]
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]
    assert await balances(estate) == {}


async def test_the_outbox_is_empty_once_everything_was_said(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_a_quarantined_box_may_ask_and_reverse_but_not_pay(estate: Estate) -> None:
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)
    async with estate.database.transaction() as tx:
        await tx.execute("UPDATE box SET status = 'quarantined'")
    estate.directory.forget("acme", till.box)
    second = till.intend(order, 500)

    await pay(estate, till, second)
    await estate.hear(till, "req", till.request("query", tender), till.request("reverse", tender))
    await estate.settle()

    assert [(kind, outcome) for kind, outcome, _ in outcomes(estate, till)] == [
        ("pay", "approved"),
        ("pay", "refused"),
        ("query", "approved"),
        ("reverse", "reversed"),
    ]


async def test_a_query_for_an_attempt_never_seen_is_unknown_and_changes_nothing(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)

    await estate.hear(till, "req", till.request("query", tender))
    await pay(estate, till, tender)

    assert outcomes(estate, till) == [("query", "unknown", "never-seen"), ("pay", "approved", "")]


async def test_another_box_cannot_touch_an_attempt(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    thief = await estate.enrol(Till(box="till-2", number=2))

    await estate.hear(thief, "req", thief.request("reverse", tender))
    await estate.settle()

    assert outcomes(estate, thief) == [("reverse", "refused", "attempt-of-another-box")]
    assert await estate.attempt(tender) == "approved"


@pytest.mark.parametrize("changed", [{"blobs": {}}, {"payment": "99"}])
async def test_a_request_that_contradicts_its_intention_is_refused(estate: Estate, changed) -> None:
    till, _, _, tender = await begin(estate)

    await pay(estate, till, tender, **changed)

    assert [outcome for _, outcome, _ in outcomes(estate, till)] == ["refused"]
    assert estate.channel.asked == []


async def test_calls_of_one_terminal_wait_for_each_other_and_others_do_not(estate: Estate) -> None:
    till, order, _, first = await begin(estate)
    second = till.intend(order, 700)
    other = await estate.enrol(Till(box="till-2", number=2))
    other_order, priced = other.open_sale()
    third = other.intend(other_order, priced.total_minor)
    estate.channel.hold = asyncio.Event()
    estate.wire.send(other.topic("up", "req"), other.request("pay", third))
    await estate.hear(till, "req", till.request("pay", first), till.request("pay", second))

    for _ in range(5):
        await asyncio.sleep(0)
    asked = {attempt for _, attempt in estate.channel.asked}
    estate.channel.hold.set()
    await estate.settle()

    assert asked == {int(first["attempt"]), int(third["attempt"])}
    assert len(estate.channel.asked) == 3


async def test_no_card_is_in_the_database(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    tables = ["payment_attempt", "outbox", "set_aside", "replica_frame", "order_tender"]
    stored = [repr(await estate.rows(f"SELECT * FROM {table}")) for table in tables]

    assert not [text for text in stored if "card of" in text]
