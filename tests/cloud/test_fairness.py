"""People who wait go before a backlog, and a backlog still goes on: which lane a transaction is for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cloud import deliveries
from cloud.deliveries import REPLICA_BYTES_AT_ONCE, URGENT_TURNS_MAX
from protocol.frame import decode_frame

if TYPE_CHECKING:
    import pytest

    from tests.cloud.estate import Estate
    from tests.cloud.tills import Till

NEAR_S = 0.004  # a channel on the same machine
WAIT_S = 10.0  # for what comes at once, on any machine


def queue_backlog(estate: Estate, till: Till, batches: int = 1) -> None:
    for _ in range(batches):
        till.cash_sale()
        estate.wire.send(till.topic("up", "evt"), till.batch())


async def test_a_request_is_committed_and_asked_before_the_batch_that_came_before_it(estate: Estate) -> None:
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    estate.wire.send(till.topic("up", "evt"), till.batch())
    estate.wire.send(till.topic("up", "req"), till.request("pay", tender))

    await estate.consumer.step()
    await asyncio.sleep(0)

    assert estate.channel.asked == [("authorize", int(tender["attempt"]))]
    assert estate.told(till, "receipt") == []
    await estate.settle()
    assert [answer["outcome"] for answer in estate.told(till, "res")] == ["approved"]
    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)


async def test_requests_without_end_hold_up_the_replica_for_a_bounded_number_of_turns(estate: Estate) -> None:
    till = await estate.enrol()
    queue_backlog(estate, till)
    question = {"payment": "77", "attempt": "77"}

    turns = 0
    while not estate.told(till, "receipt"):
        estate.wire.send(till.topic("up", "req"), till.request("query", question))
        await estate.consumer.step()
        turns += 1
        assert turns <= 2 * URGENT_TURNS_MAX

    assert turns == URGENT_TURNS_MAX + 1


async def till_that_waits_before_a_backlog(estate: Estate) -> tuple[Till, asyncio.Event]:
    """A till whose payment is with a channel until the event is set, and that has a backlog to tell of."""
    till = await estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor)
    answering = estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tender))
    queue_backlog(estate, till)
    return till, answering


async def test_a_batch_waits_for_an_answer_that_is_near(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "CALL_PATIENCE_S", WAIT_S)  # a loaded machine is not near
    till, answering = await till_that_waits_before_a_backlog(estate)

    asyncio.get_running_loop().call_later(NEAR_S, answering.set)
    await estate.consumer.step()

    assert [answer["outcome"] for answer in estate.told(till, "res")] == ["approved"]
    assert estate.told(till, "receipt") == []


async def test_a_batch_goes_on_without_an_answer_that_is_far(estate: Estate) -> None:
    till, answering = await till_that_waits_before_a_backlog(estate)

    await estate.consumer.step()

    assert estate.told(till, "res") == []
    assert estate.told(till, "receipt")[-1]["through"] == len(till.frames)
    answering.set()
    await estate.settle()


async def test_a_turn_takes_one_full_batch_of_a_backlog(estate: Estate) -> None:
    till = await estate.enrol()
    ends = []
    for _ in range(2):
        first = len(till.frames)
        while sum(len(frame) for frame in till.frames[first:]) < REPLICA_BYTES_AT_ONCE * 0.9:
            till.cash_sale()
        ends.append(len(till.frames))
        estate.wire.send(till.topic("up", "evt"), till.batch())

    await estate.consumer.step()
    after_one_turn = estate.told(till, "receipt")[-1]["through"]
    await estate.consumer.step()

    assert after_one_turn == ends[0] == decode_frame(till.frames[ends[0] - 1])[0].seq
    assert estate.told(till, "receipt")[-1]["through"] == ends[1]


async def test_one_batch_is_one_transaction_of_at_most_64_messages(estate: Estate) -> None:
    till = await estate.enrol()
    for _ in range(20):
        till.cash_sale()
    messages = [till.batch(number, number) for number in range(1, 101)]

    await estate.hear(till, "evt", *messages)
    first = estate.told(till, "receipt")[-1]["through"]
    await estate.consumer.step()

    assert first == 64
    assert estate.told(till, "receipt")[-1]["through"] == 100
    assert len(estate.told(till, "receipt")) == 2
