"""Card money against the replica: what the box's journal shows to be wrong is undone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

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
