"""The card zone as a process that kills itself at a fault point: `python -m ... POINT --config FILE`."""

from __future__ import annotations

import os
import signal
import sys

from cloud.cardzone.main import main
from protocol.faults import set_hook


def _die_at(point: str) -> None:
    def hook(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    set_hook(hook)


if __name__ == "__main__":
    _die_at(sys.argv.pop(1))
    sys.exit(main())
