"""`tillbox cloud alarms | repair | restored`: what waits for a person, and what she does once its cause is mended.

`alarms` only reads. Each of the others writes a row into the cloud's database; the running cloud takes it up by itself
within a second. So no second process ever books anything, and a command is not lost while the cloud stands: it is
taken up at its next start.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud import intake_store, repair_store
from cloud.alarms import open_alarms
from cloud.config import read_config
from cloud.database import use_database
from cloud.installation import Installation
from protocol.errors import CallerError, OutcomeUnknown

if TYPE_CHECKING:
    from cloud.database import Database
    from cloud.repair_store import Answer, Left

REQUEST_BYTES = 8  # random: two people may ask at the same time
LOOK_INTERVAL_S = 0.2  # a person waits; the cloud itself looks once a second
LEFT_OVER = 1  # the exit code when something still cannot be booked or checked

_data = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="The cloud's data directory."
)
_json = click.option("--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output.")


@click.command()
@_data
@click.option("--tenant", required=True, help="Whose records.")
@click.option(
    "--patience", default=60, show_default=True, type=click.IntRange(1), help="Seconds to wait for the cloud."
)
@_json
def repair(data: Path, tenant: str, patience: int, as_json: bool) -> None:  # noqa: FBT001 - click hands flags over by name
    """Book parked records and check suspended prices again, once their cause is mended. Exit code 1: some remain."""
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    config = read_config(Installation(data).config)
    names = (WORLD.random_bytes(REQUEST_BYTES).hex(), WORLD.random_bytes(REQUEST_BYTES).hex())

    async def work(database: Database) -> tuple[list[Answer], Left]:
        await _ask(database, tenant, names, WORLD.now_ms())
        answers = await _answers(database, tenant, names, patience)
        return answers, await repair_store.left(database, tenant)

    answers, left = use_database(config.database, "write", work)
    mended = {answer.kind: answer.mended for answer in answers}
    told = {
        "tenant": tenant,
        "booked": mended["replay"],
        "checked": mended["recheck"],
        "still_parked": left.parked,
        "still_unchecked": left.unchecked,
    }
    click.echo(json.dumps(told) if as_json else _words(mended, left))
    if left.parked or left.unchecked:
        raise click.exceptions.Exit(LEFT_OVER)


@click.command()
@_data
@click.option("--tenant", default="", help="Only this tenant's.")
@_json
def alarms(data: Path, tenant: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """List the alarms that are open, oldest first: when, whose, what, about which order, attempt or box."""
    config = read_config(Installation(data).config)
    rows = use_database(config.database, "look", lambda database: open_alarms(database, tenant))
    if as_json:
        names = ("raised_ms", "tenant", "kind", "subject", "detail")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
        return
    lines = ["\t".join([_time(ms), *told]) for ms, *told in rows]
    click.echo("\n".join(lines) or "no alarm is open")


@click.command()
@_data
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask whether it is meant.")
@_json
def restored(data: Path, is_sure: bool, as_json: bool) -> None:  # noqa: FBT001 - click hands flags over by name
    """Declare that the database was restored from a backup: every box sends again what it still holds."""
    from cloud.main import WORLD  # noqa: PLC0415 - as above

    config = read_config(Installation(data).config)
    if not is_sure:
        click.confirm(
            "Was the database restored? Every box will send again what it still holds", abort=True, err=True
        )

    async def work(database: Database) -> int:
        async with database.transaction() as tx:
            return await intake_store.raise_epoch(tx, WORLD.now_ms())

    epoch = use_database(config.database, "write", work)
    words = f"epoch {epoch}: each box sends again what it still holds as soon as it hears from the cloud"
    click.echo(json.dumps({"epoch": epoch}) if as_json else words)


async def _ask(database: Database, tenant: str, names: tuple[str, str], now_ms: int) -> None:
    async with database.transaction() as tx:
        shard = await repair_store.shard_of(tx, tenant)
        if shard is None:
            raise CallerError("tenant-unknown", f"No box of {tenant} is enrolled", "See tillbox fleet list")
        kinds = zip(names, ("replay", "recheck"), strict=True)
        await repair_store.ask(tx, [(tenant, name, shard, kind) for name, kind in kinds], now_ms)


async def _answers(database: Database, tenant: str, names: tuple[str, str], patience_s: int) -> list[Answer]:
    """Look until both requests are done; OutcomeUnknown("repair-not-finished")."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                answers = await repair_store.answers(database, tenant, names)
                if all(answer.is_done for answer in answers):
                    return answers
                await asyncio.sleep(LOOK_INTERVAL_S)
    except TimeoutError as late:
        raise OutcomeUnknown(
            "repair-not-finished",
            f"The cloud has not finished within {patience_s} s",
            "Start the cloud if it stands; it goes on with the repair by itself",
        ) from late


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _words(mended: dict[str, int], left: Left) -> str:
    reasons = ", ".join(f"{count} {code}" for code, count in left.parked.items())
    return (
        f"booked {mended['replay']} records, still parked {sum(left.parked.values())}"
        + (f" ({reasons})" if reasons else "")
        + f"\nchecked the price of {mended['recheck']} sales, still unchecked {left.unchecked}"
    )
