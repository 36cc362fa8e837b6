"""Rows 19 to 23: genuine messages at the wrong place or time, and forged ones, through consumer and database."""

from __future__ import annotations

import pytest

from protocol.frame import encode_batch
from protocol.seal import seal
from tests.cloud.tills import NOON_MS, Till

DAY_MS = 86_400_000


async def test_row_19_one_number_with_another_body_is_a_fork_that_stops_selling(estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    honest = list(till.frames)
    bodies = [till.body_of(seq) for seq in range(1, len(honest) + 1)]
    bodies[1] = bodies[1].replace(b'"quantity":2', b'"quantity":1')
    till.frames, till.chain = [], till.chain_at(0)
    for body in bodies:
        till.write_body(body)

    await estate.hear(till, "evt", till.batch(1))

    assert estate.told(till, "receipt")[-1]["status"] == "fork"
    assert await estate.alarms() == ["journal-forked"]
    assert await estate.rows("SELECT status FROM box") == [("quarantined",)]
    stored = await estate.rows("SELECT body FROM replica_frame ORDER BY seq")
    assert b'"quantity":2' in stored[1][0]
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]


async def test_row_19_a_sale_told_twice_under_new_numbers_is_booked_once(estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    for body in [till.body_of(seq) for seq in range(1, len(till.frames) + 1)]:
        till.write_body(body)

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(1,)]
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]
    codes = {code for (code,) in await estate.rows("SELECT code FROM parked_record")}
    assert codes >= {"order-twice", "line-twice", "tender-twice"}


async def test_row_20_out_of_order_gap_and_reset_are_held_and_asked_for_again(estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.batch(5, 7))
    gap = estate.told(till, "receipt")[-1]
    await estate.hear(till, "evt", till.batch(3, 4), till.batch(1, 2))
    late = estate.told(till, "receipt")[-1]
    await estate.hear(till, "evt", till.batch(1, 7))
    whole = estate.told(till, "receipt")[-1]

    assert (gap["status"], gap["through"], gap["resend_from"]) == ("gap", 0, 1)
    assert (late["status"], late["through"], late["resend_from"]) == ("gap", 2, 3)
    assert (whole["status"], whole["through"]) == ("ok", 7)
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]


async def test_row_20_a_re_imaged_box_is_a_new_journal_and_an_old_copy_of_the_disk_a_fork(estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())

    imaged = Till(generation=b"\x02" * 8, last_id=5_000)
    imaged.cash_sale()
    await estate.hear(till, "evt", imaged.batch())
    old_copy = Till(last_id=9_000)  # the same generation once more, from its beginning
    old_copy.cash_sale(quantity=1)
    await estate.hear(till, "evt", old_copy.batch())

    assert [receipt["status"] for receipt in estate.told(till, "receipt")] == ["ok", "ok", "fork"]
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(2,)]
    assert await estate.rows("SELECT status FROM box") == [("quarantined",)]


async def test_row_21_no_forged_seal_opens_whatever_was_changed(small_estate, tried) -> None:
    till, other = await small_estate.enrol(), await small_estate.enrol(Till(box="till-2", number=2))
    till.cash_sale()
    good = till.batch()
    topic, payload = till.topic("up", "evt"), good[32:]
    keys = (bytes(32), b"\xff" * 32, till.down_key, other.up_key, till.up_key[::-1])
    forged = [bytes(32) + payload, payload, good[:31], b"", good[:-1], good + b"\x00", good[1:]]
    forged += [seal(key, topic, payload) for key in keys]
    forged += [seal(till.up_key, topic.replace("evt", lane), payload) for lane in ("req", "state", "cfg")]
    forged += [seal(till.up_key, topic.replace("/up/", "/down/").replace("evt", "receipt"), payload)]
    forged += [good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] for place in range(64)]

    for number in range(0, len(forged), 32):
        await small_estate.hear(till, "evt", *forged[number : number + 32])

    assert await small_estate.rows("SELECT box, kind, times FROM security_event") == [
        ("till-1", "seal-wrong", len(forged))
    ]
    assert await small_estate.rows("SELECT count(*) FROM replica_frame") == [(0,)]
    assert await small_estate.rows("SELECT count(*) FROM set_aside") == [(0,)]
    assert small_estate.wire.said == []
    tried(len(forged))


async def test_row_22_stolen_frames_of_another_box_do_not_continue_the_thiefs_chain(estate) -> None:
    till, thief = await estate.enrol(), await estate.enrol(Till(box="till-2", number=2))
    till.cash_sale()

    await estate.hear(thief, "evt", thief.seal("evt", encode_batch(till.generation, till.frames)))

    assert estate.told(thief, "receipt")[-1]["status"] == "fork"
    assert await estate.rows("SELECT count(*) FROM sale_order") == [(0,)]
    assert await estate.rows("SELECT box, status FROM box ORDER BY box") == [
        ("till-1", "serving"),
        ("till-2", "quarantined"),
    ]


async def test_row_22_a_box_cannot_end_the_sale_of_another(estate) -> None:
    till, thief = await estate.enrol(), await estate.enrol(Till(box="till-2", number=2))
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    await estate.hear(till, "evt", till.batch())

    thief.result(tender)
    thief.complete(order, priced, tender)
    thief.write("sale_voided", order=order, reason="mine now")
    await estate.hear(thief, "evt", thief.batch())

    assert await estate.rows("SELECT box, state FROM sale_order") == [("till-1", "tendering")]
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(0,)]
    codes = await estate.rows("SELECT DISTINCT box, code FROM parked_record")
    assert codes == [("till-2", "order-of-another-box")]


@pytest.mark.parametrize("days", [3, 30, 400])
async def test_row_23_a_sale_that_comes_very_late_is_booked_once_on_its_own_day_and_flagged(
    small_estate, days
) -> None:
    till = await small_estate.enrol(Till(at_ms=NOON_MS - days * DAY_MS))
    till.cash_sale()
    sealed = till.batch()

    await small_estate.hear(till, "evt", sealed, sealed)
    await small_estate.hear(till, "evt", sealed)

    rows = await small_estate.rows("SELECT state, flags FROM sale_order")
    assert rows == [("completed", "late")]
    assert await small_estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]
