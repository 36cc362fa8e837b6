"""Parts are found by what runs below our own process; a keeper brings back what ended, unless somebody holds it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from protocol.errors import ConfigError
from simulators.demo.processes import Process
from simulators.torture.keeper import STARTS_MAX, Keeper
from simulators.torture.parts import find_part, is_alive, send

PATIENCE_S = 20.0  # some starts of an interpreter on a loaded machine
# Says that it is ready, as a box or a cloud does, and lives on.
LIVES = "import sys, time; print('{\"ready\": true}', flush=True); time.sleep(600)"
# The same with a child whose command line names it as a card zone.
HAS_CHILD = (
    "import subprocess, sys, time;"
    " subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', 'cloud.cardzone.main']);"
    " print('{\"ready\": true}', flush=True); time.sleep(600)"
)


async def until(is_so) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - another process; there is no event
            await asyncio.sleep(0.02)


@pytest.fixture
async def started(tmp_path):
    processes = []

    async def start(text: str) -> Process:
        process = Process("one", ["-c", text], tmp_path / "log", (sys.executable,))
        processes.append(process)
        await process.start()
        return process

    yield start
    for process in processes:
        process.kill()
        await process.wait()


async def test_a_child_is_found_by_its_command_below_its_own_parent_only(started):
    parent, stranger = await started(HAS_CHILD), await started(LIVES)

    await until(lambda: find_part("cardzone", parent.pid))

    assert find_part("cardzone", stranger.pid) == 0
    assert find_part("broker", parent.pid) == 0
    assert find_part("cloud", parent.pid) == parent.pid
    assert find_part("cardzone", 0) == 0


async def test_a_stopped_process_is_alive_and_a_killed_one_is_not(started):
    process = await started(LIVES)
    pid = process.pid

    assert send(pid, signal.SIGSTOP)
    assert is_alive(pid)
    assert send(pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid))
    await process.wait()

    assert not send(pid, signal.SIGCONT)
    assert not send(0, signal.SIGCONT)


def test_the_list_of_processes_is_the_same_where_there_is_no_proc(monkeypatch, tmp_path):
    child = subprocess.Popen([sys.executable, "-c", LIVES, "edge.secure.main"], stdout=subprocess.DEVNULL)
    try:
        with_proc = find_part("secure", os.getpid())
        monkeypatch.setattr("simulators.torture.parts._PROC", tmp_path)
        without = find_part("secure", os.getpid())
    finally:
        child.kill()
        child.wait()

    assert with_proc == without == child.pid


async def test_a_keeper_starts_again_what_was_killed_and_tells_when_it_is_up(started):
    process = await started(LIVES)
    keeper, first = Keeper(process, process.start), process.pid
    running = asyncio.create_task(keeper.run())
    try:
        os.kill(first, signal.SIGKILL)
        await until(lambda: keeper.restarts == 1)
        await keeper.is_up()
        second = process.pid
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert second not in (0, first)


async def test_nobody_starts_a_process_that_is_held(started):
    process = await started(LIVES)
    keeper, first = Keeper(process, process.start), process.pid
    running = asyncio.create_task(keeper.run())
    try:
        async with keeper.held():
            within = (process.pid, is_alive(first))
        await keeper.is_up()
        after = process.pid
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert within == (0, False)
    assert after not in (0, first)
    assert keeper.restarts == 0


async def test_a_process_that_does_not_start_any_more_is_told_and_not_tried_for_ever(tmp_path):
    tries = []

    async def bring_up() -> None:
        tries.append(1)
        raise ConfigError("process-not-ready", "it said nothing", "")

    keeper = Keeper(Process("one", [], tmp_path / "log", ("none",)), bring_up)

    with pytest.raises(ConfigError):
        async with asyncio.timeout(PATIENCE_S):
            await keeper.run()

    assert keeper.is_broken
    assert len(tries) == STARTS_MAX
