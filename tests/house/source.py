"""The tree as the house rules see it: files, syntax trees, and faults told by file and line.

A rule is a function from one `Source` to a list of faults. Each has a test over the whole tree and a table
of bad examples that proves that it can fail.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("protocol", "edge", "cloud", "simulators")
ROOMS = (*PRODUCT, "tests")
# What commands make; the same names stand in .gitignore.
NOT_OURS = {
    ".git",
    ".venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "build",
    "var",
}


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def lines(self) -> list[str]:
        """The text by line; line 1 is at index 0."""
        return self.text.splitlines()

    def fault(self, node: ast.AST, message: str) -> str:
        """A fault at the line of `node`."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {message}"

    def walk(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Every node of these kinds."""
        return (node for node in self.nodes if isinstance(node, kinds))

    def is_in(self, *places: str) -> bool:
        """Whether the file is one of `places`, or lies in a folder of them."""
        return any(self.path == place or self.path.startswith(f"{place}/") for place in places)


def files() -> Iterator[Path]:
    """Every file of the project that somebody wrote."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in NOT_OURS or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                yield path


def sources(*places: str) -> list[Source]:
    """The Python files in `places` (folders or files by their path from the root)."""
    return [source for source in _read() if source.is_in(*places)]


@cache
def _read() -> tuple[Source, ...]:
    """All Python files, read and taken apart once for all rules."""
    paths = [path for path in files() if path.suffix == ".py"]
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths
    )


def faults_of(rule: Callable[[Source], list[str]], *places: str) -> str:
    """Every fault that `rule` finds in `places`, one a line; empty when all is well."""
    return "\n".join(fault for source in sources(*places) for fault in rule(source))


def imported_modules(source: Source) -> list[tuple[ast.AST, str]]:
    """Every absolute module name that the file imports, with the node that does it.

    ``from a import b`` counts as ``a.b``, since b may be a module.
    """
    found: list[tuple[ast.AST, str]] = []
    for node in source.walk(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            found += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source.path, node)
            found += [(node, f"{base}.{alias.name}") for alias in node.names]
    return found


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a chain of attributes on a name, with ``?`` for anything else at its head."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parent = path.split("/")[: -node.level]
    return ".".join([*parent, *([node.module] if node.module else [])])
