"""The processes of the boxes as one: started, told to go, heard, summed up, and never left behind."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from protocol.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.replay.files import ReplayFiles

LINE_BYTES_MAX = 65_536  # one line of a process of boxes
END_S = 20.0  # a box that has said "ended" closes its journal and is gone
SUMMED = ("sales", "lines", "total_minor", "cards", "records")


@dataclass(slots=True)
class Children:
    """`count` processes that share boxes and sales; use as `async with`."""

    files: ReplayFiles
    count: int
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    _latest: list[dict[str, Any]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Start them all."""
        with self.files.log("boxes").open("ab") as log:
            for number in range(self.count):
                module = ("-m", "simulators.replay.tills", str(self.files.directory))
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *module,
                    f"{number}/{self.count}",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    limit=LINE_BYTES_MAX,
                )
                self.processes.append(process)
                self._latest.append({})
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [process.pid for process in self.processes]

    def go(self) -> None:
        """Let them sell; the second time, let them end."""
        for process in self.processes:
            assert process.stdin is not None, "its input was asked for"
            process.stdin.write(b"go\n")

    async def until(self, kind: str, heard: Callable[[int, int], None]) -> dict[str, Any]:
        """Listen until every process said `kind`; sums and latest times of what they said.

        `heard(sales, lines)` hears of progress. OutcomeUnknown "replay-boxes-ended" or "replay-failed".
        """
        async with asyncio.TaskGroup() as listening:
            for number in range(self.count):
                listening.create_task(self._listen(number, kind, heard))
        last = {name: max(said[name] for said in self._latest) for name in ("sell_s", "confirm_s")}
        return {**self._sums(), **last}

    async def end(self) -> None:
        """Wait until all of them are gone by themselves."""
        self.go()
        async with asyncio.timeout(END_S):
            for process in self.processes:
                await process.wait()

    async def _listen(self, number: int, kind: str, heard: Callable[[int, int], None]) -> None:
        output = self.processes[number].stdout
        assert output is not None, "its output was asked for"
        while line := await output.readline():
            said: dict[str, Any] = json.loads(line)
            if said["kind"] == "failed":
                raise OutcomeUnknown(
                    "replay-failed", said["error"], "Look at the logs in the data directory."
                )
            self._latest[number] = said
            sums = self._sums()
            heard(sums["sales"], sums["lines"])
            if said["kind"] == kind:
                return
        raise OutcomeUnknown(
            "replay-boxes-ended", "A process of boxes ended before its sales did", "Look at boxes.log."
        )

    def _sums(self) -> dict[str, int]:
        return {name: sum(said.get(name, 0) for said in self._latest) for name in SUMMED}
