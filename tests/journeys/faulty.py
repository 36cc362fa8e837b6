"""A launcher with a hook at the product's fault points, which kills: `python -m tests.journeys.faulty PLACE -m ...`.

A box looks for PLACE/BOX.json, the cloud and its card zone for PLACE/cloud.json. While that file is there it says, as
one JSON object, at which point and at which passing of it the process kills itself: {"point", "nth", "is_alone"}. It
is taken away right before, so it kills once. Without `is_alone` the whole process group dies, as in a power cut.
{"passed": PATH} kills nothing and notes every passing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

from protocol.faults import set_hook
from tests.journeys.launching import run_product

MODULE = "tests.journeys.faulty"


def watch(order: Path) -> None:
    """Set the hook."""
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


if __name__ == "__main__":
    place = Path(sys.argv[1])
    box = re.search(r"/boxes/([a-z0-9-]+)", " ".join(sys.argv))
    watch(place / f"{box[1] if box else 'cloud'}.json")
    run_product(MODULE, place)
