"""`tillbox catalogue import | publish | change | rule | standing`: what is sold, and what stores sell by.

A publication is done when it is in the database; the running cloud announces it. `--wait` looks until every box of the
store sells by it.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from cloud.catalogue import store
from cloud.catalogue.importing import Import, import_items
from cloud.catalogue.publishing import Publishing, digest_of, publish
from cloud.config import read_config
from cloud.database import use_database
from cloud.fleet.command_parts import cloud_option, json_option, looking, tell, tenant_option, with_database
from cloud.fleet.signer import load_signer
from cloud.installation import Installation
from protocol.errors import CallerError, ConfigError, PeerError
from protocol.item_rules import is_gtin14
from protocol.money import parse_amount
from protocol.pricing.tax import read_tax_table
from protocol.product_codes import read_code
from protocol.strict_json import dumps, loads
from protocol.topics import check_name, shard_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.catalogue_rows import Table
    from cloud.config import CloudConfig
    from cloud.database import Database
    from protocol.item import Item

MS_A_DAY = 86_400_000
VALID_DAYS = 366  # of a publication: a box that comes back within a year is told what holds
LOOK_INTERVAL_S = 0.2  # a person waits; a box needs a second
NOT_ALL = 1  # the exit code when a box does not sell by what was published

_currency = click.option("--currency", required=True, help="What the prices are in, ISO 4217.")
_store = click.option("--store", "shop", default="", help="One store; every store of the tenant without it.")
_from = click.option(
    "--from", "since", default="", help="When it begins, as 2026-12-24T06:00Z; always without it."
)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@cloud_option
@tenant_option
@_currency
@_store
@_from
@click.option(
    "--until", default="", help="When its prices end; the ones before hold again. Never without it."
)
@click.option("--prices-only", is_flag=True, help="Take GTIN and prices, of items that are known already.")
@click.option("--whole", is_flag=True, help="Items that are not in FILE are sold no more.")
@click.option("--skip-rejected", is_flag=True, help="Import the good rows of a file that has bad ones.")
@json_option
def import_command(  # noqa: PLR0913, PLR0917 - one for each option
    file: Path,
    directory: Path,
    tenant: str,
    currency: str,
    shop: str,
    since: str,
    until: str,
    prices_only: bool,  # noqa: FBT001 - click hands flags over by name
    whole: bool,  # noqa: FBT001 - as above
    skip_rejected: bool,  # noqa: FBT001 - as above
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Import the items of a CSV table into the cloud, with their prices; nothing is sold by them before `publish`."""
    from cloud.catalogue_commands import read, rejections  # noqa: PLC0415 - they import these commands

    check_name(tenant)
    what = Import(
        tenant=tenant,
        shard=shard_of(tenant),
        currency=currency,
        store=check_name(shop) if shop else "",
        from_ms=_instant(since),
        until_ms=_instant(until),
        is_whole=whole,
        is_prices_only=prices_only,
    )
    table = read(file, currency)
    told: dict[str, Any] = {"items": 0, "withdrawn": 0, "unknown": [], **rejections(table)}
    if table.items and (skip_rejected or not table.rejected_count):
        told |= _import(directory, what, table)
    words = (
        f"{told['items']} items imported, {told['withdrawn']} withdrawn, {table.rejected_count} rows rejected"
    )
    tell(told, "\n".join([*_rows(table), words]), as_json=as_json)
    if not told["items"] or told["unknown"]:
        raise click.exceptions.Exit(NOT_ALL)


@click.command("publish")
@cloud_option
@tenant_option
@click.option("--store", "shop", required=True, help="Whose boxes sell by it.")
@_currency
@click.option(
    "--urgent", is_flag=True, help="Lay what changed over the last image: some hundred bytes for each box."
)
@click.option(
    "--ahead",
    default=28,
    show_default=True,
    type=click.IntRange(0, VALID_DAYS),
    help="Days within which price changes are announced now, so that boxes make them offline too.",
)
@click.option("--by", "made_by", default="", help="Who publishes.")
@click.option("--approved-by", default="", help="Who looked at doubtful prices: somebody else.")
@click.option("--wait", is_flag=True, help="Wait until every box of the store sells by it.")
@click.option(
    "--patience", default=60, show_default=True, type=click.IntRange(1), help="Seconds that --wait waits."
)
@json_option
def publish_command(  # noqa: PLR0913, PLR0917 - one for each option
    directory: Path,
    tenant: str,
    shop: str,
    currency: str,
    urgent: bool,  # noqa: FBT001 - click hands flags over by name
    ahead: int,
    made_by: str,
    approved_by: str,
    wait: bool,  # noqa: FBT001 - as above
    patience: int,
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Build what a store sells by, put it on the shelf, and have its boxes told."""
    from cloud.main import WORLD  # noqa: PLC0415 - main loads the whole cloud; `--help` need not wait for it

    config = read_config(Installation(directory).config)
    now_ms = WORLD.now_ms()
    what = Publishing(
        tenant=check_name(tenant),
        store=check_name(shop),
        shard=shard_of(tenant),
        currency=currency,
        source=config.files.url,
        now_ms=now_ms,
        expires_ms=now_ms + VALID_DAYS * MS_A_DAY,
        horizon_ms=ahead * MS_A_DAY,
        is_urgent=urgent,
        made_by=made_by,
        approved_by=approved_by,
    )
    told = _publish(config, what, patience if wait else 0)
    tell(told, "\n".join(_publication_lines(told)), as_json=as_json)
    if wait and any(row["state"] != "applied" for row in told["boxes"]):
        raise click.exceptions.Exit(NOT_ALL)


@click.command("change")
@click.argument("code")
@cloud_option
@tenant_option
@click.option("--price", default="", help="The new list price, as 2.49; with --currency.")
@click.option("--currency", default="", help="What the price is in.")
@_store
@_from
@click.option("--withdraw", "is_withdrawn", is_flag=True, help="Sell it no more.")
@click.option("--sell", "is_sold", is_flag=True, help="Sell it again.")
@json_option
def change_command(  # noqa: PLR0913, PLR0917 - one for each option
    code: str,
    directory: Path,
    tenant: str,
    price: str,
    currency: str,
    shop: str,
    since: str,
    is_withdrawn: bool,  # noqa: FBT001 - click hands flags over by name
    is_sold: bool,  # noqa: FBT001 - as above
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Change one item's price, or withdraw it; `publish --urgent` then tells the boxes."""
    if bool(price) + is_withdrawn + is_sold != 1 or bool(price) != bool(currency):
        raise click.UsageError("Give --price with --currency, --withdraw or --sell: one of them.")
    gtin = code if is_gtin14(code) else read_code(code).gtin
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> None:
        if not await store.is_item(database, tenant, gtin):
            raise CallerError("item-unknown", f"{tenant} has no item {gtin}", "Import it first")
        async with database.transaction() as tx:
            if price:
                amount = parse_amount(price, currency)
                row = (tenant, gtin, shop, currency, "", _instant(since), 0, shard_of(tenant), amount)
                await store.put_items(tx, [], [row])
            else:
                await store.sell(tx, tenant, [gtin], is_sold=is_sold)

    with_database(config, work)
    tell(
        {"gtin": gtin},
        f"{gtin} is changed; tillbox catalogue publish --urgent tells the boxes",
        as_json=as_json,
    )


@click.command("rule")
@click.argument("part", type=click.Choice(["taxes", "promotions"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@cloud_option
@tenant_option
@_store
@_from
@json_option
def rule_command(  # noqa: PLR0913, PLR0917 - one for each option
    part: str,
    file: Path,
    directory: Path,
    tenant: str,
    shop: str,
    since: str,
    as_json: bool,  # noqa: FBT001 - click hands flags over by name
) -> None:
    """Let a tax table or a promotion set hold for a store, or all, from an instant on."""
    config = read_config(Installation(directory).config)
    document = _checked(part, file)
    digest = digest_of(document)

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            row = (check_name(tenant), shop, part, _instant(since), shard_of(tenant), digest, document)
            await store.put_rule(tx, row)

    with_database(config, work)
    tell({"part": part, "hash": digest}, f"{part} {digest} hold with the next publication", as_json=as_json)


@click.command("standing")
@cloud_option
@tenant_option
@json_option
def standing_command(directory: Path, tenant: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show for each box which publication it should sell by, and what it says."""
    config = read_config(Installation(directory).config)

    async def work(database: Database) -> list[store.Standing]:
        return await store.standings(database, tenant)

    rows = looking(config, work)
    lines = [
        f"{row.store}\t{row.box}\tpublication {row.number} {row.state or 'none'} {row.reason}\tholds {row.held}"
        for row in rows
    ]
    tell([row._asdict() for row in rows], "\n".join(lines), as_json=as_json)


def _import(directory: Path, what: Import, table: Table) -> dict[str, Any]:
    config = read_config(Installation(directory).config)
    items: list[Item] = list(table.items.values())

    async def work(database: Database) -> dict[str, Any]:
        with click.progressbar(length=len(items), label="importing", file=sys.stderr) as bar:
            done = await import_items(database, what, items, bar.update)
        return {"items": done.items, "withdrawn": done.withdrawn, "unknown": list(done.unknown)}

    return use_database(config.database, "write", work)


def _publish(config: CloudConfig, what: Publishing, patience_s: int) -> dict[str, Any]:
    if not config.files.url:
        raise ConfigError(
            "files-not-set",
            "Nothing says where boxes fetch versions",
            "Set files in cloud.json, and start the cloud",
        )
    key = load_signer(config.installation.signer)

    async def work(database: Database) -> dict[str, Any]:
        with Console(stderr=True).status("publishing") as status:
            done = await publish(database, config.installation.catalogue, key, what, status.update)
            boxes = await _settled(database, what, done.number, patience_s)
        told = {name: getattr(done, name) for name in ("number", "items", "changes", "left_out")}
        return {**told, "plan": done.plan, "boxes": boxes}

    return with_database(config, work)


def _publication_lines(told: dict[str, Any]) -> Iterator[str]:
    laid_over, later = f"{told['changes']} of them laid over", f"{len(told['plan']) - 1} later changes"
    left_out = f"{told['left_out']} items without a price left out"
    yield f"publication {told['number']}: {told['items']} items, {laid_over}, {later}, {left_out}"
    for row in told["boxes"]:
        yield f"{row['box']}\t{row['state']} {row['reason']}".rstrip()


async def _settled(
    database: Database, what: Publishing, number: int, patience_s: int
) -> list[dict[str, Any]]:
    """What became of a publication at the boxes of its store; looked at until all sell by it, or patience ends."""
    end_s = asyncio.get_running_loop().time() + patience_s
    while True:
        rows = [row for row in await store.standings(database, what.tenant) if row.store == what.store]
        is_done = all(row.number == number and row.state in {"applied", "refused"} for row in rows)
        if is_done or asyncio.get_running_loop().time() >= end_s:
            return [{"box": row.box, "state": row.state, "reason": row.reason} for row in rows]
        await asyncio.sleep(LOOK_INTERVAL_S)


def _checked(part: str, file: Path) -> bytes:
    """The canonical bytes of a document, once it was read as boxes will read it."""
    try:
        read = loads(file.read_bytes(), max_bytes=1 << 20)
    except (OSError, PeerError) as error:
        raise ConfigError(
            "rule-file-wrong", f"{file.name} cannot be read: {error}", "Correct the file"
        ) from error
    if part == "taxes":
        return dumps(read_tax_table(read).document())
    raise ConfigError(
        "promotions-not-published", "Promotion sets are not published yet", "Wait for the version that does"
    )


def _instant(text: str) -> int:
    """UTC milliseconds of an instant with its offset, 0 for none; ConfigError "instant-wrong"."""
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            "instant-wrong", f"{text!r} is no instant", "Write it as 2026-12-24T06:00Z"
        ) from error
    if found.tzinfo is None:
        raise ConfigError("instant-wrong", f"{text} has no offset", "Write it as 2026-12-24T06:00Z")
    return round(found.astimezone(UTC).timestamp() * 1000)


def _rows(table: Table) -> Iterator[str]:
    from cloud.catalogue_commands import rejected_lines  # noqa: PLC0415 - they import these commands

    yield from rejected_lines(table)
