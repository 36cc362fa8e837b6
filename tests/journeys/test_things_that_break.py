"""Broker, cloud, cables and paper fail in the middle of a sale: it is told, it goes on, and the books are right."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from simulators.customer import COLA, MILK
from simulators.demo.estate import STAFF_ID, STAFF_PIN
from tests.journeys.stage import stage, until, wrong

if TYPE_CHECKING:
    from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

AWAY_S = 10.0  # the cloud is gone for so long, and longer where a sale takes long
SOLD_MIN = 2  # meanwhile: a backlog
NOTICED_S = 45.0  # a frozen cloud is noticed after two heartbeats without an answer, a lost one at once
BACK_S = 60.0  # broker, cloud and link with their back-off
SLOW_HOST_MS = 1_500  # long enough to break something while a payment is under way
PLUG_S = 30.0  # a replugged device is found again
ROWS_LEFT = 6  # the paper ends in the middle of a receipt, before its total


@pytest.fixture
async def shop(tmp_path):
    async with stage(tmp_path / "world") as there:
        yield there


async def sees(there: Stage, seen: Any, timeout_s: float = PLUG_S) -> dict[str, Any]:
    assert there.lane.page is not None
    return await there.lane.page.until(seen, timeout_s)


async def test_a_broker_killed_while_a_payment_is_under_way_delays_its_answer(shop):
    shop.world.acquirer._times = replace(shop.world.acquirer._times, answer_ms=SLOW_HOST_MS)
    customer = shop.customer()
    paying = asyncio.create_task(customer.shop())
    await sees(shop, lambda view: view["page"] == "authorizing")

    os.kill(shop.world.cloud.ready["broker"]["pid"], signal.SIGKILL)
    await paying

    # A broker that takes longer than the shopper's patience leaves her with "we don't know", and the money comes back.
    memory = customer.memory
    assert memory.ending in ("paid", "declined") or (memory.ending == "left" and memory.was_told_unknown)
    await sees(shop, lambda view: view["is_linked"], BACK_S)
    after = shop.customer()
    await after.shop()
    assert after.memory.ending == "paid"
    assert wrong(await shop.settle_and_judge()) == {}


async def test_cash_goes_on_while_the_cloud_is_away_and_the_backlog_follows(shop):
    await shop.customer().shop()
    shop.world.cloud.kill()
    await shop.world.cloud.wait()
    offline = await sees(shop, lambda view: not view["is_linked"], NOTICED_S)

    until_s, sold = time.monotonic() + AWAY_S, 0
    while time.monotonic() < until_s or sold < SOLD_MIN:
        customer = shop.customer(method="cash")
        await customer.shop()
        assert customer.memory.ending == "paid"
        sold += 1
    backlog = shop.judge()
    await shop.world.cloud.start()
    online = await sees(shop, lambda view: view["is_linked"], BACK_S)
    customer = shop.customer()
    await customer.shop()

    assert offline["methods_closed"] == {"card": "offline"}
    assert offline["methods"] == ["cash"]
    assert backlog["receipts_outstanding"] > sold
    assert "card" in online["methods"]
    assert customer.memory.ending == "paid"
    report = await shop.settle_and_judge()
    assert wrong(report) == {}
    assert report["sales_paid"] == sold + 2


async def test_a_cloud_that_stands_still_counts_as_away_though_the_broker_answers(shop):
    os.kill(shop.world.cloud.pid, signal.SIGSTOP)
    try:
        offline = await sees(shop, lambda view: not view["is_linked"], NOTICED_S)
        customer = shop.customer(method="cash")
        await customer.shop()
    finally:
        os.kill(shop.world.cloud.pid, signal.SIGCONT)

    await sees(shop, lambda view: view["is_linked"], BACK_S)

    assert offline["methods"] == ["cash"]
    assert customer.memory.ending == "paid"
    assert wrong(await shop.settle_and_judge()) == {}


async def test_a_cloud_that_stands_still_while_a_payment_is_under_way_leaves_it_unknown_and_gives_it_back(
    shop,
):
    shop.world.acquirer._times = replace(shop.world.acquirer._times, answer_ms=SLOW_HOST_MS)
    customer = shop.customer(gives_up=True)
    paying = asyncio.create_task(customer.shop())
    await sees(shop, lambda view: view["page"] == "authorizing")

    os.kill(shop.world.cloud.pid, signal.SIGSTOP)
    try:
        await paying
    finally:
        os.kill(shop.world.cloud.pid, signal.SIGCONT)

    assert customer.memory.was_told_unknown
    assert customer.memory.ending == "left"
    report = await shop.settle_and_judge()
    assert wrong(report) == {}
    assert (report["sales_paid"], report["sales_voided"]) == (0, 1)


async def test_a_scanner_unplugged_in_a_sale_is_named_and_scans_on_when_it_is_back(shop):
    station, customer = shop.lane.station, shop.customer()
    await customer.take(0)

    station.scanner.unplug()
    without = await sees(shop, lambda view: "scanner" in view["troubles"])
    station.scanner.plug()
    await sees(shop, lambda view: "scanner" not in view["troubles"])
    await customer.shop()

    assert [line["name"] for line in without["sale"]["lines"]] == [MILK.name]
    assert [line["name"] for line in customer.memory.lines] == [MILK.name, COLA.name]
    assert customer.memory.ending == "paid"
    assert wrong(await shop.settle_and_judge()) == {}


async def test_a_reader_unplugged_before_the_card_is_armed_again_when_it_is_back(shop):
    station, customer = shop.lane.station, shop.customer()
    await customer.take(0)
    await customer.page.touch("pay")
    await customer.page.touch("method", choice="card")
    await sees(shop, lambda view: view["page"] == "card")
    await until(lambda: station.reader.armed_for, "the reader to be armed")

    station.reader.unplug()
    without = await sees(shop, lambda view: "reader" in view["troubles"])
    station.reader.plug()
    await until(lambda: station.reader.armed_for, "the reader to be armed again")
    customer.memory.order = without["sale"]["order"]
    await customer.shop()

    assert without["methods_closed"] == {"card": "reader"}
    assert customer.memory.ending == "paid"
    assert wrong(await shop.settle_and_judge()) == {}


async def test_a_reader_unplugged_while_the_payment_is_under_way_changes_nothing_for_it(shop):
    shop.world.acquirer._times = replace(shop.world.acquirer._times, answer_ms=SLOW_HOST_MS)
    customer = shop.customer()
    paying = asyncio.create_task(customer.shop())
    await sees(shop, lambda view: view["page"] == "authorizing")

    shop.lane.station.reader.unplug()
    await paying
    without = await sees(shop, lambda view: "card" in view["methods_closed"])
    shop.lane.station.reader.plug()
    await sees(shop, lambda view: "card" in view["methods"])

    assert without["methods_closed"] == {"card": "reader"}
    assert customer.memory.ending == "paid"
    assert not customer.memory.was_told_unknown
    assert wrong(await shop.settle_and_judge()) == {}


async def test_a_printer_unplugged_in_a_sale_offers_no_paper_until_it_is_back(shop):
    station, customer = shop.lane.station, shop.customer()
    await customer.take(0)

    await station.printer.stop()
    without = await sees(shop, lambda view: view["receipts"] == ["none"])
    await station.printer.start()
    await sees(shop, lambda view: "print" in view["receipts"])
    await customer.shop()

    assert "printer" in without["troubles"]
    await until(lambda: any("TOTAL" in line for line in station.printer.text()), "the receipt")
    assert wrong(await shop.settle_and_judge()) == {}


async def test_paper_that_ends_in_a_receipt_is_told_and_the_reprint_is_marked_as_a_copy(shop):
    station, customer = shop.lane.station, shop.customer()
    station.printer.set_sensors(rows_left=ROWS_LEFT, near_end_rows=2)
    await customer.take(0)
    await customer.page.touch("pay")
    await customer.page.touch("method", choice="cash")
    await customer.page.attend("cash_counted", by=STAFF_ID, pin=STAFF_PIN, amount_minor=MILK.price_minor)
    await sees(shop, lambda view: view["page"] == "paid")

    await customer.page.touch("receipt", choice="print")
    told = await sees(shop, lambda view: view["notice"].startswith("receipt-"))
    torn = station.printer.text()
    station.printer.tear_off()
    station.printer.actions()["new_roll"]()
    await customer.page.attend("receipt_reprinted", by=STAFF_ID, pin=STAFF_PIN)
    await until(lambda: any("TOTAL" in line for line in station.printer.text()), "the reprint")

    assert told["notice"] == "receipt-failed"
    assert torn
    assert not any("TOTAL" in line for line in torn)
    assert any("COPY 1" in line for line in station.printer.text())
    assert wrong(await shop.settle_and_judge()) == {}
