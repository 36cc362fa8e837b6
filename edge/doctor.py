"""`tillbox doctor`: look at one box and name each trouble with its mend. Exit code 1 when something is broken.

Only the command is here; the checks are in `edge/diagnosis/`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.diagnosis.finding import BROKEN, OK, UNKNOWN, WARNING
from edge.diagnosis.main import Patient, examine
from protocol.plain_text import one_line

if TYPE_CHECKING:
    from edge.diagnosis.main import Diagnosis

PIPE_COLUMNS = 120  # a file or a pipe has no width
_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_MARKS = {
    OK: ("ok", "green"),
    WARNING: ("look", "yellow"),
    BROKEN: ("BROKEN", "bold red"),
    UNKNOWN: ("-", "dim"),
}


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Provisioning directory of the box.",
)
@click.option("--work", type=_DIRECTORY, help="Its working directory, when it is another one.")
@click.option("--second-journal", default="", help="As the box is started with.")
@click.option(
    "--screen-port",
    type=click.IntRange(1, 65_535),
    default=8080,
    show_default=True,
    help="As the box is started with.",
)
@click.option("--offline", is_flag=True, help="Do not use the network.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON object on standard output.")
def doctor(
    directory: Path, work: Path | None, second_journal: str, screen_port: int, *, offline: bool, as_json: bool
) -> None:
    """Check a box's clock, disk, journal, devices, certificate, broker and cloud. A running box is not disturbed."""
    patient = Patient(directory, work or directory, second_journal, screen_port, is_offline=offline)
    with Console(stderr=True).status("looking ..."):
        told = asyncio.run(examine(patient))
    if as_json:
        click.echo(json.dumps(told.as_json()))
    else:
        console = Console(highlight=False)
        show(told, console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS))
    sys.exit(1 if told.broken else 0)


def show(told: Diagnosis, console: Console) -> None:
    """One row a check; under each trouble what to do about it."""
    state = "running" if told.is_running else "not running"
    console.print(Text.assemble((one_line(told.box) or "no box", "bold"), f"  {state}\n"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for found in told.findings:
        mark, style = _MARKS[found.state]
        what = Text(one_line(found.what))
        if found.code:
            what.append(f"  [{found.code}]", style="dim")
        if found.mend:
            what.append(f"\n-> {one_line(found.mend)}", style="bold")
        table.add_row(Text(mark, style=style), Text(found.part), what)
    console.print(table)
    looks = sum(found.state == WARNING for found in told.findings)
    verdict = f"{told.broken} broken, {looks} to look at" if told.broken or looks else "nothing to mend"
    console.print(Text(f"\n{verdict}", style="bold red" if told.broken else "bold"))
