"""Card money that was approved, and a sale that never ends: after a bounded time somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.payments.rules import UNFINISHED_MS
from tests.cloud.payment_steps import balances, begin, pay

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

BOUND_S = UNFINISHED_MS / 1000


async def open_alarms(estate: Estate) -> list[tuple[str, str]]:
    rows = await estate.rows("SELECT kind, subject FROM alarm WHERE settled_ms = 0")
    return [(kind, subject) for kind, subject in rows]


async def test_an_approved_card_whose_sale_never_ends_raises_one_alarm_when_the_bound_is_over(
    estate: Estate,
) -> None:
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)

    await estate.pass_time(BOUND_S - 1)
    early = await open_alarms(estate)
    await estate.pass_time(1)
    await estate.pass_time(86_400)

    assert early == []
    assert await open_alarms(estate) == [("sale-unfinished", tender["attempt"])]
    (detail,) = (await estate.rows("SELECT detail FROM alarm"))[0]
    assert "till-1" in detail
    assert order in detail
    assert await estate.attempt(tender) == "approved"
    assert await balances(estate) == {"card-clearing": 633, "customer-deposits": -633}
    assert await estate.rows("SELECT due_ms FROM payment_attempt") == [(0,)]


async def test_the_alarm_also_comes_when_the_cloud_was_restarted_meanwhile(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)

    await estate.restart_cloud()
    await estate.pass_time(BOUND_S)

    assert await open_alarms(estate) == [("sale-unfinished", tender["attempt"])]


async def test_a_sale_that_ends_in_time_is_never_looked_at(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)
    await pay(estate, till, tender)
    till.result(tender)
    till.complete(order, priced, tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT due_ms FROM payment_attempt") == [(0,)]
    await estate.pass_time(86_400)
    assert await estate.alarms() == []


async def test_a_sale_that_ends_late_settles_its_alarm(estate: Estate) -> None:
    till, order, priced, tender = await begin(estate)
    await pay(estate, till, tender)
    await estate.pass_time(BOUND_S)
    till.result(tender)
    till.complete(order, priced, tender)

    await estate.hear(till, "evt", till.batch())

    assert await open_alarms(estate) == []
    assert await estate.alarms() == ["sale-unfinished"]


async def test_money_that_goes_back_late_settles_the_alarm(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    await estate.pass_time(BOUND_S)

    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()

    assert await estate.attempt(tender) == "reversed"
    assert await open_alarms(estate) == []
