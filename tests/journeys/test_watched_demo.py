"""The demonstration that a person watches, as a process: it notices what ends, and keeps other people's directories."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0  # acquirer, cloud, one box, on a machine that runs other tests
END_S = 60.0  # a clean stop of what still lives
STANDS = "reader.present"  # the last of the hints for a person


class Watched:
    """A demonstration at work, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path) -> None:
        self._process = process
        self.data = data
        self.said = ""

    async def stands(self) -> None:
        """Return once everything is up."""
        assert self._process.stderr is not None
        async with asyncio.timeout(START_S):
            while STANDS not in self.said:
                line = await self._process.stderr.readline()
                assert line, self.said
                self.said += line.decode()

    async def ends(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process.stderr is not None
        async with asyncio.timeout(END_S):
            self.said += (await self._process.stderr.read()).decode()
            return await self._process.wait()

    def pid_of(self, what: str) -> int:
        """The process of the cloud or a box, found by the directory that it was told."""
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().split(b"\0")
            except OSError:
                continue
            if str(self.data).encode() in b" ".join(words) and what.encode() in words:
                return int(place.parent.name)
        raise AssertionError(f"there is no {what}")


@pytest.fixture
def data() -> Iterator[Path]:
    """A directory whose sockets have names of less than a hundred bytes."""
    with TemporaryDirectory(prefix="demo-") as made:
        yield Path(made) / "data"


@asynccontextmanager
async def watched(data: Path) -> AsyncIterator[Watched]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.commandline", "demo", "--no-shopper", "--data", str(data)),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Watched(process, data)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), END_S)


@pytest.mark.parametrize("name", ["box", "cloud"])
async def test_a_box_or_a_cloud_that_is_killed_ends_the_demonstration_which_says_so(data, name):
    async with watched(data) as demo:
        await demo.stands()

        os.kill(demo.pid_of(name), signal.SIGKILL)
        code = await demo.ends()

    who = {"box": "box-1", "cloud": "cloud"}[name]
    assert code == 1
    assert re.search(
        rf"^tillbox: process-ended: {who} was ended by SIGKILL\. See .*{who}\.log", demo.said, re.MULTILINE
    )
    assert "Traceback" not in demo.said


async def test_a_directory_that_holds_a_demonstration_is_left_alone(data):
    (data / "boxes").mkdir(parents=True)
    before = sorted(data.rglob("*"))

    async with watched(data) as demo:
        code = await demo.ends()

    assert code == 1
    assert f"tillbox: demo-directory-taken: {data} holds a demonstration already." in demo.said
    assert sorted(data.rglob("*")) == before
