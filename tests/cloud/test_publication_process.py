"""A catalogue from a person's table to a till and back, over a real cloud process, broker, file service and box."""

from __future__ import annotations

import json
import sqlite3

import pytest

from protocol.money import format_amount
from simulators.demo.estate import STORE, TENANT, tillbox
from simulators.demo.world import World
from simulators.goods import CURRENCY, GOODS
from tests.brokers import eventually

pytestmark = pytest.mark.slow

MILK, OTHER = [good for good in GOODS if not good.is_weighed and not good.age_min][:2]


async def test_a_price_is_changed_at_a_till_that_sells_and_the_sale_that_is_open_keeps_the_old_one(tmp_path):
    world = World(tmp_path / "w")
    try:
        await world.start(lambda _: None)
        lane = world.lanes[0]
        page, cloud = lane.page, ("--cloud", str(world.estate.cloud), "--tenant", TENANT)
        shop = (*cloud, "--store", STORE, "--currency", CURRENCY)
        assert page is not None
        await lane.station.scanner.scan(MILK.gtin[1:])
        await page.until(lambda view: view["sale"] is not None, 10)

        await tillbox("catalogue", "change", MILK.gtin, "--price", "7.77", "--currency", CURRENCY, *cloud)
        await tillbox("catalogue", "change", OTHER.gtin, "--withdraw", *cloud)
        told = json.loads(await tillbox("catalogue", "publish", *shop, "--urgent", "--json"))
        await eventually(lambda: _state(world) == (told["number"], "taken"), "the versions to be there")
        await lane.station.scanner.scan(OTHER.gtin[1:])
        await page.until(lambda view: view["sale"] is not None and len(view["sale"]["lines"]) == 2, 10)
        old = page.view["sale"]["total"]
        await page.touch("cancel_sale")
        await eventually(lambda: _state(world) == (told["number"], "applied"), "the change over")
        await lane.station.scanner.scan(MILK.gtin[1:])
        await page.until(lambda view: view["sale"] is not None, 10)

        assert old == format_amount(MILK.price_minor + OTHER.price_minor, CURRENCY)
        assert page.view["sale"]["total"] == "7.77"
    finally:
        await world.stop()


def _state(world):
    with sqlite3.connect(f"file:{world.estate.cloud / 'cloud.db'}?mode=ro", uri=True) as cloud:
        return cloud.execute("SELECT number, state FROM publication_box").fetchone()
