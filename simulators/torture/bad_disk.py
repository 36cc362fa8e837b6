"""Starts a box whose syncs fail on demand: `python -m simulators.torture.bad_disk FLAG -m MODULE ARGUMENTS...`.

While the file FLAG is there, each `fsync` and `fdatasync` of this process raises EIO, as Python raises what the kernel
says. Nothing was written differently; a journal must treat what it had not synced as lost all the same. The product
itself has no such switch: this stands before it.
"""

from __future__ import annotations

import errno
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "simulators.torture.bad_disk"


def launcher(flag: Path) -> tuple[str, ...]:
    """What starts a `tillbox` whose syncs fail while `flag` exists."""
    return (sys.executable, "-m", MODULE, str(flag), "-m", "simulators.commandline")


def _failing(sync: Callable[[int], None], flag: Path) -> Callable[[int], None]:
    def synced(handle: int) -> None:
        if flag.exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(handle)

    return synced


def _run() -> None:
    _, flag, dash, module, *arguments = sys.argv
    assert dash == "-m", "the module is named as Python names it"
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):  # macOS has no fdatasync
            setattr(os, name, _failing(getattr(os, name), Path(flag)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
