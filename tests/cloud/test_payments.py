"""Card money: one effect and one answer for each attempt, whatever is lost, doubled, late or contradicted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cloud.ports import ChannelAnswer
from protocol import faults
from tests.cloud.estate import Estate, Till, answer_of

if TYPE_CHECKING:
    from cloud.database import Database


class Crash(BaseException):
    """The process ends here, as after kill -9."""


@pytest.fixture
async def estate(database: Database):
    estate = Estate(database)
    yield estate
    faults.set_hook(None)
    await estate.consumer.close()


async def begin(estate: Estate, **changed):
    """A till with an open sale and a card's intention; the replica knows nothing of it yet."""
    till = await estate.enrol(Till(**changed))
    order, priced = till.open_sale()
    return till, order, priced, till.intend(order, priced.total_minor)


async def pay(estate: Estate, till: Till, tender, **changed) -> None:
    await estate.hear(till, "req", till.request("pay", tender, **changed))
    await estate.settle()


async def balances(estate: Estate) -> dict[str, int]:
    return dict(
        await estate.rows("SELECT account, balance_minor FROM ledger_balance WHERE balance_minor <> 0")
    )


def outcomes(estate: Estate, till: Till) -> list[tuple[str, str, str]]:
    return [(told["kind"], told["outcome"], told["reason"]) for told in estate.told(till, "res")]


async def test_a_card_sale_is_approved_matched_and_booked_once(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)

    await pay(estate, till, tender)
    till.result(tender)
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())

    answer = estate.told(till, "res")[0]
    assert (answer["outcome"], answer["amount_minor"], answer["order"]) == ("approved", 633, order)
    assert (answer["token"], answer["masked"]) == ("tok-1", "476173******0119")
    assert await balances(estate) == {"card-clearing": 633, "sales": -550, "tax:A": -83}
    assert await estate.alarms() == []


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


@pytest.mark.parametrize("fault_of_channel", ["unknown", "broken", "wrong-amount"])
async def test_hostile_rows_48_and_49_what_is_not_a_clear_yes_is_unknown_and_then_reversed(
    estate, fault_of_channel
) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append(fault_of_channel)

    await pay(estate, till, tender)
    await estate.pass_time(5)

    assert await estate.attempt(tender) == "reversed"
    assert "approved" not in [outcome for _, outcome, _ in outcomes(estate, till)]
    assert outcomes(estate, till)[-1][1] == "reversed"
    assert estate.channel.count("reverse", int(tender["attempt"])) == 1
    assert await balances(estate) == {}


async def test_an_unknown_stays_unknown_until_its_time(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)

    await estate.pass_time(4)

    assert await estate.attempt(tender) == "unknown"
    assert estate.channel.count("reverse", int(tender["attempt"])) == 0


async def test_a_channel_that_wants_a_query_first_is_asked_before_anything_is_reversed(
    estate: Estate,
) -> None:
    estate.channel.recovery = ("query", "reverse")
    estate.start_cloud()
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    estate.channel.queries.append("approved")
    await pay(estate, till, tender)

    await estate.pass_time(5)

    assert [kind for kind, _ in estate.channel.asked] == ["authorize", "query"]
    assert outcomes(estate, till) == [("pay", "unknown", "no-answer"), ("query", "approved", "")]
    assert await balances(estate) == {"card-clearing": 633, "customer-deposits": -633}


async def test_a_query_that_knows_nothing_is_followed_by_a_reversal(estate: Estate) -> None:
    estate.channel.recovery = ("query", "reverse")
    estate.start_cloud()
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)

    await estate.pass_time(5)
    await estate.pass_time(10)

    assert [kind for kind, _ in estate.channel.asked] == ["authorize", "query", "reverse"]
    assert await estate.attempt(tender) == "reversed"


async def test_a_reversal_is_repeated_at_growing_intervals_until_it_is_answered(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    estate.channel.reversals.extend(["unknown"] * 4)
    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()

    counts = []
    for seconds in (5, 9, 1, 30, 120):
        await estate.pass_time(seconds)
        counts.append(estate.channel.count("reverse", int(tender["attempt"])))

    assert counts == [2, 2, 3, 4, 5]
    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}


async def test_a_reversal_asked_twice_is_made_once_and_answered_each_time(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()
    await estate.hear(till, "req", till.request("reverse", tender))

    assert [outcome for _, outcome, _ in outcomes(estate, till)] == ["approved", "reversed", "reversed"]
    assert estate.channel.count("reverse", int(tender["attempt"])) == 1


async def test_a_reversal_of_an_attempt_never_seen_plants_a_tombstone(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)

    await estate.hear(till, "req", till.request("reverse", tender))
    await pay(estate, till, tender)

    assert outcomes(estate, till) == [("reverse", "reversed", ""), ("pay", "refused", "reversed-before")]
    assert estate.channel.asked == []


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


async def test_a_reversal_that_only_the_replica_tells_is_made_too(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    till.request("reverse", tender)

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}


async def test_an_approval_of_a_voided_sale_is_reversed(estate: Estate) -> None:
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)
    till.write("sale_voided", order=order, reason="shopper-left")

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}


async def test_an_approval_that_comes_after_its_sale_was_voided_is_reversed(estate: Estate) -> None:
    till, order, _, tender = await begin(estate)
    estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tender))
    till.write("sale_voided", order=order, reason="shopper-left")
    await estate.hear(till, "evt", till.batch())

    estate.channel.hold.set()
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert "approved" not in [outcome for _, outcome, _ in outcomes(estate, till)]


async def test_a_pay_that_arrives_after_its_sale_was_voided_is_refused(estate: Estate) -> None:
    till, order, _, tender = await begin(estate)
    till.write("sale_voided", order=order, reason="shopper-left")
    await estate.hear(till, "evt", till.batch())

    await pay(estate, till, tender)

    assert outcomes(estate, till) == [("pay", "refused", "reversed-before")]
    assert estate.channel.asked == []


async def test_an_approval_that_the_box_holds_for_declined_is_reversed(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    till.result(tender, "declined")

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"


async def test_a_second_approval_beside_the_one_that_paid_the_sale_is_reversed(estate: Estate) -> None:
    till, order, priced, first = await begin(estate)
    await pay(estate, till, first)
    till.result(first, "unknown")
    till.result(first, "declined")
    second = till.intend(order, priced.total_minor)
    await pay(estate, till, second)
    till.result(second)
    till.complete(order, priced, second)

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert (await estate.attempt(first), await estate.attempt(second)) == ("reversed", "approved")
    assert await balances(estate) == {"card-clearing": 633, "sales": -550, "tax:A": -83}


async def test_a_sale_completed_without_its_money_raises_an_alarm(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)
    estate.channel.answers.append("declined")
    await pay(estate, till, tender)
    till.result(tender)
    till.complete(order, priced, tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.alarms() == ["approval-not-ours", "completed-without-money"]


async def test_a_late_approval_of_an_unknown_counts_and_is_told(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)

    estate.channel.say_late(int(tender["attempt"]), "authorization", answer_of("approved", 633))
    await estate.settle()

    assert outcomes(estate, till)[-1][:2] == ("query", "approved")
    assert await balances(estate) == {"card-clearing": 633, "customer-deposits": -633}


@pytest.mark.parametrize("ended", ["declined", "reversed"])
async def test_an_approval_after_the_end_is_given_back(estate: Estate, ended: str) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("declined" if ended == "declined" else "unknown")
    await pay(estate, till, tender)
    await estate.pass_time(5)
    reversals = estate.channel.count("reverse", int(tender["attempt"]))

    estate.channel.say_late(int(tender["attempt"]), "authorization", answer_of("approved", 633))
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert estate.channel.count("reverse", int(tender["attempt"])) == reversals + 1
    assert await estate.alarms() == ["late-approval"]
    assert await balances(estate) == {}
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]


async def test_a_reversal_that_the_channel_settles_later_ends_the_attempt(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    estate.channel.reversals.append("unknown")
    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()

    estate.channel.say_late(int(tender["attempt"]), "reversal", ChannelAnswer("reversed"))
    await estate.settle()

    assert outcomes(estate, till)[-1][:2] == ("reverse", "reversed")
    assert await balances(estate) == {}


async def test_an_unknown_that_the_channel_reversed_by_itself_is_reversed(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)

    estate.channel.say_late(int(tender["attempt"]), "reversal", ChannelAnswer("reversed"))
    await estate.settle()

    assert outcomes(estate, till)[-1][:2] == ("query", "reversed")
    assert await estate.rows("SELECT due_ms FROM payment_attempt") == [(0,)]


async def test_a_refused_reversal_waits_for_a_person(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    estate.channel.reversals.append("refused")

    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()
    await estate.pass_time(3600)

    assert await estate.attempt(tender) == "reversing"
    assert await estate.alarms() == ["reversal-refused"]
    assert estate.channel.count("reverse", int(tender["attempt"])) == 1


@pytest.mark.parametrize(
    "point",
    [
        "consumer.received",
        "consumer.committed",
        "payments.requested",
        "payments.answered",
        "consumer.published",
    ],
)
async def test_a_crash_at_each_step_of_a_payment_leaves_no_money_without_an_answer(
    estate: Estate, point: str
) -> None:
    till, order, _, tender = await begin(estate)
    request = till.request("pay", tender)

    def crash(name: str) -> None:
        if name == point:
            raise Crash

    faults.set_hook(crash)
    try:
        await estate.hear(till, "req", request)
        for task in tuple(estate.consumer._calls._tasks):
            await task
    except Crash:
        pass
    faults.set_hook(None)
    await estate.restart_cloud()
    estate.clock.ms += 45_000
    for seconds in (0, 5, 10):
        await estate.pass_time(seconds)
    till.write("sale_voided", order=order, reason="restarted")
    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    authorized = estate.channel.count("authorize", int(tender["attempt"]))
    assert authorized <= 1
    assert await estate.attempt(tender) in {"reversed", "expired"}
    if authorized:
        assert estate.channel.count("reverse", int(tender["attempt"])) >= 1
    assert await balances(estate) == {}


async def test_an_answer_that_was_committed_but_not_said_is_said_after_the_restart(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("declined")
    await estate.hear(till, "req", till.request("pay", tender))
    for _ in range(100):
        await asyncio.sleep(0)
    assert estate.consumer._offers

    def crash(name: str) -> None:
        if name == "consumer.committed":
            raise Crash

    faults.set_hook(crash)
    with pytest.raises(Crash):
        await estate.consumer.step()
    faults.set_hook(None)
    silent = estate.told(till, "res")
    await estate.restart_cloud()

    assert silent == []
    assert outcomes(estate, till) == [("pay", "declined", "declined")]


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


async def test_a_channel_that_says_strange_words_stops_nothing(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)
    answer = ChannelAnswer(
        "approved", 633, "x" * 99, "\x00\x07", "é", "ok\n\u202e", "4761739001010119", "v", "t"
    )

    estate.channel.say_late(int(tender["attempt"]), "authorization", answer)
    await estate.settle()

    told = estate.told(till, "res")[-1]
    assert (told["outcome"], told["approval_code"], told["rrn"]) == ("approved", "x" * 16, "")
    assert told["masked"] == "476173******0119"


async def test_no_card_is_in_the_database(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    tables = ["payment_attempt", "outbox", "set_aside", "replica_frame", "order_tender"]
    stored = [repr(await estate.rows(f"SELECT * FROM {table}")) for table in tables]

    assert not [text for text in stored if "card of" in text]
