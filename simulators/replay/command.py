"""`tillbox replay`: sell every sale invoice of a file through the whole path, and see that the money adds up."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

DEFAULT_BOXES = (
    2  # one sells while the other waits for its disk or its card; measured, more cost more than they bring
)
DEFAULT_CARD_PERCENT = 5  # a share that leaves the bar on lines per second to the replica lane


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--boxes",
    type=click.IntRange(1, 64),
    default=DEFAULT_BOXES,
    show_default=True,
    help="How many boxes sell at once.",
)
@click.option(
    "--card-share",
    type=click.IntRange(0, 100),
    default=DEFAULT_CARD_PERCENT,
    show_default=True,
    help="Per cent of the sales that are paid by card, through card zone and acquirer; the rest is cash.",
)
@click.option(
    "--limit-invoices", type=click.IntRange(1), default=None, help="Sell only the first so many invoices."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def replay(
    *, file: Path, boxes: int, card_share: int, limit_invoices: int | None, data: Path | None, as_json: bool
) -> None:
    """Sell every sale invoice of FILE through boxes, broker, consumer and ledger; exit code 0 if all adds up.

    FILE is a CSV file (plain or .gz) with the columns of the UCI Online Retail data.
    """
    from simulators.replay.files import ReplayFiles  # noqa: PLC0415 - a command loads only what it runs
    from simulators.replay.report import in_words, report  # noqa: PLC0415
    from simulators.replay.run import Wishes, replay  # noqa: PLC0415

    directory = (data or Path(tempfile.mkdtemp(prefix="tillbox-replay-"))).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    wishes = Wishes(boxes, card_share, limit_invoices)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("reading", total=None)

        def tell(step: str, done: int, of: int) -> None:
            progress.update(bar, description=step, completed=done, total=of)

        facts = asyncio.run(replay(file, ReplayFiles(directory), wishes, tell))
    told = report(facts)
    click.echo(json.dumps(told, sort_keys=True) if as_json else "\n".join(in_words(told)))
    if data is None and told["adds_up"]:
        shutil.rmtree(directory, ignore_errors=True)
    elif data is None:
        click.echo(f"everything is kept in {directory}", err=True)
    if not told["adds_up"]:
        sys.exit(1)
