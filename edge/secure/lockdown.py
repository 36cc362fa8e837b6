"""Makes it harder to read this process's memory from outside: no core dump, no ptrace, no swap.

Best effort, and no more: Python copies freely, and root may do anything. What could not be had is told by
name.
"""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_MCL_CURRENT, _MCL_FUTURE = 1, 2  # sys/mman.h


def lock_down() -> list[str]:
    """Apply what the system allows; give the names of the protections that are missing."""
    missing = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return ["ptrace", "swap"]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        missing.append("ptrace")
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    # With a finite limit, locking the future would make a later allocation fail; then nothing is locked.
    if limit != resource.RLIM_INFINITY or libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) != 0:
        missing.append("swap")
    return missing
