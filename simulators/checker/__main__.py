"""`python -m simulators.checker`: judge one run from what it left behind. Exit code 1 when anything is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from simulators.checker.cloud_side import read_cloud
from simulators.checker.journal import read_directory
from simulators.checker.judge import Evidence, judge
from simulators.checker.money import read_net
from simulators.checker.people import read_people
from simulators.checker.report import MUST_BE_ZERO, Report

FINDINGS_SHOWN = 20  # a screen; all of them are in --json

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--journals",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A box's journal directory; once for each.",
)
@click.option("--database", required=True, type=_FILE, help="The cloud's SQLite file.")
@click.option("--books", required=True, type=_FILE, help="The acquirer's books, one JSON object a line.")
@click.option(
    "--memories", type=_FILE, help="What shoppers remember and printers printed, as `tillbox demo` writes it."
)
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON object on standard output.")
def check(
    journals: tuple[Path, ...], database: Path, books: Path, memories: Path | None, *, as_json: bool
) -> None:
    """Judge one run from its journals, database, books and memories; nothing is changed."""
    evidence = Evidence(
        [read_directory(directory) for directory in journals],
        read_cloud(database),
        read_net(books),
        read_people(memories),
    )
    report = judge(evidence)
    if as_json:
        click.echo(json.dumps(report.as_json(), sort_keys=True, ensure_ascii=False))
    else:
        show(report, Console())
    sys.exit(0 if report.is_clean else 1)


def show(report: Report, console: Console) -> None:
    """Counters, then the reasons of those that are not 0."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in report.as_json().items():
        if name == "findings":
            continue
        is_bad = name in MUST_BE_ZERO and value
        style = "bold red" if is_bad else "green" if name in MUST_BE_ZERO else ""
        table.add_row(name.replace("_", " "), str(value), style=style)
    console.print(table)
    for finding in report.findings[:FINDINGS_SHOWN]:
        console.print(
            f"\n[bold]{finding.counter.replace('_', ' ')}[/bold]  {finding.subject}\n  {finding.what}"
        )
    hidden = len(report.findings) - FINDINGS_SHOWN
    if hidden > 0:
        console.print(f"\n... and {hidden} more with --json")


if __name__ == "__main__":
    check()
