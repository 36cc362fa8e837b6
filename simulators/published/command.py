"""`tillbox figures`: the page of figures from what the measuring commands printed."""

from __future__ import annotations

from pathlib import Path

import click

from simulators.published.evidence import read_evidence
from simulators.published.page import page


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
def figures(*, files: tuple[Path, ...]) -> None:
    """Print docs/explanation/nothing-lost.md from FILES: what world, torture and bench printed with --json."""
    click.echo(page(read_evidence(list(files))), nl=False)
