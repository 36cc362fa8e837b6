"""The page of bounds, made from the code: `python -m tests.house.bounds` writes it, a test compares it.

A bound is a constant of a module whose name says that it is one: what is at most, at once, kept, waited for, tried. The
value and the reason come from the code; what happens at it and which test proves it come from `bounds.json`, where each
bound stands by itself or with the others of its module. `formats` there are names that say how long a thing is by its
definition, and bound nothing.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.house.source import ROOT, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.source import Source

PAGE = ROOT / "docs" / "reference" / "bounds.md"
TOLD: dict[str, Any] = json.loads((Path(__file__).parent / "bounds.json").read_text(encoding="utf-8"))
BOUND = re.compile(
    r"(^|_)(MAX|MIN|LIMIT|TIMEOUT|BOUND|KEPT|KEEP|ONCE|TRIES|TRIAL|BURST|SECOND|QUOTA|RESERVE|WINDOW|BACKLOG|TURNS|"
    r"PATIENCE|FIRST|LONGEST|STEADY|SILENCE|HEARTBEAT|GRACE|BUDGET|RETRY|DELAY|INTERVAL|REMEMBERED)(_|$)|_(S|MS|BYTES)$"
)
ANOTHER = re.compile(r"[A-Z][A-Z_0-9]* = [\w.]+$")
HEAD = """\
# Bounds

Every queue, retry, wait, size and quota of box and cloud has a named bound, with its reason beside its number in the
code. What happens there is decided, and a test proves it. This page is made from the code by
`python -m tests.house.bounds`; a test compares them. A bound is `module:NAME`; the name ends with its unit.

How the bounds work together under load: [journal](../explanation/journal.md), [consumer](../explanation/consumer.md),
[selling offline](../how-to/sell-offline.md), [mending the cloud](../how-to/mend-the-cloud.md).
"""
OTHERS = """
## All others
What happens is the same for all bounds of a module; the test named is the one that tries the module at its bounds.
"""
TABLE = "\n| bound | value | why | what happens there | test |\n|---|---|---|---|---|\n"


class Bound(NamedTuple):
    """One bound as the code has it."""

    module: str
    name: str
    value: float
    reason: str

    @property
    def full_name(self) -> str:
        """`module:NAME`."""
        return f"{self.module}:{self.name}"


def bounds() -> list[Bound]:
    """Every bound of protocol, edge and cloud, by module, in the order of the code."""
    return [bound for source in sources("protocol", "edge", "cloud") for bound in bounds_of(source)]


def bounds_of(source: Source) -> Iterator[Bound]:
    """The bounds of one file."""
    module = source.path.removesuffix(".py").replace("/", ".")
    for node in source.tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if not isinstance(target, ast.Name) or not target.id.isupper() or target.id.startswith("_"):
            continue
        if not BOUND.search(target.id) or target.id in TOLD["formats"] or not _is_number(node.value):
            continue
        value = getattr(importlib.import_module(module), target.id)
        yield Bound(module, target.id, value, reason_of(source, node))


def page() -> str:
    """The page as it must stand."""
    found = {bound.full_name: bound for bound in bounds()}
    parts = [HEAD]
    for group in TOLD["groups"]:
        intro = f"{group['intro']}\n" if group["intro"] else ""
        parts.append(f"\n## {group['heading']}\n{intro}{TABLE}")
        parts += [_row(found.pop(told["name"]), told) for told in group["bounds"]]
    parts.append(OTHERS + TABLE)
    parts += [_row(bound, TOLD["modules"][bound.module]) for bound in found.values()]
    return "".join(parts)


def untold(found: list[Bound]) -> list[str]:
    """Bounds of which nobody says what happens there."""
    by_name = {told["name"] for group in TOLD["groups"] for told in group["bounds"]}
    return [
        bound.full_name
        for bound in found
        if bound.full_name not in by_name and bound.module not in TOLD["modules"]
    ]


def gone(found: list[Bound]) -> list[str]:
    """What bounds.json tells of and the code no longer has."""
    names, modules = {bound.full_name for bound in found}, {bound.module for bound in found}
    told = [told["name"] for group in TOLD["groups"] for told in group["bounds"]]
    return [name for name in told if name not in names] + [
        name for name in TOLD["modules"] if name not in modules
    ]


def reason_of(source: Source, node: ast.stmt) -> str:
    """The comment on the lines of a constant, or the one right above them; "" when there is none."""
    assert node.end_lineno is not None
    own = [
        line.partition("#")[2].strip()
        for line in source.lines[node.lineno - 1 : node.end_lineno]
        if "#" in line
    ]
    above: list[str] = []
    place = node.lineno - 2
    while not own and place >= 0 and ANOTHER.match(source.lines[place]):
        place -= 1  # one comment may stand above several constants
    while not own and place >= 0 and source.lines[place].startswith("#"):
        above.insert(0, source.lines[place].lstrip("# "))
        place -= 1
    words = [words for words in own or above if not words.startswith(("noqa", "type:"))]
    return " ".join(words).partition("  # noqa")[0].rstrip(".")


def _row(bound: Bound, told: dict[str, str]) -> str:
    reason = (bound.reason or "-").replace("|", "\\|").replace("<", "&lt;")
    path, _, name = told["test"].partition("::")
    test = f"`{path}`: `{name}`" if name else f"`{path}`"
    return f"| `{bound.full_name}` | {_value(bound.value)} | {reason} | {told['happens']} | {test} |\n"


def _value(value: float) -> str:
    """1048576 is read with an effort, 1,048,576 is not."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _is_number(node: ast.expr) -> bool:
    """Whether it is a number, or arithmetic of numbers and names."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Name) and node.id.isupper()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
