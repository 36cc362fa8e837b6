"""Money over the whole cloud: what a box says at odd times, in odd orders, or wrongly."""

from __future__ import annotations

from cloud.ports import ChannelAnswer
from tests.cloud.payment_steps import balances, begin, outcomes, pay


async def test_a_sale_completed_with_a_declined_tender_is_parked_and_books_nothing(estate):
    till, order, priced, tender = await begin(estate)
    till.result(tender, "declined")
    till.complete(order, priced, tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT code FROM parked_record") == [("tenders-differ",)]
    assert await balances(estate) == {}


async def test_a_sale_completed_with_cash_that_was_never_counted_is_parked(estate):
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender, "declined")
    till.complete(order, priced, tender)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT code FROM parked_record") == [("tenders-differ",)]
    assert await balances(estate) == {}


async def test_an_unknown_tender_that_was_reversed_makes_room_for_another(estate):
    till, order, priced, tender = await begin(estate)
    till.result(tender, "unknown")
    ids = {name: tender[name] for name in ("order", "payment", "attempt")}
    till.write("reversal_intended", **ids, reason="outcome-unknown")
    till.write("reversal_result", **ids, outcome="reversed", reason="")
    second = till.intend(order, priced.total_minor)
    await pay(estate, till, second)
    till.result(second)
    till.complete(order, priced, second)

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.rows("SELECT code FROM parked_record") == []
    assert await estate.rows("SELECT state FROM sale_order") == [("completed",)]
    assert await estate.attempt(tender) == "reversed"
    assert await estate.attempt(second) == "approved"


async def test_a_sale_voided_while_its_reversal_is_pending_takes_the_reversal_later(estate):
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)
    estate.channel.reversals.extend(["unknown", "reversed"])
    ids = {name: tender[name] for name in ("order", "payment", "attempt")}
    till.write("reversal_intended", **ids, reason="attendant-released")
    till.write("sale_voided", order=order, reason="outcome-unknown")
    await estate.hear(till, "evt", till.batch())
    await estate.settle()
    assert await estate.attempt(tender) == "reversing"

    await estate.pass_time(20)
    till.write("reversal_result", **ids, outcome="reversed", reason="")
    await estate.hear(till, "evt", till.batch())

    assert await estate.attempt(tender) == "reversed"
    assert await estate.rows("SELECT code FROM parked_record") == []
    assert await balances(estate) == {}


async def test_an_approved_sale_that_a_restart_spoilt_is_voided_and_its_money_goes_back(estate):
    till, order, _, tender = await begin(estate)
    await pay(estate, till, tender)
    till.result(tender)
    ids = {name: tender[name] for name in ("order", "payment", "attempt")}
    till.write("reversal_intended", **ids, reason="prices-changed")
    till.result(tender, "reversed", reason="prices-changed")
    till.write("sale_voided", order=order, reason="prices-changed")
    till.write("reversal_result", **ids, outcome="reversed", reason="")

    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert await estate.rows("SELECT code FROM parked_record") == []
    assert await estate.rows("SELECT state FROM sale_order") == [("voided",)]
    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}


async def test_a_free_sale_is_completed_without_a_tender_and_without_postings(estate):
    till = await estate.enrol()
    order, _ = till.open_sale()
    for line in (1, 2):
        till.write("line_voided", order=order, line=line, by="shopper", reason="")
    nothing = {"total_minor": 0, "net_minor": 0, "tax_minor": 0, "tax_rows": [], "line_count": 0}
    day = {"currency": "GBP", "business_day": "2026-11-22"}
    till.write("sale_completed", order=order, tenders=[], **day, **nothing)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT state, price_check FROM sale_order") == [("completed", "right")]
    assert await balances(estate) == {}


async def test_a_query_for_an_attempt_never_seen_and_then_its_reversal_plant_a_tombstone(estate):
    till, _, _, tender = await begin(estate)

    await estate.hear(till, "req", till.request("query", tender))
    await estate.hear(till, "req", till.request("reverse", tender))
    await pay(estate, till, tender)

    assert outcomes(estate, till) == [
        ("query", "unknown", "never-seen"),
        ("reverse", "reversed", ""),
        ("pay", "refused", "reversed-before"),
    ]
    assert estate.channel.count("authorize", int(tender["attempt"])) == 0


async def test_a_late_approval_of_an_attempt_that_only_the_replica_told_of_is_undone_at_the_channel(estate):
    till, order, _, tender = await begin(estate)
    await estate.hear(till, "evt", till.batch())
    approved = ChannelAnswer("approved", tender["amount_minor"], "A1", "000000000001", "00")

    estate.channel.say_late(int(tender["attempt"]), "authorization", approved)
    await estate.settle()
    till.write("sale_voided", order=order, reason="shopper-left")
    await estate.hear(till, "evt", till.batch())
    await estate.settle()

    assert estate.channel.count("reverse", int(tender["attempt"])) == 1
    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}
