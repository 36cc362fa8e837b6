"""Worlds in processes of their own: the same outcome as here, and none outlives the command that wanted it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulators.world.many import run_many, run_timed
from simulators.world.run import MEMORY_DIRECTORY
from simulators.world.world import Wishes

GONE_S = 20.0
STARTED_S = 30.0


def children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in told.split()]


def until(is_so, wait_s: float) -> None:
    end_s = time.monotonic() + wait_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_world_elsewhere_is_the_same_world():
    small = Wishes(boxes=1, hours=0.02)
    here, _ = run_timed(5, small)

    (elsewhere, _), (other, _) = sorted(run_many([5, 6], small, jobs=2), key=lambda told: told[0].seed)

    assert elsewhere == here
    assert other.trace != here.trace


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("wanted", [("--seeds", "9", "--hours", "20"), ("--planted", "--jobs", "2")])
def test_a_killed_command_leaves_no_world_behind(wanted):
    command = (sys.executable, "-m", "simulators.commandline", "world", *wanted)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until(lambda: len(children_of(running.pid)) > 1, STARTED_S)
    children = children_of(running.pid)

    running.send_signal(signal.SIGKILL)
    running.wait()

    until(lambda: not any(alive(child) for child in children), GONE_S)
    for child in children:
        assert not list(MEMORY_DIRECTORY.glob(f"tillbox-world-{child}-*"))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
