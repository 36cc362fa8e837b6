"""Runs a module of the product with a hook at its fault points: `python faulty.py ORDERS -m MODULE ARGUMENTS...`.

ORDERS is a directory. A box looks there for BOX.json, the cloud and its card zone for cloud.json. While that file is
there it says, as one JSON object, at which point and at which passing of it the process kills itself: {"point",
"nth", "is_alone"}. It is taken away right before, so it kills once. Without `is_alone` the whole process group dies,
as in a power cut. {"passed": PATH} kills nothing and notes every passing.

Children that the product starts with its own Python (the secure module, the card zone) come through here too.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def watch(order: Path) -> None:
    """Set the hook."""
    from protocol.faults import set_hook

    passed: Counter[str] = Counter()
    text = b""

    def hook(name: str) -> None:
        nonlocal text
        before = text
        try:
            text = order.read_bytes()
        except FileNotFoundError:
            text = b""
        if text != before:
            passed.clear()
        if not text:
            return
        told = json.loads(text)
        passed[name] += 1
        if "passed" in told:
            with Path(told["passed"]).open("a") as notes:
                notes.write(name + "\n")
        elif (name, passed[name]) == (told["point"], told["nth"]):
            order.unlink()
            if told["is_alone"]:
                os.kill(os.getpid(), signal.SIGKILL)
            os.killpg(0, signal.SIGKILL)

    set_hook(hook)


def come_through_here(orders: Path) -> None:
    """Let `sys.executable`, which starts children, be a script that comes through here."""
    script = orders / f"python-{os.getpid()}"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{orders}" "$@"\n')
    script.chmod(0o700)
    sys.executable = str(script)


def main() -> None:
    """Install the hook, then be the module."""
    orders, _, module, *arguments = sys.argv[1:]
    sys.path[0] = str(ROOT)
    box = re.search(r"/boxes/([a-z0-9-]+)", " ".join(arguments))
    watch(Path(orders, f"{box[1] if box else 'cloud'}.json"))
    come_through_here(Path(orders))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
