"""What the commands of the fleet have in common: options, a database for a moment, an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cloud.database import use_database
from cloud.fleet.store import boxes
from protocol.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloud.config import CloudConfig
    from cloud.database import Database

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


def with_database(config: CloudConfig, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do some work that leaves rows in the cloud's database."""
    return use_database(config.database, "write", work)


def looking(config: CloudConfig, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do some work that only reads the cloud's database."""
    return use_database(config.database, "look", work)


async def check_place(database: Database, tenant: str, shop: str = "") -> None:
    """Refuse a tenant or store that no box was ever enrolled in: CallerError "tenant-unknown", "store-unknown".

    Nothing to show is an answer only about what there is; a name may be mistyped.
    """
    if tenant and not await boxes(database, tenant):
        raise CallerError("tenant-unknown", f"No box of {tenant} is enrolled", "See tillbox fleet list")
    if shop and not await boxes(database, tenant, shop):
        raise CallerError("store-unknown", f"No box is enrolled in a store {shop}", "See tillbox fleet list")


def tell(value: object, text: str, *, as_json: bool) -> None:
    """Answer for a machine or for a person."""
    click.echo(json.dumps(value) if as_json else text)
