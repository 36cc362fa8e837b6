"""`tillbox fleet list | show`: which boxes there are and how they are, from what the cloud has stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloud.config import read_config
from cloud.fleet.command_parts import (
    box_option,
    check_place,
    cloud_option,
    json_option,
    looking,
    tell,
    tenant_option,
)
from cloud.fleet.condition_store import conditions
from cloud.installation import Installation
from protocol.errors import CallerError

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.database import Database
    from cloud.fleet.condition import Condition


@click.command(name="list")
@cloud_option
@click.option("--tenant", default="", help="Only this tenant's boxes.")
@click.option("--store", "shop", default="", help="Only this store's boxes.")
@json_option
def list_boxes(directory: Path, tenant: str, shop: str, as_json: bool) -> None:  # noqa: FBT001 - click hands flags over by name
    """List every enrolled box: its status, its configuration, and what it said last."""
    found, now_ms = _look(directory, tenant, shop)
    lines = [one.line(now_ms) for one in found]
    tell([one.as_json(now_ms) for one in found], "\n".join(lines) or "no box is enrolled", as_json=as_json)


@click.command()
@cloud_option
@tenant_option
@box_option
@json_option
def show(directory: Path, tenant: str, box: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show everything that is known of one box."""
    found, now_ms = _look(directory, tenant)
    one = next((one for one in found if one.box.box == box), None)
    if one is None:
        raise CallerError("box-unknown", f"{tenant} has no box {box}", "See tillbox fleet list")
    rows = one.rows(now_ms)
    width = max(len(name) for name, _ in rows)
    tell(one.as_json(now_ms), "\n".join(f"{name:<{width}}  {value}" for name, value in rows), as_json=as_json)


def _look(directory: Path, tenant: str, shop: str = "") -> tuple[list[Condition], int]:
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    async def work(database: Database) -> list[Condition]:
        await check_place(database, tenant, shop)
        return await conditions(database, tenant, shop)

    return looking(read_config(Installation(directory).config), work), WORLD.now_ms()
