"""`tillbox fleet`: enrol boxes, shut them out, see them. Each command opens the cloud's database for a moment.

The running cloud and its broker notice by themselves.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cloud.cardzone.keys import public_key_hex
from cloud.config import CloudConfig, read_broker_url, read_config
from cloud.database import open_database
from cloud.fleet import store
from cloud.fleet.authority import Authority
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.push_command import configuration, group, push
from cloud.fleet.rules import NewBox
from cloud.fleet.signer import public_hex
from cloud.installation import Installation
from protocol.errors import CallerError, ConfigError, PeerError
from protocol.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloud.database import Database
    from cloud.fleet.store import BoxRow

T = TypeVar("T")

cloud_option = click.option(
    "--cloud",
    "directory",
    required=True,
    type=click.Path(path_type=Path),
    help="The cloud's data directory.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output."
)
tenant_option = click.option("--tenant", required=True, help="Whose box it is.")
box_option = click.option("--box", required=True, help="The box's name, unique within the tenant.")


@click.group()
def fleet() -> None:
    """Enrol boxes, shut them out, push configuration, see what they run."""


for configuring in (push, group, configuration):
    fleet.add_command(configuring)


@fleet.command()
@cloud_option
@tenant_option
@click.option("--store", "shop", required=True, help="The store that it stands in.")
@box_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Where the box's files are written."
)
@click.option("--currency", default="GBP", show_default=True, help="What the box sells in, ISO 4217.")
@click.option("--devices", default="{}", help="The devices of box.json as JSON, or @FILE.")
@click.option("--broker", "broker_url", default="", help="mqtts://HOST:PORT as the box reaches the broker.")
@click.option("--server-name", default="", help="The name in the broker's certificate.")
@click.option("--shard", default="", help="The tenant's shard, two hex digits; only with its first box.")
@json_option
def enroll(  # noqa: PLR0913, PLR0917 - one for each option
    directory: Path,
    tenant: str,
    shop: str,
    box: str,
    out: Path,
    currency: str,
    devices: str,
    broker_url: str,
    server_name: str,
    shard: str,
    as_json: bool,  # noqa: FBT001 - click hands flags over by name
) -> None:
    """Make a box: number, certificate, keys, and the directory that turns a machine into it."""
    config = read_config(Installation(directory).config)
    around = _surroundings(config, broker_url, server_name)
    bound = _devices(devices)

    async def work(database: Database) -> dict[str, Any]:
        numbered = await open_enrolment(config, database).enroll(
            NewBox(tenant, shop, box, shard),
            surroundings=around,
            currency=currency,
            devices=bound,
            directory=out,
        )
        return {"tenant": tenant, "store": shop, "box": box, **numbered._asdict(), "directory": str(out)}

    made = _with_database(config, work)
    _tell(made, f"{tenant}/{shop}/{box} is box {made['box_number']}; its files are in {out}", as_json=as_json)


@fleet.command()
@cloud_option
@tenant_option
@box_option
@click.option("--reason", default="revoked by hand", show_default=True, help="Why, for those who ask later.")
@json_option
def revoke(directory: Path, tenant: str, box: str, reason: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Shut a box out for good, at once. Its name may be enrolled anew."""
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> None:
        await open_enrolment(config, database).revoke(tenant, box, reason)

    _with_database(config, work)
    _tell({"tenant": tenant, "box": box, "status": "revoked"}, f"{tenant}/{box} is shut out", as_json=as_json)


@fleet.command(name="list")
@cloud_option
@click.option("--tenant", default="", help="Only this tenant's boxes.")
@click.option("--store", "shop", default="", help="Only this store's boxes.")
@json_option
def list_boxes(directory: Path, tenant: str, shop: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """List every enrolled box."""
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> list[BoxRow]:
        return await store.boxes(database, tenant, shop)

    rows = _with_database(config, work)
    lines = [f"{row.tenant}/{row.store}/{row.box}\t{row.box_number}\t{row.status}" for row in rows]
    _tell([row._asdict() for row in rows], "\n".join(lines) or "no box is enrolled", as_json=as_json)


@fleet.command()
@cloud_option
@tenant_option
@box_option
@json_option
def show(directory: Path, tenant: str, box: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show everything that is known of one box."""
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> list[BoxRow]:
        return [row for row in await store.boxes(database, tenant) if row.box == box]

    found = _with_database(config, work)
    if not found:
        raise CallerError("box-unknown", f"{tenant} has no box {box}", "See tillbox fleet list")
    told = found[0]._asdict()
    width = max(map(len, told))
    _tell(told, "\n".join(f"{name:<{width}}  {value}" for name, value in told.items()), as_json=as_json)


def open_enrolment(config: CloudConfig, database: Database) -> Enrolment:
    """Build what enrols boxes from the directory's files."""
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    there = config.installation
    authority = Authority(there.authority, now_ms=WORLD.now_ms, random_bytes=WORLD.random_bytes)
    return Enrolment(
        database=database,
        authority=authority,
        lock=there.lock,
        now_ms=WORLD.now_ms,
        random_bytes=WORLD.random_bytes,
    )


def _surroundings(config: CloudConfig, broker_url: str, server_name: str) -> Surroundings:
    host, port = read_broker_url(broker_url) if broker_url else (config.broker.host, config.broker.port)
    return Surroundings(
        broker_host=host,
        broker_port=port,
        broker_server_name=server_name or config.broker.server_name,
        card_zone_key=public_key_hex(config.installation.card_zone / "keys"),
        configuration_signer=public_hex(config.installation.signer),
    )


def _devices(text: str) -> dict[str, Any]:
    try:
        data = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
        bound = loads(data)
    except (OSError, PeerError) as error:
        raise ConfigError("devices-wrong", f"--devices cannot be read: {error}", "Correct it") from error
    if not isinstance(bound, dict):
        raise ConfigError("devices-wrong", "--devices is no JSON object", 'Give {"scanner": {"port": PATH}}')
    return bound


def _with_database(config: CloudConfig, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = await open_database(config.database)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _tell(value: object, text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(value) if as_json else text)
