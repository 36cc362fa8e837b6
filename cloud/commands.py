"""`tillbox cloud`: make a cloud's directory, or run the cloud from it. The other commands have files of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from cloud.catalogue_commands import catalogue
from cloud.explain_command import explain
from cloud.init_command import MAX_PORT, initialise, read_acquirers
from cloud.installation import DEFAULT_PORT, Installation, Wishes
from cloud.operator_command import alarms, repair, restored

__all__ = ["alarms", "catalogue", "cloud", "explain", "repair", "restored"]

ONLY_WITH_INIT = {"broker", "host", "port", "name", "database", "acquirer"}


@click.command(
    epilog="Beside it: tillbox cloud alarms, tillbox cloud dead-letters, tillbox cloud repair, tillbox cloud restored."
)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The cloud's data directory.")
@click.option("--init", "is_init", is_flag=True, help="Make what is missing of the directory, and end.")
@click.option("--broker", default="", help="With --init: mqtts://HOST:PORT of a broker that others run.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="With --init: where our own broker listens."
)
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(1, MAX_PORT),
    help="With --init: the port of our own broker.",
)
@click.option(
    "--name", "names", multiple=True, help="With --init: a name or address in the broker's certificate."
)
@click.option(
    "--database", default="sqlite:///cloud.db", show_default=True, help="With --init: the database's URL."
)
@click.option("--acquirer", "acquirers", multiple=True, help="With --init: HOST:PORT of an acquirer.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output.")
@click.pass_context
def cloud(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: click.Context,
    data: Path,
    is_init: bool,  # noqa: FBT001 - click hands flags over by name
    broker: str,
    host: str,
    port: int,
    names: tuple[str, ...],
    database: str,
    acquirers: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Run the cloud: consumer, broker and card zone, until it is told to stop."""
    from cloud.main import WORLD, serve  # noqa: PLC0415 - main loads everything; `--help` need not wait for it

    said = _said(ctx)
    if not is_init:
        _refuse(said & ONLY_WITH_INIT)
        sys.exit(serve(Installation(data).config))
    wishes = Wishes(
        broker=broker,
        host=host,
        port=port,
        server_names=names or tuple(dict.fromkeys(("localhost", "127.0.0.1", host))),
        database=database,
        acquirers=read_acquirers(acquirers) or Wishes().acquirers,
    )
    there = initialise(data, wishes, said, WORLD)
    told = {"data": there.directory, "config": there.config, "root": there.authority / "root.cert.pem"}
    words = f"{there.directory} is ready; run: tillbox cloud --data {data}"
    click.echo(json.dumps({name: str(path) for name, path in told.items()}) if as_json else words)


def _refuse(passed_over: set[str]) -> None:
    if passed_over:
        raise click.UsageError(f"--{min(passed_over)} is for --init; afterwards change cloud.json.")


def _said(ctx: click.Context) -> set[str]:
    """The options that were given, by their names on the command line."""
    given = {name for name in ctx.params if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    return {{"names": "name", "acquirers": "acquirer"}.get(name, name) for name in given}
