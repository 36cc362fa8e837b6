"""Every test can fail: it asserts something itself, or calls a function of its file that does."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import Source, dotted, faults_of

# Calls that judge: pytest's own, and the words our own judging functions begin with.
JUDGING_CALLS = {"raises", "warns", "fail"}
JUDGING_WORDS = ("assert_", "expect", "refuses", "check_")


def every_test_asserts(source: Source) -> list[str]:
    functions = [
        node
        for node in source.walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    judging: set[str] = set()
    before = -1
    while len(judging) != before:
        before = len(judging)
        judging |= {node.name for node in functions if _judges(node, judging)}
    return [
        source.fault(node, f"{node.name} asserts nothing")
        for node in functions
        if node.name.startswith("test_") and node.name not in judging
    ]


def test_every_test_can_fail():
    found = faults_of(every_test_asserts, "tests")

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("def test_a():\n    run()", 1),
        ("async def test_a():\n    await run()", 1),
        ("def test_a():\n    assert run()", 0),
        ("def test_a():\n    with pytest.raises(E):\n        run()", 0),
        ("def judge():\n    assert 1\ndef test_a():\n    judge()", 0),
        ("def judge():\n    run()\ndef test_a():\n    judge()", 1),
    ],
)
def test_a_test_that_cannot_fail_is_found(text, faults):
    assert len(every_test_asserts(Source("tests/test_a.py", text))) == faults


def _judges(function: ast.AST, judging: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, (ast.Assert, ast.Raise)):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func).rsplit(".", 1)[-1]
            if name in JUDGING_CALLS or name in judging or name.startswith(JUDGING_WORDS):
                return True
    return False
