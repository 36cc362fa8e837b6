"""Runs a command and ends it when standard input closes: `python -m cloud.guard COMMAND...`.

For systems whose kernel does not tell a child that its parent died: the pipe from the parent closes instead.
SIGTERM and SIGHUP are handed on.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main(command: list[str]) -> int:
    """Run the command; the exit code is its own, 128 + n after signal n."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the parent's own command

    def hand_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        child.terminate()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, hand_on)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
