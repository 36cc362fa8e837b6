"""Reads written scenarios: Feature, Background, Scenario, Scenario Outline with Examples, And / But.

Only what a scenario does is kept: the steps in order, those of the background first. Tags, comments and the free text
under a heading are passed over. A doc string or a table under a step belongs to that step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STEP = re.compile(r"(Given|When|Then|And|But|\*) +(.*)")
_HEADING = re.compile(
    r"(Feature|Background|Scenario Outline|Scenario Template|Scenario|Example|Examples|Rule):(.*)"
)
_DOC_STRING = ('"""', "```")


@dataclass(frozen=True)
class Step:
    """One sentence, without its first word, and the table under it."""

    text: str
    table: tuple[tuple[str, ...], ...] = ()


@dataclass
class Scenario:
    """A scenario with the steps of its background; `line` is that of its heading."""

    path: Path
    line: int
    name: str
    steps: list[Step] = field(default_factory=list)
    own: int = 0  # how many steps of the background stand before its own


def scenarios_in(place: Path) -> list[Scenario]:
    """Every scenario of a `.feature` file, or of all below a folder, by path and line."""
    paths = sorted(place.rglob("*.feature")) if place.is_dir() else [place]
    return [scenario for path in paths for scenario in scenarios_of(path)]


def scenarios_of(path: Path) -> list[Scenario]:
    """The scenarios of one file; an outline becomes one scenario for each row of its examples."""
    background: list[Step] = []
    found: list[_Block] = []
    steps: list[Step] = []
    for number, line in _lines(path):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            _take(steps, found, line)
            continue
        kind, name = heading[1], heading[2].strip()
        if kind in ("Feature", "Rule"):
            steps = []
        elif kind == "Background":
            steps = background = []
        elif kind == "Examples":
            found[-1].is_in_examples = True
        else:
            found.append(_Block(Scenario(path, number, name)))
            steps = found[-1].scenario.steps
    return [scenario for block in found for scenario in block.scenarios(background)]


@dataclass
class _Block:
    """A scenario as it is read, and the rows of its examples."""

    scenario: Scenario
    rows: list[tuple[str, ...]] = field(default_factory=list)
    is_in_examples: bool = False

    def scenarios(self, background: list[Step]) -> Iterator[Scenario]:
        own = len(background)
        if not self.rows:
            yield replace(self.scenario, steps=background + self.scenario.steps, own=own)
            return
        names = self.rows[0]
        for row in self.rows[1:]:
            values = dict(zip(names, row, strict=False))
            steps = [_filled(step, values) for step in self.scenario.steps]
            name = f"{_fill(self.scenario.name, values)} ({', '.join(row)})"
            yield replace(self.scenario, name=name, steps=background + steps, own=own)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that mean something, stripped, with their numbers; a doc string becomes nothing."""
    quote = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if quote or line.startswith(_DOC_STRING):
            quote = "" if quote and line.endswith(quote) else quote or line[:3]
        elif line and not line.startswith(("@", "#")):
            yield number, line


def _take(steps: list[Step], found: list[_Block], line: str) -> None:
    """Take a step, or a row of a table into what it belongs to; free text is passed over."""
    if line.startswith("|"):
        row = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if found and found[-1].is_in_examples:
            found[-1].rows.append(row)
        elif steps:
            steps[-1] = replace(steps[-1], table=(*steps[-1].table, row))
        return
    step = _STEP.fullmatch(line)
    if step is not None and not (found and found[-1].is_in_examples):
        steps.append(Step(step[2].strip()))


def _filled(step: Step, values: dict[str, str]) -> Step:
    table = tuple(tuple(_fill(cell, values) for cell in row) for row in step.table)
    return Step(_fill(step.text, values), table)


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"<([^<>]+)>", lambda name: values.get(name[1], name[0]), text)
