"""The consumer: what is stored, what is said, and what one bad message may not do to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloud import consumer as consumer_module
from cloud.orders import rules as order_rules
from cloud.ports import Message
from cloud.repairs import Repair
from protocol import faults
from protocol.frame import chain_next, encode_frame
from protocol.seal import seal
from tests.cloud.tills import NOON_MS, SHARD, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


class Crash(BaseException):
    """The process ends here, as after kill -9."""


async def test_a_cash_sale_goes_from_journal_to_ledger(estate: Estate) -> None:
    till = await estate.enrol()
    order = till.cash_sale()

    await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT order_id, state, total_minor, price_check FROM sale_order") == [
        (int(order), "completed", 633, "right")
    ]
    balances = dict(await estate.rows("SELECT account, balance_minor FROM ledger_balance"))
    assert balances == {"cash:till-1": 633, "sales": -550, "tax:A": -83}
    receipt = estate.told(till, "receipt")[-1]
    assert (receipt["through"], receipt["chain"], receipt["status"]) == (
        len(till.frames),
        till.chain.hex(),
        "ok",
    )


async def test_frames_are_stored_as_the_box_wrote_them(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.batch())

    stored = await estate.rows("SELECT seq, chain, body FROM replica_frame ORDER BY seq")
    assert b"".join(encode_frame(*row) for row in stored) == b"".join(till.frames)


async def test_duplicates_change_nothing_and_are_receipted_again(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    whole = till.batch()
    await estate.hear(till, "evt", whole)
    before = await estate.rows("SELECT * FROM ledger_posting ORDER BY entry, number")

    await estate.hear(till, "evt", whole, whole, till.batch(2, 4))

    assert await estate.rows("SELECT * FROM ledger_posting ORDER BY entry, number") == before
    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)


async def test_overlapping_batches_add_only_what_is_new(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.batch(1, 4), till.batch(3, 7))

    assert await estate.rows("SELECT count(*) FROM replica_frame") == [(7,)]


async def test_a_gap_asks_for_a_resend_and_keeps_what_came_before_it(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.batch(1, 3), till.batch(5, 7))

    receipt = estate.told(till, "receipt")[-1]
    assert (receipt["status"], receipt["through"], receipt["resend_from"]) == ("gap", 3, 4)
    await estate.hear(till, "evt", till.batch(4, 7))
    assert estate.told(till, "receipt")[-1]["through"] == 7
    assert await estate.rows("SELECT state FROM sale_order") == [("completed",)]


async def test_a_fork_quarantines_the_box_but_stops_no_intake(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    restored = Till()
    restored.write(
        "box_started", software="1", engine=1, catalogue="0" * 64, overlay="", taxes="0" * 64, clock="ok"
    )

    await estate.hear(till, "evt", restored.batch())
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())

    assert [receipt["status"] for receipt in estate.told(till, "receipt")] == ["ok", "fork", "ok"]
    assert await estate.rows("SELECT status FROM box") == [("quarantined",)]
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(2,)]
    assert await estate.alarms() == ["journal-forked"]
    assert await estate.rows("SELECT code FROM set_aside") == [("journal-forked",)]


async def test_a_fork_after_the_stored_position_is_found(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    till.chain = b"\x07" * 32
    till.cash_sale()

    await estate.hear(till, "evt", till.batch())

    assert estate.told(till, "receipt")[-1]["status"] == "fork"
    assert await estate.rows("SELECT count(*) FROM sale_order") == [(1,)]


async def test_a_new_generation_starts_a_journal_of_its_own(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    again = Till(generation=b"\x02" * 8, last_id=5000)
    again.write("generation_opened", previous=till.generation.hex(), previous_seq=7, reason="recovered")
    again.cash_sale()

    await estate.hear(till, "evt", again.batch())

    assert estate.told(till, "receipt")[-1]["generation"] == "02" * 8
    assert await estate.rows("SELECT count(*) FROM replica_position") == [(2,)]
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(2,)]


async def test_hostile_row_21_a_forged_seal_is_refused_counted_and_not_stored(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    payload = till.batch()[32:]

    await estate.hear(till, "evt", bytes(32) + payload, seal(b"\x00" * 32, till.topic("up", "evt"), payload))

    assert await estate.rows("SELECT kind, times FROM security_event") == [("seal-wrong", 2)]
    assert await estate.rows("SELECT count(*) FROM replica_frame") == [(0,)]
    assert await estate.rows("SELECT count(*) FROM set_aside") == [(0,)]
    assert estate.wire.said == []


async def test_hostile_row_22_a_message_of_another_box_is_refused(estate: Estate) -> None:
    till = await estate.enrol()
    other = await estate.enrol(Till(box="till-2", number=2))
    till.cash_sale()

    await estate.hear(other, "evt", till.batch())

    assert await estate.rows("SELECT box, kind FROM security_event") == [("till-2", "seal-wrong")]


async def test_unknown_boxes_revoked_boxes_and_wrong_places_are_counted(estate: Estate) -> None:
    revoked = await estate.enrol(status="revoked")
    sealed = revoked.hello(0, revoked.chain_at(0))
    estate.wire.send("tb1/00/nobody/here/box-9/up/evt", sealed)
    estate.wire.send("not a topic", sealed)
    estate.wire.send(revoked.topic("up", "evt").replace("/north/", "/south/"), sealed)

    await estate.hear(revoked, "evt", sealed)

    kinds = await estate.rows("SELECT kind, times FROM security_event ORDER BY kind")
    assert kinds == [("box-revoked", 2), ("box-unknown", 1), ("topic-wrong", 1)]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b'{"v":1',
        b"[" * 60_000,
        b'{"a":1,"a":2}',
        b'{"v":1,"amount_minor":1.5}',
        b'{"v":1,"amount_minor":NaN}',
        b'{"v":2,"t":"sale_voided"}',
        b'{"v":1,"t":"never_heard_of"}',
        b'{"v":1,"at":1,"boot":"00000001","t":"sale_voided","order":"9","reason":"","extra":1}',
    ],
)
async def test_hostile_rows_14_to_17_a_body_that_cannot_be_read_is_stored_receipted_and_parked(
    estate, body
) -> None:
    till = await estate.enrol()
    till.write_body(body)
    order = till.cash_sale()

    await estate.hear(till, "evt", till.batch())

    assert estate.told(till, "receipt")[-1]["through"] == 8
    assert await estate.rows("SELECT seq, state FROM parked_record") == [(1, "parked")]
    assert await estate.rows("SELECT order_id, state FROM sale_order") == [(int(order), "completed")]


@pytest.mark.parametrize("payload", [b"", b"TBB1", b"garbage" * 20, b"TBB1" + bytes(10) + b"x"])
async def test_a_sealed_message_that_is_no_batch_is_set_aside_with_the_reason(
    estate: Estate, payload: bytes
) -> None:
    till = await estate.enrol()
    till.cash_sale()

    await estate.hear(till, "evt", till.seal("evt", payload), till.batch())

    assert await estate.rows("SELECT count(*) FROM set_aside WHERE code LIKE 'batch-%'") == [(1,)]
    assert estate.told(till, "receipt")[-1]["through"] == 7


async def test_hostile_row_18_a_poison_record_is_parked_and_the_others_go_on(estate, monkeypatch) -> None:
    till, other = await estate.enrol(), await estate.enrol(Till(box="till-2", number=2))
    poison, healthy = till.cash_sale(), other.cash_sale()
    real = order_rules.apply

    def apply(order, record, versions):
        if record.order == int(poison) and record.kind == "sale_completed":
            raise ZeroDivisionError
        return real(order, record, versions)

    with monkeypatch.context() as patch:
        patch.setattr(order_rules, "apply", apply)
        estate.wire.send(other.topic("up", "evt"), other.batch())
        await estate.hear(till, "evt", till.batch())

    assert await estate.rows("SELECT order_id FROM sale_order WHERE state = 'completed'") == [(int(healthy),)]
    assert estate.told(till, "receipt")[-1]["through"] == 7
    assert await estate.rows("SELECT DISTINCT box, code FROM parked_record") == [("till-1", "rules-failed")]

    estate.consumer.offer(Repair("replay", TENANT))
    await estate.settle()
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(2,)]
    assert await estate.rows("SELECT DISTINCT state FROM parked_record") == [("booked",)]


async def test_a_poison_request_is_set_aside_without_the_card(estate, monkeypatch) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    till_hello = till.hello(0, till.chain_at(0))
    monkeypatch.setattr("cloud.payments.rules.pay", lambda *_: 1 / 0)

    estate.wire.send(till.topic("up", "req"), till.request("pay", tender))
    await estate.hear(till, "evt", till_hello)
    await estate.settle()

    assert await estate.rows("SELECT code, payload FROM set_aside") == [("rules-failed", b"")]
    assert len(estate.told(till, "receipt")) == 1


@pytest.mark.parametrize("point", ["consumer.received", "consumer.committed", "consumer.published"])
async def test_a_crash_at_each_step_books_the_sale_once(estate: Estate, point: str) -> None:
    till = await estate.enrol()
    till.cash_sale()
    sealed = till.batch()

    def crash(name: str) -> None:
        if name == point:
            raise Crash

    faults.set_hook(crash)
    with pytest.raises(Crash):
        await estate.hear(till, "evt", sealed)
    faults.set_hook(None)
    said_before_crash = len(estate.told(till, "receipt"))
    await estate.restart_cloud()
    await estate.hear(till, "evt", sealed)

    assert said_before_crash == (1 if point == "consumer.published" else 0)
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]
    assert estate.told(till, "receipt")[-1]["through"] == 7


async def test_nothing_is_receipted_before_its_commit(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    seen = []

    def look(name: str) -> None:
        seen.append((name, len(estate.wire.said)))

    faults.set_hook(look)
    await estate.hear(till, "evt", till.batch())

    assert seen == [("consumer.received", 0), ("consumer.committed", 0), ("consumer.published", 1)]


async def test_a_database_outage_loses_no_message(estate: Estate, monkeypatch) -> None:
    till = await estate.enrol()
    till.cash_sale()
    failures = iter([estate.database.outages[0]("away"), None])
    real = estate.database.transaction

    def transaction():
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return real()

    monkeypatch.setattr(consumer_module, "OUTAGE_PAUSE_S", 0)
    monkeypatch.setattr(estate.database, "transaction", transaction)
    await estate.hear(till, "evt", till.batch())

    assert estate.consumer.counts.outages == 1
    assert estate.told(till, "receipt")[-1]["through"] == 7


async def test_the_epoch_of_a_restored_cloud_is_told(estate: Estate) -> None:
    till = await estate.enrol()
    async with estate.database.transaction() as tx:
        await tx.execute("UPDATE installation SET number = number + 1")
    await estate.restart_cloud()

    await estate.hear(till, "evt", till.hello(0, till.chain_at(0)))

    assert estate.told(till, "receipt")[-1]["epoch"] == 2


async def test_a_frame_of_a_journal_that_skips_its_beginning_is_a_gap(estate: Estate) -> None:
    till = await estate.enrol()
    body = b'{"v":1}'
    frame = encode_frame(5, chain_next(bytes(32), 5, body), body)
    till.frames, till.sent = [frame], 0

    await estate.hear(till, "evt", till.batch())

    receipt = estate.told(till, "receipt")[-1]
    assert (receipt["status"], receipt["through"], receipt["resend_from"]) == ("gap", 0, 1)


async def test_messages_that_wait_are_taken_together(estate: Estate) -> None:
    tills = [await estate.enrol(Till(box=f"till-{n}", number=n)) for n in (1, 2, 3)]
    for till in tills:
        till.cash_sale()
        estate.wire.queue.append(Message(till.topic("up", "evt"), till.batch()))

    await estate.consumer.step()

    assert estate.consumer.counts.batches == 1
    assert await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(3,)]
    assert {shard for (shard,) in await estate.rows("SELECT DISTINCT shard FROM replica_frame")} == {SHARD}
    assert estate.clock.ms == NOON_MS
