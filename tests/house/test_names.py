"""The trade's words, and none of the words that say nothing (house rule 5)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.house.source import ROOMS, Source, faults_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words that no file, class, function, argument or variable is named with.
BANNED = {"manager", "managers", "helper", "helpers", "util", "utils", "misc", "info", "txn"}
# A time needs its unit at the end of its name: timeout_ms.
UNIT_IS_MISSING = {"timeout", "delay", "interval", "duration"}


def plain_names(source: Source) -> list[str]:
    faults = []
    for line, name in _defined_names(source):
        words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)]
        if BANNED.intersection(words):
            faults.append(f"{source.path}:{line}: {name}: a word that says nothing")
        if name == "handle_data" or (words[:1] == ["process"] and len(words) > 1):
            faults.append(f"{source.path}:{line}: {name}: say what is done")
        if words and words[-1] in UNIT_IS_MISSING:
            faults.append(f"{source.path}:{line}: {name}: put the unit last, as in timeout_ms")
    return faults


def test_every_name_uses_the_words_of_the_trade():
    found = faults_of(plain_names, *ROOMS)

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    "text",
    [
        "class BoxManager: pass",
        "def print_helper(): pass",
        "def f(user_info): pass",
        "txn_id = 1",
        "def process_order(): pass",
        "def handle_data(): pass",
        "def f(timeout=3): pass",
        "retry_delay = 4",
        "class Line:\n    duration: int",
    ],
)
def test_a_name_that_says_nothing_is_found(text):
    assert plain_names(Source("edge/agent.py", text)) != []


def test_a_file_name_that_says_nothing_is_found():
    assert plain_names(Source("edge/utils.py", "")) != []


def test_an_operating_system_process_may_be_named():
    assert plain_names(Source("edge/agent.py", "process = start_process()")) == []


def _defined_names(source: Source) -> Iterator[tuple[int, str]]:
    """Every name that this file gives, with its line; names of other people's code are not ours to choose."""
    for part in source.path.removesuffix(".py").split("/"):
        yield 1, part
    for node in source.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
