"""What leaves a box first: requests of people, then everything else in its order."""

from __future__ import annotations

import asyncio

from edge.uplink.outgoing import MAX_OUTGOING, Leaving, Outgoing


def batch(number):
    return Leaving("tb1/3e/acme/north/till-1/up/evt", b"%d" % number, retain=False)


PAY = Leaving("tb1/3e/acme/north/till-1/up/req", b"pay", retain=False)


async def taken(outgoing, count):
    return [await asyncio.wait_for(outgoing.take(), 1) for _ in range(count)]


async def test_a_request_leaves_before_the_batches_that_wait_and_they_keep_their_order():
    outgoing = Outgoing()
    for number in range(3):
        outgoing.put(batch(number))
    outgoing.put(PAY)

    assert await taken(outgoing, 4) == [PAY, batch(0), batch(1), batch(2)]


async def test_at_the_bound_the_oldest_is_dropped_and_a_request_last():
    outgoing = Outgoing()
    outgoing.put(PAY)

    for number in range(MAX_OUTGOING + 1):
        outgoing.put(batch(number))

    found = await taken(outgoing, MAX_OUTGOING)
    assert found[0] == PAY
    assert found[1] == batch(2)
    assert found[-1] == batch(MAX_OUTGOING)


async def test_taking_waits_for_the_next_message_and_nothing_is_left_after_clearing():
    outgoing = Outgoing()
    outgoing.put(batch(1))
    outgoing.clear()
    waiting = asyncio.create_task(outgoing.take())
    await asyncio.sleep(0)

    outgoing.put(batch(2))

    assert await asyncio.wait_for(waiting, 1) == batch(2)
