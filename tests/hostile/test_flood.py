"""One box floods the cloud, with its own certificate and its own keys; its neighbour pays by card all the same."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cloud import flood, intake_store
from cloud.flood import (
    BOX_BYTES_BURST,
    BOX_MESSAGES_A_SECOND,
    BOX_MESSAGES_BURST,
    BOXES_WATCHED_MAX,
    FLOODING,
    QUIET_MS,
    FloodGuard,
    FloodWatch,
)
from cloud.main import client_tls
from edge.config import read_box
from edge.uplink.identity import identity_of
from protocol.frame import Hello, chain_start, encode_hello
from simulators.customer import STEP_S
from tests.cloud.tills import SHARD, STORE, TENANT, Till
from tests.hostile.mqtt_site import suppressed
from tests.journeys.stage import stage, until, wrong
from tests.journeys.test_renewal import tillbox
from tests.mqtt_raw import Raw, connect, publish

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.shopper import Page
    from tests.cloud.estate import Estate
    from tests.journeys.stage import Stage

PAYMENTS = 8
PATIENCE_S = 10.0  # of a loaded machine; without the bound she would wait for the flood, which does not end
GARBAGE_BYTES = 16_384


class Flooder:
    """A box gone mad: everything that it may say, as fast as its broker takes it."""

    def __init__(self, directory: Path) -> None:
        self.config = read_box(directory)
        self.sent = 0

    async def run(self) -> None:
        config, identity = self.config, identity_of(self.config)
        raw = await Raw.open(config.broker.port, client_tls(*config.certificate))
        await raw.send(connect(config.client_id))
        assert await raw.connack() == 0
        generation = bytes(8)
        claim = encode_hello(Hello(generation, 0, chain_start(config.tenant, config.box, generation)))
        sealed = [identity.seal("evt", claim), identity.seal("req", b"{}")]
        volley = [publish(*message) for message in sealed] * 20
        volley.append(publish(identity.topic("evt"), bytes(GARBAGE_BYTES)))
        try:
            while True:
                await raw.send(b"".join(volley))
                self.sent += len(volley)
        finally:
            raw.close()


async def alarms(there: Stage) -> list[dict[str, Any]]:
    _, out, err = await tillbox("cloud", "alarms", "--data", there.world.estate.cloud, "--json")
    assert out, err
    return [alarm for alarm in json.loads(out) if alarm["kind"] == FLOODING]


async def shown_at_s(page: Page, name: str) -> float:
    """When the page came to show this."""
    seen_s: list[float] = []

    def look(view: dict[str, Any]) -> bool:
        if view["page"] == name:
            seen_s.append(time.monotonic())
        return bool(seen_s)

    await page.until(look, STEP_S)
    return seen_s[0]


@pytest.mark.slow
async def test_a_box_that_floods_is_held_to_its_bound_and_its_neighbour_pays_as_ever(tmp_path: Path) -> None:
    async with stage(tmp_path, boxes=2) as there:
        quiet, mad = there.world.lanes
        await there.world.leave(mad)
        await mad.process.stop()
        flooder = Flooder(mad.directory)
        flooding = asyncio.create_task(flooder.run())
        await until(lambda: flooder.sent > 10 * BOX_MESSAGES_BURST, "the flood")

        took_s = []
        for _ in range(PAYMENTS):
            customer = there.customer(quiet)
            assert quiet.page is not None
            asked_s, paid_s, _ = await asyncio.gather(
                shown_at_s(quiet.page, "authorizing"), shown_at_s(quiet.page, "paid"), customer.shop()
            )
            took_s.append(paid_s - asked_s)
            assert customer.memory.ending == "paid"
        during = await alarms(there)
        assert not flooding.done(), flooding
        flooding.cancel()
        with suppressed():
            await asyncio.gather(flooding, return_exceptions=True)
        await there.world.bring_up(mad)
        assert mad.page is not None
        await mad.page.until(lambda view: view["is_linked"], 60)
        after = there.customer(mad)
        await after.shop()
        report = await there.settle_and_judge()

    assert max(took_s) < PATIENCE_S
    assert [alarm["subject"] for alarm in during] == [mad.name]
    assert "dropped" in during[0]["detail"]
    assert after.memory.ending == "paid"
    assert wrong(report) == {}
    assert report["sales_paid"] == PAYMENTS + 1


def place(box: str) -> str:
    return f"tb1/{SHARD}/{TENANT}/{STORE}/{box}/up/evt"


class Seconds:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_box_has_its_burst_at_once_and_its_rate_for_ever_and_others_have_theirs():
    now = Seconds()
    guard = FloodGuard(now)

    at_once = sum(guard.admits(place("till-1"), 100) for _ in range(2 * BOX_MESSAGES_BURST))
    now.now_s = 1.0
    a_second_later = sum(guard.admits(place("till-1"), 100) for _ in range(2 * BOX_MESSAGES_BURST))

    assert at_once == BOX_MESSAGES_BURST
    assert a_second_later == BOX_MESSAGES_A_SECOND
    assert guard.admits(place("till-2"), 100)
    assert guard.take_dropped() == {(TENANT, "till-1"): 3 * BOX_MESSAGES_BURST - BOX_MESSAGES_A_SECOND}
    assert guard.take_dropped() == {}


def test_large_messages_are_bound_by_their_bytes():
    guard = FloodGuard(Seconds())

    admitted = sum(guard.admits(place("till-1"), 65_536) for _ in range(200))

    assert admitted == BOX_BYTES_BURST // 65_536


def test_names_without_end_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(flood, "BOXES_WATCHED_MAX", 10)
    monkeypatch.setattr(flood, "BOX_MESSAGES_BURST", 0)
    guard = FloodGuard(Seconds())

    for number in range(100):
        guard.admits(place(f"till-{number}"), 1)

    assert len(guard._allowances) <= 10 < BOXES_WATCHED_MAX
    assert len(guard.take_dropped()) == 10


async def test_a_flood_is_an_alarm_until_it_is_quiet_for_a_minute_also_over_a_restart(estate: Estate) -> None:
    till = await estate.enrol()
    guard = FloodGuard(Seconds())

    def watch() -> FloodWatch:
        return FloodWatch(
            database=estate.database, directory=estate.directory, clock=estate.clock, guard=guard
        )

    first = watch()
    for _ in range(BOX_MESSAGES_BURST + 5):
        guard.admits(till.topic("up", "evt"), 1)
        guard.admits(place("nobody"), 1)
    await first.look()
    raised = await estate.rows("SELECT subject, settled_ms FROM alarm WHERE kind = 'box-flooding'")
    second = watch()
    await second.look()
    estate.clock.ms += QUIET_MS - 1
    await second.look()
    still = await estate.rows("SELECT settled_ms FROM alarm WHERE kind = 'box-flooding'")
    estate.clock.ms += 1
    await second.look()

    assert raised == [(till.box, 0)]
    assert still == [(0,)]
    assert await estate.rows("SELECT settled_ms FROM alarm WHERE kind = 'box-flooding'") == [
        (estate.clock.ms,)
    ]


async def test_a_box_that_seals_garbage_without_end_has_a_bounded_number_of_messages_kept(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_store, "SET_ASIDE_MAX", 5)
    mad, sane = await estate.enrol(), await estate.enrol(Till("till-2", 2))

    await estate.hear(mad, "evt", *(mad.seal("evt", b"garbage %d" % number) for number in range(4)))
    await estate.hear(mad, "evt", *(mad.seal("evt", b"rubbish %d" % number) for number in range(4)))
    await estate.hear(sane, "evt", sane.seal("evt", b"one mistake"))

    assert await estate.rows("SELECT box, count(*) FROM set_aside GROUP BY box ORDER BY box") == [
        (mad.box, 5),
        (sane.box, 1),
    ]
    assert await estate.rows("SELECT box, kind, times FROM security_event") == [
        (mad.box, "set-aside-full", 3)
    ]
