"""Card money against the replica: what the box's journal shows to be wrong is undone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cloud.payment_steps import balances, begin, outcomes, pay

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


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

    assert outcomes(estate, till) == [("reverse", "reversed", ""), ("pay", "refused", "reversed-before")]
    assert estate.channel.count("authorize", int(tender["attempt"])) == 0


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


async def test_a_void_that_comes_after_the_sale_was_completed_gives_no_money_back(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)
    await pay(estate, till, tender)
    till.result(tender)
    till.complete(order, priced, tender)
    till.write("sale_voided", order=order, reason="faulty")

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.attempt(tender) == "approved"
    assert estate.channel.count("reverse", int(tender["attempt"])) == 0
    assert await balances(estate) == {"card-clearing": 633, "sales": -550, "tax:A": -83}
    assert await estate.alarms() == ["undo-after-sale"]
    assert await estate.rows("SELECT code FROM parked_record") == [("order-event-out-of-place",)]
    assert await estate.rows("SELECT sale FROM payment_attempt") == [("completed",)]


@pytest.mark.parametrize("how", ["result", "intention", "request"])
async def test_no_word_of_a_box_undoes_what_a_completed_sale_was_paid_with(estate: Estate, how: str) -> None:
    till, order, priced, tender = await begin(estate)
    await pay(estate, till, tender)
    till.result(tender)
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())
    said = len(estate.told(till, "res"))

    if how == "result":
        till.result(tender, "reversed")
        await estate.hear(till, "evt", till.batch())
    else:
        request = till.request("reverse", tender)
        await estate.hear(till, *(("req", request) if how == "request" else ("evt", till.batch())))
    await estate.settle()

    assert await estate.attempt(tender) == "approved"
    assert estate.channel.count("reverse", int(tender["attempt"])) == 0
    assert await estate.alarms() == ["undo-after-sale"]
    answers = [
        (answer["kind"], answer["outcome"], answer["reason"]) for answer in estate.told(till, "res")[said:]
    ]
    assert answers == ([("reverse", "refused", "sale-completed")] if how == "request" else [])


async def test_a_completion_that_comes_after_the_void_keeps_the_money_on_its_way_back(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)
    estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tender))
    till.write("sale_voided", order=order, reason="shopper-left")
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())

    estate.channel.hold.set()
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert await estate.rows("SELECT sale FROM payment_attempt") == [("voided",)]
    assert await estate.alarms() == ["completed-without-money"]


async def test_an_approval_that_a_restored_cloud_has_forgotten_is_asked_after_and_booked(
    estate: Estate,
) -> None:
    estate.channel.recovery = ("query", "reverse")
    estate.channel.queries.append("approved")
    till, order, priced, tender = await begin(estate)
    await estate.restart_cloud()
    till.result(tender)
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())
    assert await estate.attempt(tender) == "unknown"

    await estate.pass_time(1)

    assert await estate.attempt(tender) == "approved"
    assert await balances(estate) == {"card-clearing": 633, "sales": -550, "tax:A": -83}
    assert [kind for kind, _ in estate.channel.asked] == ["query"]


async def test_money_of_a_completed_sale_is_not_undone_where_a_channel_cannot_be_asked(
    estate: Estate,
) -> None:
    till, order, priced, tender = await begin(estate)
    till.result(tender)
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())

    await estate.pass_time(1)

    assert estate.channel.asked == []
    assert await estate.attempt(tender) == "unknown"
    assert "undo-after-sale" in await estate.alarms()
