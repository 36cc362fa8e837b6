"""`tillbox fleet push | group | configuration`: what boxes should be, and whether they are.

A push is done when it is in the database; the running cloud publishes it. `--wait` looks until every box answered.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cloud.catalogue_shelf import put_taxes
from cloud.config import read_config
from cloud.fleet import configuration_store as store
from cloud.fleet.command_parts import check_place, cloud_option, json_option, looking, tell, with_database
from cloud.fleet.configuration import Push, Pushed, check_group_change, check_settings, choose_boxes
from cloud.fleet.configuration import push as push_settings
from cloud.fleet.configuration_rules import OPEN
from cloud.fleet.looks import read_looks
from cloud.fleet.signer import load_signer
from cloud.installation import Installation
from protocol.errors import ConfigError, PeerError
from protocol.limits import MAX_CONFIGURATION_BYTES, MAX_CONFIGURATION_VALIDITY_MS, MAX_CONFIGURATION_VERSION
from protocol.strict_json import loads
from protocol.topics import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cloud.database import Database

MS_AN_HOUR = 3_600_000
LOOK_INTERVAL_S = 0.5  # a person watches; the answer itself takes the box's trial of 15 s at least
NOT_TAKEN = 1  # the exit code when a box did not take what was pushed

_tenant = click.option("--tenant", required=True, help="Whose boxes they are.")
_hours = click.option(
    "--expires",
    "hours",
    default=720,
    show_default=True,
    type=click.IntRange(1, MAX_CONFIGURATION_VALIDITY_MS // MS_AN_HOUR),
    help="Hours within which boxes may take it; what is in force stays in force.",
)
_file = click.Path(path_type=Path)


def _with_looks(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for what is made into settings from files of its own."""
    for name, told in (
        ("--screen-logo", "A PNG for the header of the screen."),
        ("--screen", "How the screens look: a JSON file."),
        ("--logo", "A PNG for {% logo %} of the template."),
        ("--template", "How receipts look: a template."),
    ):
        command = click.option(name, type=_file, help=told)(command)
    return command


_above = click.option(
    "--above",
    default=0,
    type=click.IntRange(0, MAX_CONFIGURATION_VERSION - 1),
    help="Number it above this: for boxes that refuse as rollback after the cloud was restored.",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@cloud_option
@_tenant
@click.option("--box", "boxes", multiple=True, help="A box; may be given several times.")
@click.option("--group", default="", help='A group, a store, or "all".')
@_hours
@_above
@click.option(
    "--wait", is_flag=True, help="Wait until every box answered; exit code 1 unless all applied it."
)
@_with_looks
@click.option(
    "--patience", default=180, show_default=True, type=click.IntRange(1), help="Seconds that --wait waits."
)
@json_option
def push(  # noqa: PLR0913, PLR0917 - one for each option
    file: Path,
    directory: Path,
    tenant: str,
    boxes: tuple[str, ...],
    group: str,
    hours: int,
    above: int,
    wait: bool,  # noqa: FBT001 - click hands flags over by name
    patience: int,
    as_json: bool,  # noqa: FBT001 - as above
    **looks: Path | None,
) -> None:
    """Sign the settings in FILE and send them to a box, a group, a store or all boxes of a tenant.

    What FILE leaves out gets the value that the software comes with: name taxes and staff. The tax table goes onto the
    cloud's shelf by itself. A template is compiled, a screen is checked, and both travel as settings.
    """
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    config = read_config(Installation(directory).config)
    now_ms = WORLD.now_ms()
    checked = check_settings(read_settings_file(file) | read_looks(**looks))
    what = Push(tenant, group, checked.settings, now_ms, now_ms + hours * MS_AN_HOUR, above)
    key = load_signer(config.installation.signer)

    async def work(database: Database) -> list[dict[str, Any]]:
        chosen = await choose_boxes(database, tenant, boxes, group)
        put_taxes(config.installation.catalogue, checked.taxes)
        with _progress("signed", len(chosen)) as (advance, _):
            pushed = await push_settings(database, key, what, chosen, advance)
        if wait:
            await _wait(database, what, pushed, patience)
        states = await store.push_states(database, tenant, now_ms)
        return _results(pushed, states)

    results = with_database(config, work)
    if checked.left_out:
        click.echo(f"as the software comes: {', '.join(checked.left_out)}", err=True)
    told = {"tenant": tenant, "group": group, "expires_ms": what.expires_ms, "boxes": results}
    tell(told, "\n".join(_line(row) for row in results), as_json=as_json)
    if wait and any(row["state"] != "applied" for row in results):
        raise click.exceptions.Exit(NOT_TAKEN)


@click.command()
@click.argument("name")
@cloud_option
@_tenant
@click.option("--add", "joining", multiple=True, help="Put a box into the group.")
@click.option("--remove", "leaving", multiple=True, help="Take a box out of it.")
@json_option
def group(
    name: str,
    directory: Path,
    tenant: str,
    joining: tuple[str, ...],
    leaving: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Show the boxes that a push to this name reaches, after putting boxes in or taking them out.

    "all" is every box, the name of a store means its boxes: neither can be given members.
    """
    check_name(name)
    config = read_config(Installation(directory).config)

    async def change(database: Database) -> list[str]:
        await check_group_change(database, tenant, name, joining, leaving)
        async with database.transaction() as tx:
            await store.change_group(tx, tenant, name, joining, leaving)
        return await look(database)

    async def look(database: Database) -> list[str]:
        return [box for box, _ in await store.boxes_of_group(database, tenant, name)]

    members = with_database(config, change) if joining or leaving else looking(config, look)
    tell(
        {"tenant": tenant, "group": name, "boxes": members},
        "\n".join(members) or f"{name} is empty",
        as_json=as_json,
    )


@click.command()
@cloud_option
@_tenant
@json_option
def configuration(directory: Path, tenant: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show for each box which version it should have, what became of it, and which it reports."""
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> list[store.Standing]:
        await check_place(database, tenant)
        return await store.standings(database, tenant)

    rows = looking(config, work)
    lines = [
        f"{row.box}\tdesired {row.desired} {_words(row.state, row.reason)}\treports {row.reported}"
        f"\t{'online' if row.is_online else 'away'}"
        for row in rows
    ]
    tell([row._asdict() for row in rows], "\n".join(lines), as_json=as_json)


def read_settings_file(file: Path) -> dict[str, Any]:
    """Read the settings of a file; ConfigError("push-file-wrong"). What they are is checked elsewhere."""
    try:
        with file.open("rb") as opened:
            settings = loads(opened.read(MAX_CONFIGURATION_BYTES + 1), MAX_CONFIGURATION_BYTES)
    except (OSError, PeerError) as error:
        raise ConfigError(
            "push-file-wrong", f"{file.name} cannot be read: {error}", "Correct the file"
        ) from error
    if not isinstance(settings, dict):
        raise ConfigError("push-file-wrong", f"{file.name} is no JSON object", "Write one object of settings")
    return settings


async def _wait(database: Database, what: Push, pushed: list[Pushed], patience_s: int) -> None:
    """Look until every box answered or patience ends; each answer is a line on standard error."""
    versions = {entry.box: entry.version for entry in pushed}
    open_boxes = set(versions)
    with _progress("answered", len(pushed)) as (advance, say):
        try:
            async with asyncio.timeout(patience_s):
                while open_boxes:
                    states = await store.push_states(database, what.tenant, what.issued_ms)
                    for box, version, state, reason in states:
                        if box in open_boxes and version == versions[box] and state != OPEN:
                            open_boxes.discard(box)
                            say(f"{box} {version}: {_words(state, reason)}")
                            advance(1)
                    await asyncio.sleep(LOOK_INTERVAL_S)
        except TimeoutError:
            say(f"no answer within {patience_s} s: {', '.join(sorted(open_boxes))}")


def _results(pushed: list[Pushed], states: list[tuple[str, int, str, str]]) -> list[dict[str, Any]]:
    became = {(box, version): (state, reason) for box, version, state, reason in states}
    return [
        {
            "box": entry.box,
            "version": entry.version,
            "hash": entry.digest,
            "state": became[entry.box, entry.version][0],
            "reason": became[entry.box, entry.version][1],
        }
        for entry in pushed
    ]


@contextmanager
def _progress(word: str, total: int) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """A bar on standard error; gives (advance, say)."""
    columns = (TextColumn(word), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(word, total=total)

        def say(line: str) -> None:
            bar.console.print(line, markup=False, highlight=False)

        yield lambda count: bar.advance(task, count), say


def _line(row: dict[str, Any]) -> str:
    return f"{row['box']}\t{row['version']}\t{_words(row['state'], row['reason'])}"


def _words(state: str, reason: str) -> str:
    return f"{state} ({reason})" if reason else state or "never"
