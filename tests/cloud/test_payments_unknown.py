"""Unknown outcomes: what is lost, late, broken or contradicted ends settled, never charged in silence."""

from __future__ import annotations

import asyncio

import pytest

from cloud.payments import rules as payment_rules
from cloud.ports import ChannelAnswer
from protocol import faults
from protocol.errors import OutcomeUnknown
from tests.cloud.estate import Estate, answer_of
from tests.cloud.payment_steps import Crash, balances, begin, outcomes, pay


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


async def test_a_restart_asks_again_at_once_however_late_the_next_look_was_due(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    estate.channel.reversals.extend(["unknown"] * 4)
    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()
    for seconds in (5, 10, 30):
        await estate.pass_time(seconds)
    assert await estate.attempt(tender) == "reversing"

    await estate.restart_cloud()
    await estate.pass_time(0)

    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}


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
    assert not estate.consumer._deliveries.is_empty

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


async def test_a_late_answer_counts_as_heard_only_when_its_effect_is_committed(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)
    told = []

    def look(name: str) -> None:
        told.append((name, heard.done()))

    heard = estate.channel.say_late(int(tender["attempt"]), "authorization", answer_of("approved", 633))
    faults.set_hook(look)
    await estate.settle()

    assert told[:2] == [("consumer.received", False), ("consumer.committed", False)]
    await heard
    assert await estate.attempt(tender) == "approved"


async def test_a_late_answer_that_could_never_be_committed_was_not_heard(estate: Estate, monkeypatch) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    with monkeypatch.context() as patch:
        patch.setattr(payment_rules, "hear", lambda *_: 1 / 0)
        heard = estate.channel.say_late(int(tender["attempt"]), "reversal", ChannelAnswer("reversed"))
        await estate.settle()

    with pytest.raises(OutcomeUnknown, match="notice-not-kept"):
        await heard
