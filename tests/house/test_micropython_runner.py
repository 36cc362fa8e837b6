"""The MicroPython runner cannot look green when something failed there, or never ran."""

from __future__ import annotations

import pytest

from tests.micropython.host import VERSIONS, heap_of, run_steps
from tests.micropython.run import count_tests, verdict

GREEN = "micropython: 3 run, 0 failed\n"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("script", "exit_code"),
    [("print(1)", 0), ("import sys\nsys.exit(3)", 3), ("raise ValueError(1)", 1), ("import typing", 1)],
)
def test_the_end_of_a_script_is_told_by_its_exit_code(version, script, exit_code):
    outcome = run_steps(version, [script], {})

    assert outcome.exit_code == exit_code


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_asked_for_is_the_one_that_runs(version):
    outcome = run_steps(version, ["import sys", "print(sys.version)"], {})

    assert f"MicroPython v{version}" in outcome.output


@pytest.mark.parametrize("version", VERSIONS)
def test_a_copied_file_can_be_imported_from_its_folder(version):
    files = {"a/__init__.py": b"", "a/b.py": "C = 'Zwölf'\n".encode()}

    outcome = run_steps(version, ["from a.b import C\nprint(C, len(C))"], files)

    assert outcome.output == "Zwölf 5\n"


def test_heap_of_a_module_is_a_number_of_bytes_above_nothing():
    nothing = heap_of(VERSIONS[0], [])
    errors = heap_of(VERSIONS[0], ["protocol.errors"])

    sources = heap_of(VERSIONS[0], ["protocol.errors"], is_compiled=False)

    assert 0 <= nothing < 100 < errors < sources


def test_garbage_does_not_count_as_heap_once_a_step_has_ended():
    steps = [
        "import gc\nbefore = gc.mem_alloc()",
        "bytearray(1000000)\ngc.collect()",
        "print(gc.mem_alloc() - before)",
    ]

    outcome = run_steps(VERSIONS[0], steps, {})

    assert int(outcome.output) < 1000


def test_no_step_follows_one_that_failed():
    outcome = run_steps(VERSIONS[0], ["print(1)", "raise ValueError(2)", "print(3)"], {})

    assert (outcome.exit_code, outcome.output) == (1, "1\n")


@pytest.mark.parametrize(
    ("expected", "exit_code", "output", "faults"),
    [
        (3, 0, GREEN, 0),
        (4, 0, GREEN, 1),
        (3, 1, GREEN, 1),
        (3, 1, "micropython: 3 run, 1 failed\n", 1),
        (0, 0, "micropython: 0 run, 0 failed\n", 1),
        (3, 0, "", 1),
    ],
)
def test_a_run_is_green_only_with_a_closing_line_that_counts_every_test(expected, exit_code, output, faults):
    assert len(verdict("1.27", expected, exit_code, output)) == faults


def test_tests_are_counted_from_the_source_by_name():
    assert count_tests("def test_a(): pass\ndef other(): pass\ndef test_b(): pass\n") == 2
