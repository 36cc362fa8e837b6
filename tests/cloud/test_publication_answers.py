"""Publications are announced until boxes answer, and what boxes say of them is kept."""

from __future__ import annotations

import json

import pytest

from cloud.catalogue import store
from cloud.catalogue.handlers import REFUSED, PublicationAnswers
from cloud.catalogue.rules import FIRST_DELAY_MS
from cloud.intake import LaneMessage
from cloud.intake_boxes import BoxTable
from protocol import faults
from tests.cloud.catalogue_shop import BREAD, Shop
from tests.cloud.tills import STORE, TENANT


@pytest.fixture
async def shop(database, tmp_path):
    made = Shop(database, tmp_path / "shelf")
    await made.fleet.enrol("till-1")
    await made.taxed()
    yield made
    faults.set_hook(None)


async def test_an_announcement_is_repeated_until_the_box_holds_it(shop):
    await shop.sells(BREAD)
    done = await shop.publish()
    await shop.announcer.look()
    await shop.announcer.look()
    assert shop.broker.count == 1

    shop.clock.ms += FIRST_DELAY_MS
    await shop.announcer.look()
    assert shop.broker.count == 2

    await shop.answers("till-1", done.number, "applied")
    shop.clock.ms += 100 * FIRST_DELAY_MS
    await shop.announcer.look()

    assert shop.broker.count == 2
    assert (await shop.standing("till-1")).state == "applied"


async def test_after_a_start_everything_is_announced_once(shop):
    await shop.sells(BREAD)
    done = await shop.publish()
    await shop.announcer.look()
    await shop.answers("till-1", done.number, "applied")

    await shop.announcer.start()
    await shop.announcer.look()
    await shop.announcer.look()

    assert shop.broker.count == 2


async def test_a_box_that_is_enrolled_later_is_told_what_its_store_sells_by(shop):
    await shop.sells(BREAD)
    done = await shop.publish()
    await shop.announcer.look()
    shop.fleet.clock.ms = shop.clock.ms

    await shop.fleet.enrol("till-2", 2)
    await shop.announcer.look()

    assert shop.told("till-2")["number"] == done.number


async def test_an_answer_about_an_older_publication_lets_the_newest_be_said_again(shop):
    await shop.sells(BREAD)
    await shop.publish()
    await shop.announcer.look()
    await shop.publish()
    await shop.announcer.look()

    await shop.answers("till-1", 1, "applied")
    await shop.announcer.look()

    standing = await shop.standing("till-1")
    assert (standing.number, standing.state, standing.held) == (2, "sent", 1)
    assert shop.broker.count == 3


async def test_a_refusal_is_an_alarm(shop):
    await shop.sells(BREAD)
    done = await shop.publish()

    await shop.answers("till-1", done.number, "refused", "version-unusable: catalogue-currency-wrong", held=0)

    rows = await shop.database.fetch("SELECT kind, subject, settled_ms FROM alarm")
    assert rows == [(REFUSED, "till-1", 0)]
    assert (await shop.standing("till-1")).state == "refused"


async def test_what_is_no_answer_is_set_aside_and_changes_nothing(shop):
    await shop.sells(BREAD)
    done = await shop.publish()
    box = await BoxTable(shop.database).find(TENANT, "till-1")
    assert box is not None
    payloads = (b"", b"null", b"\xff", b'{"v":1}', b'{"v":2}', b"[" * 50_000)

    async with shop.database.transaction() as tx:
        messages = [LaneMessage(box, "ver", payload) for payload in payloads]
        await PublicationAnswers().take(tx, messages, shop.clock.ms)

    assert await shop.database.fetch("SELECT count(*) FROM set_aside") == [(len(payloads),)]
    standing = await shop.standing("till-1")
    assert (standing.number, standing.state) == (done.number, "sent")


async def test_the_plan_in_the_database_is_that_of_the_document(shop):
    await shop.sells(BREAD)
    done = await shop.publish()

    last = await store.last(shop.database, TENANT, STORE)

    assert last is not None
    assert json.loads(last.plan) == done.plan
