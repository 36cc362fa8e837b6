"""Lets the syncs of a running process fail from outside, with libfiu between it and the C library.

For processes whose database syncs below Python: the cloud and its card zone. `launcher` puts libfiu before a program
and all its children; `let_fail` then tells one process. libfiu is a package of the system (Debian: fiu-utils). Only on
demand: now and then a child that a program under libfiu forks stands still before it becomes another program.
https://blitiri.com.ar/p/libfiu/doc/man-fiu-ctrl.html
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOT_INSTALLED = "libfiu is not installed (Debian: fiu-utils)"
NOT_WANTED = "only with --libfiu"
SYNCS = "posix/io/sync/*"
CONTROL_S = 5.0  # a thread in the process reads its pipe at once; a dead process never answers


def is_installed() -> bool:
    """Whether libfiu's programs are here."""
    return shutil.which("fiu-run") is not None and shutil.which("fiu-ctrl") is not None


def launcher(pipes: Path, program: tuple[str, ...]) -> tuple[str, ...]:
    """What starts `program` so that its syncs can be made to fail; `pipes` is how the names of its pipes begin."""
    return ("fiu-run", "-x", "-f", str(pipes), *program)


async def let_fail(pipes: Path, pid: int, *, is_failing: bool) -> bool:
    """Let the syncs of one process fail, or work again; False when nobody answered."""
    if not pipes.with_name(f"{pipes.name}-{pid}.in").exists():
        return False
    command = f"{'enable' if is_failing else 'disable'} name={SYNCS}"
    control = await asyncio.create_subprocess_exec(
        "fiu-ctrl",
        *("-f", str(pipes), "-c", command, str(pid)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(CONTROL_S):
            return not await control.wait()
    except TimeoutError:
        control.kill()
        await control.wait()
        return False
