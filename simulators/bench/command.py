"""`tillbox bench`: speed and memory of this very machine against the bars, each beside the floor of the same run."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from simulators.bench.rows import Row

# name of a part -> module with `async measure(work) -> list[Row]`
PARTS = {
    "box": "simulators.bench.box",
    "journal": "simulators.bench.journal",
    "crash-states": "simulators.bench.crash_states",
    "tender": "simulators.bench.tender",
    "catalogue": "simulators.bench.catalogue",
    "replay": "simulators.bench.replay",
    "backlog": "simulators.bench.backlog",
    "connected": "simulators.bench.connected",
    "acknowledged": "simulators.bench.acknowledged",
    "world": "simulators.bench.world",
    "micropython": "simulators.bench.micropython",
    "pricing": "simulators.bench.pricing",
}


@click.command()
@click.argument("name", type=click.Choice(list(PARTS)), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list with an object for each row.")
def bench(*, name: str | None, as_json: bool) -> None:
    """Measure everything, or the one part NAME; exit code 0 also when a bar is missed."""
    console = Console(stderr=True)
    rows: list[Row] = []
    for part in [name] if name else PARTS:
        with console.status(f"measuring {part} ..."):
            rows += _measured(part)
    if as_json:
        click.echo(json.dumps([row.as_json() for row in rows]))
    else:
        _print_table(rows)


def _measured(part: str) -> list[Row]:
    work = Path(tempfile.mkdtemp(prefix=f"tillbox-bench-{part}-"))
    try:
        rows: list[Row] = asyncio.run(importlib.import_module(PARTS[part]).measure(work))
        return rows
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _print_table(rows: list[Row]) -> None:
    table = Table("what", "value", "unit", "bar", "", "floor", "the floor is", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.in_words())
    Console(width=None if Console().is_terminal else 160).print(table)
