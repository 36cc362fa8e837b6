"""Every fault point passed is declared, every declared one is passed; every limit has its reason."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

import pytest

from tests.house.source import PRODUCT, Source, dotted, faults_of, sources

LIMIT_NAME = re.compile(r"(^|_)(MAX|MIN|LIMIT|TIMEOUT|BOUND)(_|$)")


@dataclass
class FaultPoints:
    """What the product declares and passes, by the point's name or by its constant, which belongs to a file."""

    constants: dict[tuple[str, str], str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    passed: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, source: Source) -> None:
        """Take in one file."""
        if "protocol.faults" not in source.text and "import faults" not in source.text:
            return
        for node in source.nodes:
            if isinstance(node, ast.Assign) and _is_call(node.value, "declare"):
                for target in node.targets:
                    self.constants[source.path, dotted(target)] = _first(node.value)
            if _is_call(node, "declare"):
                self.declared[_first(node)] = source.fault(node, "declared")
            if _is_call(node, "fault"):
                self.passed.append((source.path, _first(node), source.fault(node, "passed")))

    def faults(self) -> list[str]:
        """Return the points that are passed and not declared, and the other way round."""
        elsewhere = {name: point for (_, name), point in self.constants.items()}
        names = [
            (self.constants.get((path, name), elsewhere.get(name, name)), where)
            for path, name, where in self.passed
        ]
        undeclared = [
            f"{where}, {name!r} is not declared" for name, where in names if name not in self.declared
        ]
        passed = {name for name, _ in names}
        unused = [
            f"{where}, {name!r} is never passed"
            for name, where in self.declared.items()
            if name not in passed
        ]
        return undeclared + unused


def every_limit_has_a_reason(source: Source) -> list[str]:
    faults = []
    for node in source.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        is_number = isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_number(node.value)
        for target in targets:
            if not is_number or not isinstance(target, ast.Name) or not LIMIT_NAME.search(target.id):
                continue
            if not _is_commented(source.lines, node):
                faults.append(source.fault(node, f"{target.id}: why this number? Say it in a comment"))
    return faults


def test_every_fault_point_is_declared_and_passed():
    points = FaultPoints()
    for source in sources(*PRODUCT):
        points.read(source)

    found = points.faults()

    assert not found, "\n" + "\n".join(found)


def test_every_limit_stands_beside_its_reason():
    found = faults_of(every_limit_has_a_reason, *PRODUCT)

    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("fault('a.b')", 1),
        ("A = declare('a.b', 'm')", 1),
        ("A = declare('a.b', 'm')\nfault(A)", 0),
        ("declare('a.b', 'm')\nfaults.fault('a.b')", 0),
        ("A = declare('a.b', 'm')\nfault(B)", 2),
    ],
)
def test_a_fault_point_without_its_other_half_is_found(text, count):
    points = FaultPoints()

    points.read(Source("edge/agent.py", f"from protocol.faults import declare, fault\n{text}"))

    assert len(points.faults()) == count


def test_two_files_may_name_their_constants_alike():
    points = FaultPoints()

    for path, name in [("edge/a.py", "a.synced"), ("cloud/b.py", "b.synced")]:
        points.read(
            Source(path, f"from protocol.faults import declare\nS = declare('{name}', 'm')\nfault(S)")
        )

    assert points.faults() == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("MAX_LINES = 4", 1),
        ("RETRY_DELAY_S_MAX: int = 4", 1),
        ("MAX_LINES = 4  # a till's roll holds no more", 0),
        ("# A till's roll holds no more.\nMAX_LINES = 4\nMIN_LINES = 1", 0),
        ("MAX_LINES = (\n    4  # a till's roll holds no more\n)", 0),
        ("COLUMNS = 4", 0),
    ],
)
def test_a_limit_without_a_reason_is_found(text, count):
    assert len(every_limit_has_a_reason(Source("edge/agent.py", text))) == count


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and bool(node.args) and dotted(node.func).rsplit(".", 1)[-1] == name


def _first(node: ast.AST) -> str:
    """The first argument of a call: a text, or the name of a constant."""
    assert isinstance(node, ast.Call)
    argument = node.args[0]
    return str(argument.value) if isinstance(argument, ast.Constant) else dotted(argument).rsplit(".", 1)[-1]


def _is_number(node: ast.AST | None) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _is_commented(lines: list[str], node: ast.stmt) -> bool:
    """Whether the line has a comment, or heads or follows others under one."""
    if any("#" in line for line in lines[node.lineno - 1 : node.end_lineno]):
        return True
    above = node.lineno - 2
    while above >= 0 and re.match(r"[A-Z]\w+(:.*)? = ", lines[above]):
        above -= 1
    return above >= 0 and lines[above].startswith("#")
