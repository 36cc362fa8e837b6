"""CPU time of running processes, by id: from /proc on Linux, from `ps` elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PROC = Path("/proc")


def cpu_ms(pids: list[int]) -> int:
    """User and system time of these processes together; one that is gone counts 0."""
    return sum(map(_cpu_ms, pids))


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    if PROC.is_dir():
        stats = (_stat(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())
        return [int(fields[0]) for fields in stats if fields and int(fields[2]) == pid]
    rows = (row.split() for row in _ps("pid=,ppid="))
    return [int(child) for child, parent in rows if int(parent) == pid]


def _cpu_ms(pid: int) -> int:
    if PROC.is_dir():
        fields = _stat(pid)
        # Fields 14 and 15 of proc(5), counted without the name: user and system time in clock ticks.
        ticks = int(fields[12]) + int(fields[13]) if fields else 0
        return ticks * 1000 // os.sysconf("SC_CLK_TCK")
    return sum(_clock_ms(row) for row in _ps("time=", "-p", str(pid)))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat without the name, which may hold anything; [] when the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return [str(pid), *text.rpartition(")")[2].split()]


def _ps(columns: str, *arguments: str) -> list[str]:
    command = ["/bin/ps", "-A", "-o", columns] if not arguments else ["/bin/ps", "-o", columns, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - columns and ids
    return done.stdout.splitlines()


def _clock_ms(text: str) -> int:
    """`[[HH:]MM:]SS[.cc]` in milliseconds.

    >>> _clock_ms("1:02.50")
    62500
    """
    seconds, _, hundredths = text.strip().partition(".")
    total = 0
    for part in seconds.split(":"):
        total = total * 60 + int(part)
    return total * 1000 + int(f"{hundredths:0<3}"[:3] or 0)
