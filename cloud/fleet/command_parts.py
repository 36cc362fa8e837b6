"""What the commands of the fleet have in common: options, a database for a moment, an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cloud.database import use_database

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


def tell(value: object, text: str, *, as_json: bool) -> None:
    """Answer for a machine or for a person."""
    click.echo(json.dumps(value) if as_json else text)
