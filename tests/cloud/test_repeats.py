"""Records that a box tells again in a new generation of its journal: the same bytes have one effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloud.repairs import Repair
from tests.cloud.tills import TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


def salvage(till: Till, number: int = 5, first: int = 1) -> Till:
    """The same box after a salvage: a new generation that tells everything from `first` on once more."""
    renewed = Till(generation=bytes([number]) * 8, last_id=till.last_id)
    renewed.write(
        "generation_opened", previous=till.generation.hex(), previous_seq=len(till.frames), reason="salvaged"
    )
    for seq in range(first, len(till.frames) + 1):
        renewed.write_body(till.body_of(seq))
    return renewed


async def parked(estate: Estate) -> list[tuple[str, int]]:
    return await estate.rows(
        "SELECT code, seq FROM parked_record WHERE state = 'parked' ORDER BY generation, seq"
    )


async def books(estate: Estate) -> tuple[object, ...]:
    return (
        await estate.rows("SELECT order_id, state, price_check, flags FROM sale_order ORDER BY order_id"),
        await estate.rows("SELECT line, is_voided FROM order_line ORDER BY order_id, line"),
        await estate.rows("SELECT attempt, outcome FROM order_tender ORDER BY attempt"),
        await estate.rows("SELECT entry FROM ledger_entry ORDER BY entry"),
        await estate.rows("SELECT attempt, state, box_outcome, sale FROM payment_attempt ORDER BY attempt"),
        await estate.alarms(),
    )


@pytest.mark.parametrize("upto", range(1, 8))
async def test_what_a_new_generation_tells_again_changes_nothing(estate: Estate, upto: int) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch(1, upto))
    salvaged = salvage(till)

    await estate.hear(till, "evt", salvaged.batch())

    assert await parked(estate) == []
    assert (await estate.rows("SELECT state FROM sale_order")) == [("completed",)]
    assert len(await estate.rows("SELECT * FROM ledger_entry")) == 2


async def test_a_declined_card_told_again_does_not_end_the_tender_that_followed_it(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    till.result(till.intend(order, priced.total_minor), "declined")
    tender = till.intend(order, priced.total_minor, "cash")
    await estate.hear(till, "evt", till.batch())
    salvaged = salvage(till)
    salvaged.result(tender)
    salvaged.complete(order, priced, tender)

    await estate.hear(till, "evt", salvaged.batch())
    await estate.settle()

    assert await parked(estate) == []
    assert await estate.rows("SELECT state, price_check FROM sale_order") == [("completed", "right")]


async def test_a_third_generation_may_tell_all_of_the_first_two_again(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    await estate.hear(till, "evt", till.batch())
    second = salvage(till)
    tender = second.intend(order, priced.total_minor, "cash")
    second.result(tender)
    second.complete(order, priced, tender)
    await estate.hear(till, "evt", second.batch())
    before = await books(estate)
    third = salvage(second, 6, first=2)

    await estate.hear(till, "evt", third.batch())

    assert await parked(estate) == []
    assert await books(estate) == before


async def test_a_result_told_again_after_its_reversal_raises_no_alarm(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    await estate.hear(till, "req", till.request("pay", tender))
    await estate.settle()
    till.result(tender)
    till.write("sale_voided", order=order, reason="attendant")
    await estate.hear(till, "evt", till.batch())
    await estate.settle()
    before = await books(estate)

    await estate.hear(till, "evt", salvage(till).batch())

    assert await books(estate) == before
    assert await estate.attempt(tender) == "reversed"


async def test_other_content_under_the_same_id_is_parked_in_a_new_generation_too(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    changed = Till(generation=b"\x05" * 8)
    changed.write("generation_opened", previous=till.generation.hex(), previous_seq=7, reason="salvaged")
    changed.write("sale_opened", **{**till.bodies[0], "language": "de"})
    changed.write("line_added", **{**till.bodies[1], "amount_minor": 1})
    changed.write("sale_completed", **{**till.bodies[-1], "business_day": "2026-01-01"})

    await estate.hear(till, "evt", changed.batch())

    assert [code for code, _ in await parked(estate)] == [
        "order-twice",
        "line-twice",
        "order-event-out-of-place",
    ]


async def test_the_same_record_twice_in_one_generation_is_a_fault_of_the_box(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    till.write_body(till.body_of(1))

    await estate.hear(till, "evt", till.batch())

    assert [code for code, _ in await parked(estate)] == ["order-twice"]


async def test_repair_counts_a_parked_twin_as_booked_whichever_generation_was_booked_first(
    estate: Estate,
) -> None:
    till = await estate.enrol()
    till.cash_sale()
    lost = till.body_of(1)
    del till.frames[:1]
    till.rechain()
    await estate.hear(till, "evt", till.batch())
    unknown = await parked(estate)
    salvaged = Till(generation=b"\x05" * 8)
    salvaged.write("generation_opened", previous=till.generation.hex(), previous_seq=6, reason="salvaged")
    salvaged.write_body(lost)
    for seq in range(1, len(till.frames) + 1):
        salvaged.write_body(till.body_of(seq))
    await estate.hear(till, "evt", salvaged.batch())

    estate.consumer.offer(Repair("replay", TENANT))
    await estate.settle()

    assert [code for code, _ in unknown] == ["order-unknown"] * 6
    assert await parked(estate) == []
    assert len(await estate.rows("SELECT * FROM ledger_entry")) == 2


async def test_two_parked_twins_are_both_settled_by_one_repair(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    opening = till.body_of(1)
    del till.frames[:1]
    till.rechain()
    await estate.hear(till, "evt", till.batch())
    await estate.hear(till, "evt", salvage(till).batch())
    late = Till(generation=b"\x09" * 8)
    late.write_body(opening)
    await estate.hear(till, "evt", late.batch())

    estate.consumer.offer(Repair("replay", TENANT))
    await estate.settle()

    assert await parked(estate) == []
    assert len(await estate.rows("SELECT * FROM ledger_entry")) == 2
