"""kill -9 of the cloud and of its card zone at every fault point, while customers shop: money stays right.

Customers go on at two lanes all the time: one with a card that is approved, one whose card is captured and never
answered, so that reversals are always under way too. A killed cloud is started again by hand, a killed card zone by
the cloud. At the end everything comes to rest and the checker judges.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from simulators.demo.estate import STORE, TENANT, publish_goods, tillbox
from simulators.goods import CURRENCY
from tests.journeys.stage import Orders, declared, stage, until, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.demo.world import Lane
    from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

CARDS = ("visa-contactless", "silent-captured")  # one for each lane
PASSED_S = 90.0  # a lane that was offline while the cloud was down comes back first
ENDINGS = {"paid", "declined", "voided", "left"}  # left: told to call for help, the money is asked back

CLOUD = [
    (point, nth)
    for point in ("consumer.received", "consumer.committed", "consumer.published")
    for nth in (1, 2, 3, 5)
] + [(point, nth) for point in ("payments.requested", "payments.answered") for nth in (1, 2)]
ZONE = [
    ("cardzone.stan_stored", 1),
    ("cardzone.stan_stored", 2),
    ("cardzone.sent", 1),
    ("cardzone.sent", 2),
    ("cardzone.answer_received", 1),
    ("cardzone.answered", 1),
    ("cardzone.reversal_counted", 1),
    ("cardzone.reversal_sent", 1),
    ("cardzone.reversal_answered", 1),
]
PUBLISHED = (
    "fleet.configuration_published"  # passed by no sale: the operator pushes a configuration meanwhile
)
ANNOUNCED = "catalogue.announced"  # nor this one: the operator publishes a catalogue meanwhile
# Points of commands, cut off in `tests/cloud/test_catalogue_service.py`: no process of the cloud passes them.
BY_COMMAND = {"catalogue.part_imported", "catalogue.versions_stored", "catalogue.published"}


def test_every_fault_point_of_the_cloud_is_tried():
    assert {point for point, _ in CLOUD + ZONE} | {PUBLISHED, ANNOUNCED} | BY_COMMAND == declared("cloud")


async def test_a_cloud_killed_anywhere_while_customers_pay_loses_and_doubles_nothing(tmp_path):
    orders = Orders(tmp_path / "orders")
    closing = asyncio.Event()

    async with stage(tmp_path / "world", boxes=len(CARDS), launcher=orders.launcher) as there:
        async with asyncio.TaskGroup() as all_day:
            for lane, card in zip(there.world.lanes, CARDS, strict=True):
                all_day.create_task(customers_come(there, lane, card, closing))
            # Zone and cloud in turn: a card zone that dies ever again is started ever later.
            for number, (point, nth) in enumerate(CLOUD):
                await kill_cloud(there, orders, point, nth)
                for zone_point, zone_nth in ZONE[number : number + 1]:
                    await kill_zone(orders, zone_point, zone_nth)
                await somebody_pays(there)
            await kill_while_pushing(there, orders, tmp_path)
            await kill_while_publishing(there, orders)
            closing.set()
        report = await there.settle_and_judge()

    memories = there.world.memories
    assert {memory.ending for memory in memories} <= ENDINGS
    assert all(memory.was_told_unknown for memory in memories if memory.ending == "left")
    assert wrong(report) == {}


async def customers_come(there: Stage, lane: Lane, card: str, closing: asyncio.Event) -> None:
    while not closing.is_set():
        await there.customer(lane, card=card).shop()


async def kill_cloud(there: Stage, orders: Orders, point: str, nth: int) -> None:
    orders.give("cloud", point=point, nth=nth, is_alone=True)
    await until(lambda: not orders.is_open("cloud"), f"the {nth}. passing of {point}", PASSED_S)
    await there.world.cloud.wait()
    await there.world.cloud.start()


async def kill_zone(orders: Orders, point: str, nth: int) -> None:
    orders.give("cloud", point=point, nth=nth, is_alone=True)
    await until(lambda: not orders.is_open("cloud"), f"the {nth}. passing of {point}", PASSED_S)


async def somebody_pays(there: Stage) -> None:
    """Every death is got over: a customer who comes later can pay."""
    number = len(there.world.memories)
    later = there.world.memories
    await until(
        lambda: any(memory.ending == "paid" for memory in later[number:]), "a customer to pay", PASSED_S
    )


async def kill_while_publishing(there: Stage, orders: Orders) -> None:
    """The cloud dies with a publication announced and no row saying so: every box sells by it all the same."""
    estate = there.world.estate
    shop = ("--cloud", str(estate.cloud), "--tenant", TENANT, "--store", STORE, "--currency", CURRENCY)
    orders.give("cloud", point=ANNOUNCED, nth=1, is_alone=True)

    await tillbox("catalogue", "publish", *shop)
    await until(lambda: not orders.is_open("cloud"), f"the passing of {ANNOUNCED}", PASSED_S)
    await there.world.cloud.wait()
    await there.world.cloud.start()

    published = await publish_goods(estate)
    standings = json.loads(await tillbox("catalogue", "standing", *shop[:4], "--json"))
    assert {(row["held"], row["state"]) for row in standings} == {(published, "applied")}


async def kill_while_pushing(there: Stage, orders: Orders, directory: Path) -> None:
    """The cloud dies with a configuration published and no row saying so: the box gets it once more."""
    name = there.lane.name
    settings = directory / "settings.json"
    settings.write_text(json.dumps({"store_name": "Shop after the storm"}))
    orders.give("cloud", point=PUBLISHED, nth=1, is_alone=True)
    cloud = str(there.world.estate.cloud)

    await tillbox("fleet", "push", str(settings), "--cloud", cloud, "--tenant", TENANT, "--box", name)
    await until(lambda: not orders.is_open("cloud"), f"the passing of {PUBLISHED}", PASSED_S)
    await there.world.cloud.wait()
    await there.world.cloud.start()

    assert there.lane.page is not None
    await there.lane.page.until(lambda view: view["store"] == "Shop after the storm", PASSED_S)
