"""The flows' timers on a loop whose clock is real; delays are short and waits bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edge.events import TimerFired
from edge.timers import Timers

WAIT_S = 5.0


class Heard:
    def __init__(self) -> None:
        self.events: list[Any] = []
        self._came = asyncio.Event()

    def post(self, event: Any) -> None:
        self.events.append(event)
        self._came.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.events) < count:
                self._came.clear()
                await self._came.wait()


@pytest.fixture
async def timers():
    timers = Timers()
    yield timers
    timers.stop_all()


async def test_a_timer_fires_once_under_its_name(timers):
    heard = Heard()

    timers.start("thanks", 1, heard.post)
    timers.start("later", 30, heard.post)
    await heard.until(2)

    assert heard.events == [TimerFired("thanks"), TimerFired("later")]


async def test_a_timer_that_is_started_again_fires_once_and_not_before_its_new_end(timers):
    heard, loop = Heard(), asyncio.get_running_loop()
    began = loop.time()

    timers.start("inactivity", 5, heard.post)
    for _ in range(100):
        timers.start("inactivity", 60, heard.post)
    await heard.until(1)

    assert loop.time() - began >= 0.06
    timers.start("end", 20, heard.post)
    await heard.until(2)
    assert heard.events == [TimerFired("inactivity"), TimerFired("end")]


async def test_a_timer_can_be_started_again_to_end_earlier(timers):
    heard = Heard()

    timers.start("inactivity", 60_000, heard.post)
    timers.start("inactivity", 1, heard.post)
    await heard.until(1)

    assert heard.events == [TimerFired("inactivity")]


async def test_a_stopped_timer_never_fires_and_can_be_started_anew(timers):
    heard = Heard()

    timers.start("deadline", 5, heard.post)
    timers.stop("deadline")
    timers.stop("never-started")
    timers.start("end", 30, heard.post)
    await heard.until(1)
    assert heard.events == [TimerFired("end")]

    timers.start("deadline", 5, heard.post)
    timers.stop("deadline")
    timers.start("deadline", 1, heard.post)
    await heard.until(2)
    assert heard.events[1:] == [TimerFired("deadline")]


async def test_no_timer_is_left_in_the_loop_after_the_end(timers):
    heard = Heard()
    timers.start("a", 1, heard.post)
    timers.start("b", 1, heard.post)

    timers.stop_all()
    await asyncio.sleep(0.02)

    assert heard.events == []
