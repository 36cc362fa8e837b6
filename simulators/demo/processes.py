"""Child processes of a demonstration: started, waited for until they say they are ready, stopped, never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from protocol.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from pathlib import Path

READY_S = 30.0  # a cold cloud on a slow disk: schema, certificates, broker and card zone
STOP_S = 8.0  # a clean stop syncs, answers and closes; then it is killed

# How a `tillbox` command is started; tests put a launcher of their own before it.
TILLBOX = (sys.executable, "-m", "simulators.commandline")


class Process:
    """One `tillbox` process, with what it says in a log file beside the others."""

    def __init__(
        self, name: str, arguments: list[str], log: Path, launcher: tuple[str, ...] = TILLBOX
    ) -> None:
        self.name = name
        self._command = [*launcher, *arguments]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.ready: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Its process id, 0 while it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> dict[str, Any]:
        """Start it and wait for its ready line; ConfigError with the end of its log when it does not come."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None, "its output was asked for"
        try:
            async with asyncio.timeout(READY_S):
                line = await self._process.stdout.readline()
            self.ready = json.loads(line)
        except (TimeoutError, ValueError) as silent:
            await self.stop()
            raise ConfigError(
                "process-not-ready", f"{self.name} did not start: {self._last_words()}", f"See {self._log}."
            ) from silent
        return self.ready

    async def wait(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return 0 if self._process is None else await self._process.wait()

    def ended(self) -> DeviceError:
        """What to say of it when it has ended and nobody wanted that."""
        code = 0 if self._process is None else self._process.returncode or 0
        how = f"with exit code {code}: {self._last_words()}"
        if code < 0:  # it had no time for last words
            how = f"by {signal.Signals(-code).name}"
        return DeviceError("process-ended", f"{self.name} was ended {how}", f"See {self._log}.")

    async def stop(self) -> int:
        """Ask it to end, and end it and its children if it does not; its exit code."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                self.kill()
                await process.wait()
        return process.returncode or 0

    def kill(self) -> None:
        """End it and its children at once, as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        return lines[-1] if lines else "it said nothing"
