"""`tillbox fleet`: enrol boxes, shut them out, see them. Each command opens the cloud's database for a moment.

The running cloud and its broker notice by themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud.cardzone.keys import public_key_hex
from cloud.config import CloudConfig, read_broker_url, read_config
from cloud.fleet import store
from cloud.fleet.authority import Authority
from cloud.fleet.command_parts import (
    box_option,
    cloud_option,
    json_option,
    tell,
    tenant_option,
    with_database,
)
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.look_command import list_boxes, show
from cloud.fleet.push_command import configuration, group, push
from cloud.fleet.rules import NewBox
from cloud.fleet.signer import public_hex
from cloud.installation import Installation
from protocol.errors import CallerError, ConfigError, PeerError
from protocol.strict_json import loads

if TYPE_CHECKING:
    from cloud.database import Database


@click.group()
def fleet() -> None:
    """Enrol boxes, shut them out, push configuration, see what they run."""


for other in (list_boxes, show, push, group, configuration):
    fleet.add_command(other)


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
@click.option(
    "--replace",
    "replaces",
    is_flag=True,
    help="Shut out the box that has this name in service; without it such a name is refused.",
)
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
    replaces: bool,  # noqa: FBT001 - click hands flags over by name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Make a box: number, certificate, keys, and the directory that turns a machine into it.

    A name that a box has in service is refused, unless --replace shuts that box out.
    """
    config = read_config(Installation(directory).config)
    around = _surroundings(config, broker_url, server_name)
    bound = _devices(devices)

    async def work(database: Database) -> dict[str, Any]:
        numbered = await open_enrolment(config, database).enroll(
            NewBox(tenant, shop, box, shard, replaces),
            surroundings=around,
            currency=currency,
            devices=bound,
            directory=out,
        )
        return {"tenant": tenant, "store": shop, "box": box, **numbered._asdict(), "directory": str(out)}

    made = with_database(config, work)
    tell(made, f"{tenant}/{shop}/{box} is box {made['box_number']}; its files are in {out}", as_json=as_json)


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

    with_database(config, work)
    tell({"tenant": tenant, "box": box, "status": "revoked"}, f"{tenant}/{box} is shut out", as_json=as_json)


@fleet.command()
@cloud_option
@tenant_option
@box_option
@click.option("--reason", default="released by hand", show_default=True, help="Why, for those who ask later.")
@json_option
def release(directory: Path, tenant: str, box: str, reason: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Let a quarantined box sell again, after `tillbox box renew` there; one that was not renewed falls back."""
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    config = read_config(Installation(directory).config)

    async def work(database: Database) -> None:
        known = {row.box: row.status for row in await store.boxes(database, tenant)}
        if known.get(box) != "quarantined":
            what = f"{tenant}/{box} is {known.get(box, 'unknown')}, not in quarantine"
            raise CallerError("box-not-quarantined", what, "See tillbox fleet list")
        async with database.transaction() as tx:
            await store.release(tx, tenant, box, reason, WORLD.now_ms())

    with_database(config, work)
    tell({"tenant": tenant, "box": box, "status": "serving"}, f"{tenant}/{box} may sell", as_json=as_json)


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
