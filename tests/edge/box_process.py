"""A box as a process of its own, started as an operator starts it: `tillbox box --directory DIR`."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WAIT_S = 30.0  # a cold start on a machine that runs other tests
COMMAND = (sys.executable, "-m", "simulators.commandline")


async def tillbox(*arguments: object) -> tuple[int, str, str]:
    """Run one command to its end; exit code, standard output and standard error."""
    running = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(running.communicate(), WAIT_S)
    return running.returncode or 0, out.decode(), err.decode()


class BoxProcess:
    """A box that said that it is ready. `view` is what its page shows; `log` what it has written on standard error."""

    def __init__(self, ready: dict[str, Any], process: asyncio.subprocess.Process, log: Path) -> None:
        self.ready = ready
        self._process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def logs(self, word: str) -> str:
        """Its log once a word is in it."""
        async with asyncio.timeout(WAIT_S):
            while word not in self.log:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
        return self.log

    async def until(self, seen: Any) -> dict[str, Any]:
        """The first view for which `seen` is true."""
        port = int(self.ready["screen"].rsplit(":", 1)[1].strip("/"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            writer.write(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            async with asyncio.timeout(WAIT_S):
                while line := await reader.readline():
                    if line.startswith(b'data: {"') and seen(view := json.loads(line[6:])):
                        return dict(view)
        finally:
            writer.transport.abort()
        raise AssertionError("the box closed the page")

    async def stop(self) -> int:
        """End it as its service manager does; its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), WAIT_S)


@asynccontextmanager
async def running_box(directory: Path, *arguments: object) -> AsyncIterator[BoxProcess]:
    """A box that is ready, on any free port for its screen; it has ended afterwards."""
    log = directory.parent / "box.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("box", "--directory", str(directory), "--screen-port", "0"),
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
        assert line, log.read_text()
        yield BoxProcess(json.loads(line), process, log)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_S)
