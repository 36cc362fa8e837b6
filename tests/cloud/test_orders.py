"""Orders: what the box claims is priced again, and what cannot be booked is parked, never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloud.repairs import Repair
from protocol.basket import Line
from protocol.pricing.engine import price_basket
from tests.cloud.tills import APPLE, BREAD, NOON_MS, TAXES, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


async def balances(estate: Estate) -> dict[str, int]:
    return dict(
        await estate.rows("SELECT account, balance_minor FROM ledger_balance WHERE balance_minor <> 0")
    )


async def state(estate: Estate) -> tuple[str, str, str]:
    return (await estate.rows("SELECT state, price_check, flags FROM sale_order"))[0]


def finish_in_cash(till: Till, order: str, priced) -> None:
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, tender)


async def sell(estate: Estate, lines: list[Line], **changed) -> Till:
    """Sell lines as a box that prices them by itself would."""
    till = await estate.enrol()
    order, _ = till.open_sale(**changed)
    del till.frames[1:]
    till.rechain()
    for line in lines:
        till.add_line(order, line)
    finish_in_cash(till, order, price_basket(lines, TAXES))
    await estate.hear(till, "evt", till.batch())
    return till


def bread(**changed) -> Line:
    fields = {"number": 1, "gtin": BREAD.gtin, "name": "Rye", "kind": "unit", "quantity": 1, "weight_g": 0}
    return Line(**{**fields, "unit_price_minor": 249, "tax_class": "A", **changed})


async def test_a_sale_priced_by_the_versions_it_names_is_right(estate: Estate) -> None:
    await sell(estate, [bread()])

    assert await state(estate) == ("completed", "right", "")


@pytest.mark.parametrize(
    "line",
    [
        bread(unit_price_minor=1),
        bread(tax_class="Z"),
        bread(gtin="00000000000017"),
        Line(1, APPLE.gtin, "Apples", "unit", 1, 0, 299, "Z"),
    ],
)
async def test_hostile_row_39_a_price_that_the_box_made_up_goes_to_suspense_with_an_alarm(
    estate, line
) -> None:
    await sell(estate, [line])

    assert await state(estate) == ("completed", "priced_wrong", "priced_wrong")
    assert await estate.alarms() == ["priced_wrong"]
    assert await balances(estate) == {"cash:till-1": line.amount_minor, "suspense": -line.amount_minor}


async def test_a_wrong_amount_of_a_line_is_found_even_when_the_total_is_right(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    till.frames.pop()
    till.rechain()
    till.add_line(order, Line(2, APPLE.gtin, APPLE.name, "weight", 1, 450, 299, "Z"), amount_minor=134)
    finish_in_cash(till, order, priced)

    await estate.hear(till, "evt", till.batch())

    assert (await state(estate))[1] == "priced_wrong"


async def test_a_label_that_carries_its_price_is_believed(estate: Estate) -> None:
    await sell(estate, [Line(1, APPLE.gtin, APPLE.name, "unit", 1, 0, 77, "Z", "label")])

    assert await state(estate) == ("completed", "right", "")


async def test_a_voided_line_costs_nothing(estate: Estate) -> None:
    till = await estate.enrol()
    order, _ = till.open_sale(quantity=1)
    till.write("line_voided", order=order, line=2, by="shopper", reason="")
    finish_in_cash(till, order, price_basket([bread()], TAXES))

    await estate.hear(till, "evt", till.batch())

    assert await state(estate) == ("completed", "right", "")
    assert await balances(estate) == {"cash:till-1": 249, "sales": -207, "tax:A": -42}


async def test_an_unknown_version_waits_in_suspense_until_it_is_on_the_shelf(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    estate.shelf.is_empty = True
    await estate.hear(till, "evt", till.batch())
    waiting = (await state(estate), await balances(estate))

    await estate.pass_time(1)
    still = await state(estate)
    estate.shelf.is_empty = False
    estate.consumer.offer(Repair("recheck", TENANT))
    await estate.settle()

    assert waiting == (
        ("completed", "price-not-checked", "price-not-checked"),
        {"cash:till-1": 633, "suspense": -633},
    )
    assert still[1] == "price-not-checked"
    assert (await state(estate))[1] == "right"
    assert await balances(estate) == {"cash:till-1": 633, "sales": -550, "tax:A": -83}


async def test_a_recheck_that_finds_a_wrong_price_keeps_the_suspense(estate: Estate) -> None:
    estate.shelf.is_empty = True
    await sell(estate, [bread(unit_price_minor=1)])
    estate.shelf.is_empty = False

    estate.consumer.offer(Repair("recheck", TENANT))
    await estate.settle()

    assert (await state(estate))[1] == "priced_wrong"
    assert await balances(estate) == {"cash:till-1": 1, "suspense": -1}


async def test_a_sale_in_pieces_over_many_batches_is_one_sale(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    for number in range(1, len(till.frames) + 1):
        await estate.hear(till, "evt", till.batch(number, number))

    assert await state(estate) == ("completed", "right", "")


async def test_a_completion_that_counts_other_lines_is_parked_and_its_money_stays_a_deposit(
    estate: Estate,
) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, tender, line_count=5)

    await estate.hear(till, "evt", till.batch())

    assert await state(estate) == ("paid", "none", "parked-records")
    assert await estate.rows("SELECT code, order_id FROM parked_record") == [("lines-differ", int(order))]
    assert await balances(estate) == {"cash:till-1": 633, "customer-deposits": -633}


async def test_a_tender_that_was_never_intended_cannot_complete_a_sale(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, {**tender, "attempt": "77"})

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT code FROM parked_record") == [("tenders-differ",)]


async def test_hostile_row_43_a_tender_in_another_currency_is_parked(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.frames.pop()
    till.rechain()
    till.write("tender_intended", **{**till.bodies[-1], "currency": "JPY"})
    till.result(tender)

    await estate.hear(till, "evt", till.batch())

    codes = await estate.rows("SELECT code FROM parked_record ORDER BY seq")
    assert codes == [("tender-differs",), ("tender-unknown",)]


async def test_records_of_an_order_nobody_opened_or_opened_twice_are_parked(estate: Estate) -> None:
    till = await estate.enrol()
    till.write("sale_voided", order="12345", reason="")
    order, _ = till.open_sale()
    till.write_body(till.body_of(2))
    till.write_body(till.body_of(3))

    await estate.hear(till, "evt", till.batch())

    codes = await estate.rows("SELECT code FROM parked_record ORDER BY seq")
    assert codes == [("order-unknown",), ("order-twice",), ("line-twice",)]
    assert await estate.rows("SELECT order_id, state FROM sale_order") == [(int(order), "open")]


async def test_another_box_cannot_write_into_an_order(estate: Estate) -> None:
    till = await estate.enrol()
    order, _ = till.open_sale()
    await estate.hear(till, "evt", till.batch())
    thief = await estate.enrol(Till(box="till-2", number=2))
    thief.write("sale_voided", order=order, reason="")

    await estate.hear(thief, "evt", thief.batch())

    assert await estate.rows("SELECT code FROM parked_record") == [("order-of-another-box",)]
    assert (await state(estate))[0] == "open"


async def test_cash_given_back_is_booked_back(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.write(
        "reversal_result",
        **{k: tender[k] for k in ("order", "payment", "attempt")},
        outcome="reversed",
        reason="",
    )
    till.write("sale_voided", order=order, reason="")

    await estate.hear(till, "evt", till.batch())

    assert await balances(estate) == {}
    assert await estate.alarms() == []
    assert (await state(estate))[0] == "voided"


async def test_cash_given_back_after_the_sale_was_completed_is_parked_and_not_booked(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, tender)
    names = {k: tender[k] for k in ("order", "payment", "attempt")}
    till.write("reversal_result", **names, outcome="reversed", reason="")

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT code FROM parked_record") == [("order-event-out-of-place",)]
    assert await balances(estate) == {"cash:till-1": 633, "sales": -550, "tax:A": -83}


async def test_a_reversal_confirmed_after_its_sale_was_voided_is_no_fault(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    till.result(tender, "unknown")
    till.write("sale_voided", order=order, reason="")
    till.write(
        "reversal_result",
        **{k: tender[k] for k in ("order", "payment", "attempt")},
        outcome="reversed",
        reason="",
    )

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT count(*) FROM parked_record") == [(0,)]


async def test_cash_taken_for_a_voided_sale_is_booked_and_alarmed(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.write("sale_voided", order=order, reason="")
    till.result(tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.alarms() == ["cash-not-returned"]
    assert await balances(estate) == {"cash:till-1": 633, "customer-deposits": -633}


async def test_hostile_row_23_a_sale_from_a_box_that_was_away_30_days_is_flagged_and_keeps_its_day(
    estate: Estate,
) -> None:
    till = await estate.enrol(Till(at_ms=NOON_MS - 30 * 86_400_000))
    till.cash_sale()

    await estate.hear(till, "evt", till.batch())

    assert await state(estate) == ("completed", "right", "late")
    assert await estate.rows("SELECT business_day FROM ledger_entry WHERE kind = 'sale-completed'") == [
        ("2026-10-23",)
    ]


async def test_a_sale_with_nothing_to_pay_completes_without_a_tender(estate: Estate) -> None:
    till = await estate.enrol()
    order, _ = till.open_sale()
    for line in (1, 2):
        till.write("line_voided", order=order, line=line, by="shopper", reason="")
    till.write(
        "sale_completed",
        order=order,
        total_minor=0,
        net_minor=0,
        tax_minor=0,
        tax_rows=[],
        tenders=[],
        line_count=0,
        currency="GBP",
        business_day="2026-11-22",
    )

    await estate.hear(till, "evt", till.batch())

    assert await state(estate) == ("completed", "right", "")
    assert await balances(estate) == {}


async def test_a_sale_that_spans_two_generations_is_one_sale(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    await estate.hear(till, "evt", till.batch())
    salvaged = Till(generation=b"\x05" * 8, last_id=9000)
    salvaged.write("generation_opened", previous=till.generation.hex(), previous_seq=3, reason="salvaged")
    finish_in_cash(salvaged, order, priced)

    await estate.hear(till, "evt", salvaged.batch())

    assert await state(estate) == ("completed", "right", "")
