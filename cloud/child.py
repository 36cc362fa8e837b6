"""One child process: started, started again when it ends, never left behind when this process dies.

On Linux the kernel sends the child SIGTERM when its parent is gone, even by kill -9. Elsewhere a guard stands
between: it sees its standard input close (`guard`). What the child says goes to a file that is cut when it grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from cloud.files import PRIVATE_MODE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FIRST_DELAY_S = 0.2  # a child that ended by accident is back within a breath
LONGEST_DELAY_S = 10.0  # one that cannot start must not fill the log
STEADY_S = 30.0  # a child that lived this long starts with the first delay again
STOP_TIMEOUT_S = 5.0  # brokers and the card zone end within one; then they are killed
MAX_LOG_BYTES = 4_194_304  # enough to see what happened, small beside any disk
LOG_LOOK_S = 30.0  # how far a log may overshoot is what a child can say in this time

LAST_WORDS_BYTES = 2048  # more than any line that our children write

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_log = logging.getLogger(__name__)


class Child:
    """Keeps one program running until `run` is cancelled."""

    def __init__(self, *, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.starts = 0
        self._command = list(command)
        self._log_path = log
        self._log_bytes = 0  # of earlier runs
        self._running: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._running
        return running.pid if running is not None and running.returncode is None else None

    async def run(self) -> None:
        """Run the program; when it ends by itself, start it again after a delay that grows."""
        loop = asyncio.get_running_loop()
        delay_s = FIRST_DELAY_S
        while True:
            started = loop.time()
            try:
                await self._live()
            except OSError as error:
                _log.error("%s cannot be started: %s", self.name, error.strerror)
            delay_s = (
                FIRST_DELAY_S if loop.time() - started >= STEADY_S else min(delay_s * 2, LONGEST_DELAY_S)
            )
            await asyncio.sleep(delay_s)

    def reload(self) -> None:
        """Ask the program to read its files again (SIGHUP); nothing happens while it is down."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    async def _live(self) -> None:
        command, stdin = _guarded(self._command)
        handle = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_MODE)
        self._log_bytes = os.fstat(handle).st_size
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                stdin=stdin,
                stdout=handle,
                stderr=handle,
                preexec_fn=_DIE_WITH_PARENT,
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, which ends its children in order
            )
        finally:
            os.close(handle)
        self._running = running
        self.starts += 1
        try:
            await self._wait(running)
            _log.warning("%s ended with code %s; %s", self.name, running.returncode, self._last_words())
        finally:
            await _stop(running)

    def _last_words(self) -> str:
        """The last line that this run wrote to its log, and where the others are."""
        with self._log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            before = self._log_bytes if self._log_bytes <= size else 0  # less: it was cut
            log.seek(max(before, size - LAST_WORDS_BYTES))
            said = log.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"it said last: {said or 'nothing'}; see {self._log_path}"

    async def _wait(self, running: asyncio.subprocess.Process) -> None:
        while True:
            try:
                async with asyncio.timeout(LOG_LOOK_S):
                    await running.wait()
                    return
            except TimeoutError:
                if self._log_path.stat().st_size > MAX_LOG_BYTES:
                    os.truncate(self._log_path, 0)  # it is written in append mode, so this is safe


async def _stop(running: asyncio.subprocess.Process) -> None:
    if running.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        running.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await running.wait()
    except TimeoutError:
        running.kill()
        await running.wait()


def _guarded(command: list[str]) -> tuple[list[str], int]:
    """Give the command as it is started, and what its standard input is."""
    if sys.platform.startswith("linux"):
        return command, asyncio.subprocess.DEVNULL
    return [sys.executable, "-m", "cloud.guard", *command], asyncio.subprocess.PIPE


def _die_with_parent() -> None:
    """Run in the child between fork and exec; the library was loaded before."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


_LIBC = ctypes.CDLL(None)
_DIE_WITH_PARENT = _die_with_parent if sys.platform.startswith("linux") else None
