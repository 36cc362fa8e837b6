"""Runs a module of the product in this process, and lets the children that it starts come the same way.

A launcher is `python -m tests.journeys.X PLACE -m MODULE ARGUMENTS...`; its children are started by `sys.executable`
(the secure module of a box, the card zone of a cloud), which is a script that names the launcher again.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def launcher(module: str, place: Path) -> tuple[str, ...]:
    """What starts a `tillbox` through the launcher `module`; `place` is where it looks for what to do."""
    return (sys.executable, "-m", module, str(place), "-m", "simulators.commandline")


def run_product(module: str, place: Path) -> None:
    """Be the module of the product that the arguments name. The launcher has done its own work before."""
    product, *arguments = sys.argv[3:]
    script = place / f"python-{os.getpid()}"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m {module} "{place}" "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o700)
    sys.executable = str(script)
    sys.argv = [product, *arguments]
    runpy.run_module(product, run_name="__main__", alter_sys=True)
