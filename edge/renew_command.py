"""`tillbox box renew`: a box's way out of quarantine. Only while the box stands, and only by who confirms it."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Provisioning directory made by `tillbox fleet enroll`.",
)
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), help="As `tillbox box` is started.")
@click.option("--second-journal", type=str, default="", help="As `tillbox box` is started.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask whether it is meant.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output.")
def renew(
    directory: Path,
    work: Path | None,
    second_journal: str,
    is_sure: bool,  # noqa: FBT001 - click hands flags over by name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Open a new generation of a stopped box's journal with everything that the cloud has not confirmed."""
    from edge.config import read_box  # noqa: PLC0415 - a command loads only what it runs
    from edge.main import Options, renew_journal  # noqa: PLC0415

    config = read_box(directory)
    if not is_sure:
        click.confirm(
            f"End the present journal of {config.tenant}/{config.box} and go on with a new generation",
            abort=True,
            err=True,
        )
    renewed = renew_journal(config, Options(work or directory, second_journal=second_journal))
    words = (
        f"generation {renewed.generation} follows {renewed.previous}, with {renewed.taken_over} records that the cloud"
        f" has not confirmed\nnow: tillbox fleet release --tenant {config.tenant} --box {config.box}, start the box"
    )
    click.echo(json.dumps(renewed._asdict()) if as_json else words)
