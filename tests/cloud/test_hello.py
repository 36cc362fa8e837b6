"""What a box tells of itself without a record: where the cloud goes on, heartbeats, and records that are no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


@pytest.mark.parametrize(
    ("last_seq", "chain_of", "status", "resend_from"),
    [(7, 7, "ok", 0), (9, None, "resend", 8), (3, 3, "ok", 0), (3, 5, "fork", 0), (7, 6, "fork", 0)],
)
async def test_a_hello_is_answered_with_the_position(estate, last_seq, chain_of, status, resend_from) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    chain = b"\x09" * 32 if chain_of is None else till.chain_at(chain_of)

    await estate.hear(till, "evt", till.hello(last_seq, chain))

    receipt = estate.told(till, "receipt")[-1]
    assert (receipt["status"], receipt["through"], receipt["resend_from"]) == (status, 7, resend_from)
    assert receipt["epoch"] == 1


async def test_a_heartbeat_that_tells_nothing_new_is_answered_and_writes_nothing(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    (before,) = await estate.rows("SELECT through, received_ms FROM replica_position")
    await estate.pass_time(5)
    count = len(estate.told(till, "receipt"))

    await estate.hear(till, "evt", till.hello(7, till.chain), till.hello(7, till.chain))

    assert await estate.rows("SELECT through, received_ms FROM replica_position") == [before]
    assert len(estate.told(till, "receipt")) > count
    assert estate.told(till, "receipt")[-1]["through"] == 7


async def test_the_first_hello_of_a_box_asks_for_everything(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.hello(7, till.chain))

    receipt = estate.told(till, "receipt")[-1]
    assert (receipt["status"], receipt["through"], receipt["resend_from"]) == ("resend", 0, 1)


async def test_records_that_nobody_holds_any_more_are_an_alarm_and_what_comes_behind_them_is_booked(
    estate,
) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch(1, 2))
    till.cash_sale()
    gone, last = 7, len(till.frames)

    await estate.hear(till, "evt", till.hello(last, till.chain, gone_through=gone))
    behind_the_hole = estate.told(till, "receipt")[-1]
    await estate.hear(till, "evt", till.batch(gone + 1, last))

    assert (behind_the_hole["status"], behind_the_hole["through"]) == ("resend", gone)
    assert behind_the_hole["resend_from"] == gone + 1
    assert behind_the_hole["chain"] == till.chain_at(gone).hex()
    assert estate.told(till, "receipt")[-1]["through"] == last
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(1,)]
    (alarm,) = await estate.rows("SELECT subject, detail FROM alarm WHERE kind = 'journal-hole'")
    assert alarm[0].endswith("/3")
    assert "records 3 to 7" in alarm[1]


async def test_a_box_that_gave_away_only_what_the_cloud_has_leaves_no_hole(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch(1, 4))

    await estate.hear(till, "evt", till.hello(len(till.frames), till.chain, gone_through=4))

    assert estate.told(till, "receipt")[-1]["resend_from"] == 5
    assert await estate.rows("SELECT count(*) FROM alarm") == [(0,)]


async def test_a_box_that_holds_nothing_behind_its_hole_is_followed_from_there(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    gone = len(till.frames)

    await estate.hear(till, "evt", till.hello(gone, till.chain, gone_through=gone))
    till.cash_sale()
    await estate.hear(till, "evt", till.batch(gone + 1))

    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(1,)]
