"""What `explain` tells: one sale from scan to ledger, found by any of its ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cloud.story import tell
from protocol.errors import PeerError
from protocol.identifiers import to_paper
from tests.cloud.estate import Estate
from tests.cloud.tills import Till

if TYPE_CHECKING:
    from cloud.database import Database


async def test_a_card_sale_is_told_from_scan_to_ledger_by_any_of_its_ids(database: Database) -> None:
    estate = Estate(database)
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    await estate.hear(till, "req", till.request("pay", tender))
    await estate.settle()
    till.result(tender)
    till.complete(order, priced, tender)
    await estate.hear(till, "evt", till.batch())

    stories = [
        await tell(database, text)
        for text in (order, tender["attempt"], tender["payment"], to_paper(int(order)))
    ]
    await estate.consumer.close()

    assert stories[0] == stories[1] == stories[2] == stories[3]
    (story,) = stories[0]
    assert story.now["state"] == "completed"
    told = [(event.source, event.what) for event in story.events]
    assert told.count(("box", "line_added")) == 2
    assert ("payments", "asked of the channel") in told
    assert {("ledger", "card-approved"), ("ledger", "sale-completed")} <= set(told)
    assert [event.at_ms for event in story.events] == sorted(event.at_ms for event in story.events)
    assert "card of" not in json.dumps(story.as_json())


async def test_parked_records_and_alarms_are_part_of_the_story(database: Database) -> None:
    estate = Estate(database)
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    till.result(tender)
    till.result(tender)
    await estate.hear(till, "evt", till.batch())

    (story,) = await tell(database, order)
    await estate.consumer.close()

    assert {event.source for event in story.events} >= {"box", "alarm", "parked"}
    assert story.now["flags"] == "parked-records"


async def test_an_id_that_nobody_knows_has_no_story(sqlite: Database) -> None:
    assert await tell(sqlite, "42") == []


@pytest.mark.parametrize("text", ["", "no id", "9" * 30, "-1"])
async def test_what_is_no_id_is_named(sqlite: Database, text: str) -> None:
    with pytest.raises(PeerError):
        await tell(sqlite, text)


async def test_what_a_later_generation_of_the_journal_told_is_part_of_the_story_too(
    database: Database,
) -> None:
    estate = Estate(database)
    till = await estate.enrol()
    order, priced = till.open_sale()
    await estate.hear(till, "evt", till.batch())
    salvaged = Till(generation=b"\x05" * 8, last_id=9000, at_ms=till.at_ms + 1_000)
    tender = salvaged.intend(order, priced.total_minor, "cash")
    salvaged.result(tender)
    salvaged.complete(order, priced, tender)
    await estate.hear(till, "evt", salvaged.batch())

    (story,) = await tell(database, order)
    await estate.consumer.close()

    told = [event.what for event in story.events if event.source == "box"]
    tail = ["tender_intended", "tender_result", "fulfilment_result", "sale_completed"]
    assert told == ["sale_opened", "line_added", "line_added", *tail]
