"""Repairs: what was parked is booked once its cause is mended, in steps, whatever still cannot be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import intake_store, repair_store, repairs
from cloud.ledger.store import balances
from cloud.orders import rules as order_rules
from cloud.repairs import Repair
from tests.cloud.tills import NOON_MS, SHARD, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

REPLAY, RECHECK = "aa", "bb"


async def ask(estate: Estate, *requests: tuple[str, str], tenant: str = TENANT, at_ms: int = NOON_MS) -> None:
    async with estate.database.transaction() as tx:
        await repair_store.ask(tx, [(tenant, name, SHARD, kind) for name, kind in requests], at_ms)


async def answers(estate: Estate) -> dict[str, tuple[bool, int]]:
    """Request -> (is it done, how much it mended)."""
    rows = await estate.rows("SELECT request, state, mended FROM repair_request")
    return {request: (state == "done", mended) for request, state, mended in rows}


async def parked(estate: Estate) -> int:
    ((count,),) = await estate.rows("SELECT count(*) FROM parked_record WHERE state = 'parked'")
    return int(count)


async def park_sales(estate: Estate, monkeypatch, count: int = 1) -> Till:
    """A till whose sales could not be booked, because the rules failed on all of them."""
    till = await estate.enrol()
    with monkeypatch.context() as patch:
        patch.setattr(order_rules, "open_order", lambda *_: 1 / 0)
        for _ in range(count):
            till.cash_sale()
            await estate.hear(till, "evt", till.batch())
    return till


async def completed(estate: Estate) -> int:
    ((count,),) = await estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'")
    return int(count)


async def test_parked_records_are_booked_when_asked_and_counted(estate: Estate, monkeypatch) -> None:
    await park_sales(estate, monkeypatch, 2)
    before = await parked(estate)

    await ask(estate, (REPLAY, "replay"))
    await estate.poller.look()
    await estate.settle()

    assert before == 14
    assert await parked(estate) == 0
    assert await completed(estate) == 2
    assert await answers(estate) == {REPLAY: (True, 14)}


async def test_asking_again_books_nothing_twice(estate: Estate, monkeypatch) -> None:
    await park_sales(estate, monkeypatch)
    await ask(estate, (REPLAY, "replay"))
    await estate.poller.look()
    await estate.settle()
    booked = await estate.rows("SELECT count(*) FROM ledger_entry")

    await ask(estate, ("cc", "replay"), ("dd", "replay"))
    await estate.poller.look()
    await estate.settle()

    assert await answers(estate) == {REPLAY: (True, 7), "cc": (True, 0), "dd": (True, 0)}
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == booked


async def test_two_who_ask_at_the_same_time_book_each_record_once(estate: Estate, monkeypatch) -> None:
    await park_sales(estate, monkeypatch)

    await ask(estate, ("cc", "replay"), ("dd", "replay"))
    await estate.poller.look()
    await estate.settle()

    assert await parked(estate) == 0
    assert await completed(estate) == 1
    assert await estate.rows("SELECT count(*) FROM ledger_entry") == [(2,)]


async def test_what_still_cannot_be_booked_stays_parked_and_does_not_hold_up_the_rest(
    estate: Estate, monkeypatch
) -> None:
    monkeypatch.setattr(repairs, "REPAIRED_AT_ONCE", 4)
    till = await estate.enrol()
    for _ in range(6):  # six records that nobody will ever read, in front of a sale
        till.write_body(b'{"v":1,"t":"from-the-future"}')
    with monkeypatch.context() as patch:
        patch.setattr(order_rules, "open_order", lambda *_: 1 / 0)
        till.cash_sale()
        await estate.hear(till, "evt", till.batch())

    estate.consumer.offer(Repair("replay", TENANT, REPLAY, at_once=4))
    await ask(estate, (REPLAY, "replay"))
    await estate.settle()

    assert await parked(estate) == 6
    assert await completed(estate) == 1
    assert await answers(estate) == {REPLAY: (True, 7)}


async def test_a_record_on_which_the_rules_still_fail_is_passed_by_and_all_others_are_booked(
    estate: Estate, monkeypatch
) -> None:
    till = await park_sales(estate, monkeypatch, 5)
    poison = sorted(int(body["order"]) for body in till.bodies if body["t"] == "sale_opened")[2]
    real = order_rules.open_order

    def open_order(record, now_ms):
        if record.order == poison:
            raise ZeroDivisionError
        return real(record, now_ms)

    monkeypatch.setattr(order_rules, "open_order", open_order)
    await ask(estate, (REPLAY, "replay"))
    await estate.poller.look()
    await estate.settle()

    assert await completed(estate) == 4
    assert await parked(estate) == 7  # the poison, and what belongs to its order
    assert await answers(estate) == {REPLAY: (True, 28)}


async def test_a_repair_that_was_under_way_when_the_cloud_died_is_finished_by_the_next(
    estate: Estate, monkeypatch
) -> None:
    await park_sales(estate, monkeypatch, 2)
    monkeypatch.setattr(repairs, "REPAIRED_AT_ONCE", 4)
    await ask(estate, (REPLAY, "replay"))
    estate.consumer.offer(Repair("replay", TENANT, REPLAY, at_once=4))
    await estate.consumer.step()
    half = await parked(estate)

    await estate.restart_cloud()
    await estate.poller.look()
    await estate.settle()

    assert half == 10
    assert await parked(estate) == 0
    assert await answers(estate) == {REPLAY: (True, 14)}


async def test_prices_are_checked_once_their_versions_came(estate: Estate) -> None:
    till = await estate.enrol()
    estate.shelf.is_empty = True
    for _ in range(3):
        till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    estate.shelf.is_empty = False

    estate.consumer.offer(Repair("recheck", TENANT, RECHECK, at_once=2))
    await ask(estate, (RECHECK, "recheck"))
    await estate.settle()

    assert await answers(estate) == {RECHECK: (True, 3)}
    assert await estate.rows("SELECT DISTINCT price_check FROM sale_order") == [("right",)]
    assert (await balances(estate.database, TENANT)).get(("suspense", "GBP"), 0) == 0


async def test_what_is_left_is_told_by_reason(estate: Estate, monkeypatch) -> None:
    till = await park_sales(estate, monkeypatch)
    estate.shelf.is_empty = True
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())

    left = await repair_store.left(estate.database, TENANT)

    assert left == ({"rules-failed": 7}, 1)
    assert await repair_store.left(estate.database, "other") == ({}, 0)


async def test_requests_that_ended_a_month_ago_are_forgotten(estate: Estate) -> None:
    await estate.enrol()
    await ask(estate, (REPLAY, "replay"))
    await estate.poller.look()
    await estate.settle()

    await ask(estate, (RECHECK, "recheck"), at_ms=NOON_MS + repair_store.KEEP_MS + 1)

    assert await answers(estate) == {RECHECK: (False, 0)}


async def test_a_running_cloud_says_a_raised_epoch_from_the_next_look_on(estate: Estate) -> None:
    till = await estate.enrol()
    async with estate.database.transaction() as tx:
        raised = await intake_store.raise_epoch(tx)

    await estate.poller.look()
    await estate.hear(till, "evt", till.hello(0, till.chain_at(0)))

    assert raised == 2
    assert estate.told(till, "receipt")[-1]["epoch"] == 2


def test_a_step_that_looked_at_less_than_it_might_is_the_last():
    full = repairs.Step(Repair("recheck", TENANT, at_once=2), [(1,), (2,)])
    rest = repairs.Step(Repair("recheck", TENANT, at_once=2), [(1,)])

    assert full.next == Repair("recheck", TENANT, at_once=4, after=(2,))
    assert rest.next is None
