"""The loop of the simulated world: time that jumps, an order that the seed decides, processes that die."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from protocol.errors import CallerError
from simulators.world.loop import WorldLoop
from simulators.world.process import PowerCut, Process


def run(seed: int, work) -> WorldLoop:
    loop = WorldLoop(Random(seed))
    try:
        loop.run_until_complete(work(loop))
    finally:
        loop.close()
    return loop


async def order_of_ten() -> list[int]:
    told: list[int] = []

    async def tell(number: int) -> None:
        told.append(number)

    await asyncio.gather(*(tell(number) for number in range(10)))
    return told


def orders(seed: int) -> list[int]:
    loop = WorldLoop(Random(seed))
    try:
        return loop.run_until_complete(order_of_ten())
    finally:
        loop.close()


def test_a_day_passes_at_once():
    loop = run(1, lambda _: asyncio.sleep(86_400))

    assert loop.time() == pytest.approx(86_400)


def test_the_seed_decides_which_ready_task_goes_first():
    assert orders(1) == orders(1)
    assert len({tuple(orders(seed)) for seed in range(5)}) > 1


def test_callbacks_keep_the_order_that_asyncio_promises():
    told: list[int] = []

    async def work(loop: WorldLoop) -> None:
        for number in range(10):
            loop.call_soon(told.append, number)
        await asyncio.sleep(1)

    run(3, work)

    assert told == list(range(10))


def test_a_world_in_which_nothing_can_happen_any_more_says_so():
    with pytest.raises(CallerError, match="world-stands-still"):
        run(1, lambda loop: loop.create_future())


def test_work_for_a_thread_runs_on_the_loop_a_moment_later():
    async def work(loop: WorldLoop) -> None:
        assert await loop.run_in_executor(None, lambda: 7) == 7

    assert 0 < run(1, work).time() < 0.01


def test_bytes_arrive_in_order_and_a_crash_is_heard_as_a_reset():
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.append(data)
        writer.close()

    async def call() -> None:
        _, writer = await asyncio.open_connection("anywhere", 7)
        for number in range(20):
            writer.write(bytes([number]))
        await asyncio.sleep(1)
        writer.write(b"more")
        await asyncio.sleep(1)
        raise AssertionError("the process lives on after its crash")

    async def work(loop: WorldLoop) -> None:
        await asyncio.start_server(serve, "anywhere", 7)
        caller = Process("box", "caller")
        caller.start(loop, call)
        await asyncio.sleep(0.5)
        caller.crash()
        await asyncio.sleep(5)

    run(5, work)

    assert b"".join(heard) == bytes(range(20))


def test_a_process_that_stands_still_goes_on_with_what_became_due():
    told: list[float] = []

    async def tick(loop: WorldLoop) -> None:
        for _ in range(3):
            await asyncio.sleep(1)
            told.append(loop.time())

    async def work(loop: WorldLoop) -> None:
        ticking = Process("box", "ticking")
        ticking.start(loop, lambda: tick(loop))
        await asyncio.sleep(1.5)
        loop.pause(ticking)
        await asyncio.sleep(10)
        loop.resume(ticking)
        await asyncio.sleep(5)

    run(1, work)

    assert told == pytest.approx([1, 11.5, 12.5])


def test_what_a_dead_process_raises_is_no_finding():
    async def fail() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            raise PowerCut

    async def work(loop: WorldLoop) -> None:
        process = Process("box", "dying")
        process.start(loop, fail)
        await asyncio.sleep(1)
        process.crash()
        await asyncio.sleep(1)

    assert run(1, work).failures == []
