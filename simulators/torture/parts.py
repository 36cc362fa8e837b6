"""The operating system's processes of an installation: found below the ones that we started, by what they run.

The broker and the card zone are children of the cloud, the secure module is one of the box. Only processes below our
own are ever signalled.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import signal

_PROC = Path("/proc")
_PS_S = 5.0  # a list of processes takes milliseconds
# What the command line of each child contains.
CHILD_WORDS = {
    "secure": ("edge.secure.main",),
    "cardzone": ("cloud.cardzone.main",),
    "broker": ("nats-server", "mosquitto"),
}
_GUARD = "cloud.guard"  # stands between parent and child where the kernel does not tell of a parent's end


class Entry(NamedTuple):
    """One living process."""

    pid: int
    parent: int
    command: str


def find_part(part: str, root: int) -> int:
    """The process id of a part: `root` itself for box and cloud, else the child below it; 0 when there is none."""
    if not root or part not in CHILD_WORDS:
        return root
    entries = _entries()
    family, size = {root}, 0
    while len(family) != size:
        size = len(family)
        family |= {entry.pid for entry in entries if entry.parent in family}
    for entry in entries:
        is_child = entry.pid in family and entry.pid != root and _GUARD not in entry.command
        if is_child and any(word in entry.command for word in CHILD_WORDS[part]):
            return entry.pid
    return 0


def send(pid: int, number: signal.Signals) -> bool:
    """Signal a process; False when it is gone."""
    if not pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def is_alive(pid: int) -> bool:
    """Whether a process runs, or is stopped; one that only waits to be buried does not."""
    return any(entry.pid == pid for entry in _entries())


def _entries() -> list[Entry]:
    if (_PROC / "self" / "stat").exists():
        return [entry for path in _PROC.glob("[0-9]*") if (entry := _read(path)) is not None]
    return _listed()


def _read(place: Path) -> Entry | None:
    """A process as Linux tells it; None when it is ending."""
    try:
        stat = (place / "stat").read_text()
        command = (place / "cmdline").read_bytes()
    except OSError:
        return None
    state, parent, *_ = stat.rpartition(")")[2].split()
    if state == "Z":
        return None
    return Entry(int(place.name), int(parent), command.replace(b"\0", b" ").decode(errors="replace"))


def _listed() -> list[Entry]:
    told = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="],  # noqa: S607 - where it lies differs by system
        check=False,
        capture_output=True,
        text=True,
        timeout=_PS_S,
    )
    found = []
    for line in told.stdout.splitlines():
        pid, parent, state, *command = line.split(None, 3)
        if not state.startswith("Z"):
            found.append(Entry(int(pid), int(parent), " ".join(command)))
    return found
