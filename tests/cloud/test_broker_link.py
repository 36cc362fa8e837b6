"""What the cloud's link does with what it hears, and at its bounds. The wire itself: `tests/peers/test_brokers.py`."""

from __future__ import annotations

import asyncio

import pytest

from cloud import broker_link
from cloud.broker_link import BrokerLink

EVT, REQ, STATE = (f"tb1/3e/acme/north/till-1/up/{lane}" for lane in ("evt", "req", "state"))


@pytest.fixture
def link():
    return BrokerLink(host="127.0.0.1", port=1, tls=None, client_id="cloud", server_name="localhost")


async def test_receive_gives_everything_that_is_queued_up_to_the_limit(link):
    for number in range(70):
        link._take(EVT, bytes([number]), is_retained=False)

    first, second = await link.receive(64), await link.receive(64)

    assert [message.payload[0] for message in first + second] == list(range(70))
    assert len(first) == 64


async def test_receive_waits_for_the_first_message_and_a_cancelled_wait_loses_none(link):
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    link._take(EVT, b"1", is_retained=False)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    link._take(EVT, b"2", is_retained=False)

    assert [message.payload for message in await link.receive()] == [b"1", b"2"]


async def test_a_person_who_waits_goes_past_a_backlog(link):
    for _ in range(200):
        link._take(EVT, b"old", is_retained=False)
    link._take(REQ, b"pay", is_retained=False)

    taken = await link.receive(64)

    assert taken[0].payload == b"pay"
    assert len(taken) == 64


async def test_a_flood_of_requests_does_not_stop_the_replica(link):
    for _ in range(200):
        link._take(REQ, b"pay", is_retained=False)
    for _ in range(200):
        link._take(EVT, b"frames", is_retained=False)

    taken = await link.receive(64)

    assert [message.payload for message in taken].count(b"frames") == 16


async def test_at_the_bound_of_the_replica_the_newest_is_dropped_and_counted(link, monkeypatch):
    monkeypatch.setattr(broker_link, "REPLICA_BYTES_MAX", 10)
    for payload in (b"12345", b"67890", b"x"):
        link._take(EVT, payload, is_retained=False)
    link._take(REQ, b"pay", is_retained=False)

    taken = await link.receive()

    assert [message.payload for message in taken] == [b"pay", b"12345", b"67890"]
    assert link.counts.dropped_replica == 1
    link._take(EVT, b"y", is_retained=False)
    assert (await link.receive())[0].payload == b"y"


async def test_at_the_bound_of_the_live_lanes_the_newest_is_dropped_and_counted(link, monkeypatch):
    monkeypatch.setattr(broker_link, "LIVE_MESSAGES_MAX", 2)
    for payload in (b"1", b"2", b"3"):
        link._take(REQ, payload, is_retained=False)

    taken = await link.receive()

    assert [message.payload for message in taken] == [b"1", b"2"]
    assert link.counts.dropped_live == 1


@pytest.mark.parametrize(
    ("topic", "size", "is_retained", "is_taken"),
    [
        (EVT, 262_144, False, True),
        (EVT, 262_145, False, False),
        (EVT, 1, True, False),
        (REQ, 1, True, False),
        (STATE, 1, True, True),
    ],
)
async def test_what_is_too_large_or_wrongly_retained_is_refused(link, topic, size, is_retained, is_taken):
    link._take(topic, bytes(size), is_retained=is_retained)

    assert link.counts.received == int(is_taken)
    assert link.counts.refused == int(not is_taken)


async def test_publishing_while_the_broker_is_away_loses_the_message_without_an_exception(link):
    await link.publish("tb1/3e/acme/north/till-1/down/res", b"answer")

    assert link.counts.dropped_outgoing == 1
    assert link.counts.published == 0


async def test_the_link_waits_longer_after_each_failure_up_to_a_bound():
    delays = []
    enough = asyncio.Event()

    async def sleep(delay_s):
        delays.append(delay_s)
        if len(delays) == 8:
            enough.set()
            await asyncio.Event().wait()

    link = BrokerLink(
        host="127.0.0.1", port=1, tls=None, client_id="cloud", server_name="localhost", sleep=sleep
    )

    running = asyncio.create_task(link.run())
    await asyncio.wait_for(enough.wait(), 10)
    running.cancel()

    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert "ConnectionRefusedError" in link.trouble
