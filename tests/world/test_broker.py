"""The world's broker and the ways to it: what is under way arrives, whatever becomes of its sender."""

from __future__ import annotations

import asyncio
from random import Random

from simulators.world.broker import Broker
from simulators.world.loop import WorldLoop
from simulators.world.process import Process
from simulators.world.trace import Trace
from simulators.world.wire import Weather, Wire

LATE_S = 5.0


async def heard_from(loop: WorldLoop, ending) -> list[str]:
    """What a listener hears of a sender who says one thing and then meets `ending`."""
    broker = Broker(loop, Trace(loop.time))
    listener = await broker.connect("listener", None, Wire("listener", loop, Random(1), broker.counts))
    await listener.subscribe(["said", "will"])

    async def say() -> None:
        wire = Wire("sender", loop, Random(2), broker.counts)
        session = await broker.connect("sender", ("will", b""), wire)
        session.publish("said", b"")
        await asyncio.sleep(1000)

    sender = Process("box", "sender")
    sender.start(loop, say)
    await asyncio.sleep(0.009)  # connected, and the message is on its way
    assert listener.is_over is False
    ending(broker, sender)
    await asyncio.sleep(LATE_S)
    told = [topic for topic, _, _ in await listener.read()]
    loop.resume(sender)
    sender.crash()
    return told


def heard(ending) -> list[str]:
    loop = WorldLoop(Random(3))
    try:
        return loop.run_until_complete(heard_from(loop, ending))
    finally:
        loop.close()


def test_what_a_client_sent_before_it_died_arrives_before_its_last_will():
    assert heard(lambda _, sender: sender.crash()) == ["said", "will"]


def test_what_a_client_sent_before_it_stood_still_arrives():
    assert heard(lambda broker, sender: broker._loop.pause(sender)) == ["said"]


def test_what_a_client_sent_before_another_took_its_place_is_lost():
    assert heard(lambda broker, _: broker.take_over("sender")) == ["will"]


def test_nobody_is_taken_over_where_nobody_is():
    loop = WorldLoop(Random(3))

    assert Broker(loop, Trace(loop.time)).take_over("nobody") is False
    loop.close()


def test_weather_decides_by_its_own_generator_and_leaves_the_one_of_the_way_alone():
    loop = WorldLoop(Random(3))
    plain, bad = Random(7), Random(7)
    fine = Wire("a", loop, plain, Broker(loop, Trace(loop.time)).counts)
    foul = Wire("b", loop, bad, Broker(loop, Trace(loop.time)).counts)
    foul.weather = Weather(Random(1), loss=0.5, doubled=0.5, reordered=0.5)

    for wire in (fine, foul):
        for _ in range(20):
            wire.carry("up", lambda: None)

    assert plain.random() == bad.random()
    loop.close()
