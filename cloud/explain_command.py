"""`tillbox explain ID`: one sale's story from scan to ledger, as the cloud's database tells it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloud.config import read_config
from cloud.database import use_database
from cloud.installation import Installation
from cloud.story import Story, tell
from cloud.story_words import day, heading, rows
from protocol.errors import CallerError
from protocol.plain_text import one_line

PIPE_COLUMNS = 140  # a file or a pipe has no width; most stories fit into this without a break
STYLES = {"payments": "cyan", "ledger": "green", "ALARM": "bold red", "PARKED": "bold yellow"}


@click.command()
@click.argument("id_text", metavar="ID")
@click.option("--cloud", "directory", type=click.Path(path_type=Path), help="The cloud's data directory.")
@click.option("--database", default="", help="Or the database itself: sqlite:///PATH or postgresql://...")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON list on standard output.")
def explain(id_text: str, directory: Path | None, database: str, *, as_json: bool) -> None:
    """Tell one sale's story; ID names an order, payment or attempt, in digits or as it stands on paper.

    \b
    Examples:
      tillbox explain 0000-0003G-00R1S --cloud ./cloud
      tillbox explain 117440514 --database sqlite:///cloud.db --json
    """  # noqa: D301 - click's mark for a block that is not wrapped
    stories = use_database(_database(directory, database), "look", lambda opened: tell(opened, id_text))
    if not stories:
        raise CallerError(
            "sale-unknown",
            f"The cloud never heard of {id_text}",
            "Compare the number, and ask the box that printed it: tillbox doctor --directory DIR",
        )
    if as_json:
        click.echo(json.dumps([story.as_json() for story in stories]))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_COLUMNS)
    for story in stories:
        show(story, console)


def show(story: Story, console: Console) -> None:
    """Draw one story: what it is, then what happened."""
    about = Table.grid(padding=(0, 2))
    for name, value in heading(story):
        about.add_row(
            Text(name, style="dim"), Text(one_line(value), style="bold" if name in ("order", "state") else "")
        )
    console.print(about)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", title_justify="left")
    table.add_column(f"{day(story)} UTC", no_wrap=True)
    table.add_column("since", justify="right", no_wrap=True, style="dim")
    table.add_column("who", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("details", overflow="fold")
    for row in rows(story):
        table.add_row(*(Text(one_line(cell)) for cell in row), style=STYLES.get(row.who, ""))
    console.print()
    console.print(table)


def _database(directory: Path | None, url: str) -> str:
    """The URL of the database to look into."""
    if (directory is None) == (not url):
        raise click.UsageError("Give --cloud DIR or --database URL.")
    return url or read_config(Installation(directory or Path()).config).database
