"""`tillbox catalogue`: build an image from a table, find an item in it, check either.

What the cloud sells and publishes is changed by the commands of `cloud/catalogue`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud.catalogue.commands import (
    change_command,
    import_command,
    publish_command,
    rule_command,
    standing_command,
)
from cloud.catalogue_rows import Table, read_table
from cloud.catalogue_shelf import open_image
from cloud.files import write_private
from protocol.catalogue import build as build_image
from protocol.errors import ConfigError, PeerError
from protocol.item import Item
from protocol.item_facts import document_of
from protocol.item_rules import is_gtin14
from protocol.money import format_amount
from protocol.product_codes import read_code

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
SHOWN = 20  # rejected rows on a screen; --json tells up to a thousand
IMAGE_MODE = 0o644  # prices are no secret

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output."
)


@click.group()
def catalogue() -> None:
    """What is sold: items, prices, their images, and what stores sell by."""


for _command in (import_command, publish_command, change_command, rule_command, standing_command):
    catalogue.add_command(_command)


@catalogue.command()
@file_argument
@click.option("--currency", required=True, help="What the prices are in, ISO 4217.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The image to write."
)
@click.option(
    "--skip-rejected", "is_lenient", is_flag=True, help="Write the image without the rejected rows."
)
@json_option
def build(file: Path, currency: str, out: Path, is_lenient: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Build an image from a CSV table with the columns gtin, name, price, tax_class (kind, age_min, category ...)."""
    table = read(file, currency)
    told: dict[str, Any] = {"items": len(table.items), **rejections(table), "file": "", "bytes": 0}
    is_written = bool(table.items) and (is_lenient or not table.rejected_count)
    if is_written:
        image = build_image(table.items.values(), currency)
        _write(out, image)
        told |= {"file": str(out), "bytes": len(image), "hash": open_image(out).hash.hex()}
    ending = f"wrote {out}, {told['bytes']} bytes" if is_written else "nothing was written"
    _tell(
        told,
        [*rejected_lines(table), f"{len(table.items)} items, {table.rejected_count} rows rejected; {ending}"],
        as_json,
    )
    sys.exit(0 if is_written else FAILED)


@catalogue.command()
@file_argument
@click.argument("code")
@json_option
def find(file: Path, code: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Find what a scanned code is in an image."""
    image = open_image(file)
    read = None if is_gtin14(code) else read_code(code)
    item = image.find(code if read is None else read.gtin)
    if item is None:
        _tell({"found": False}, ["not in this catalogue"], as_json)
        sys.exit(FAILED)
    told: dict[str, Any] = {"found": True, **_facts(item), "currency": image.currency}
    if read is not None:
        told |= {"kind_of_code": read.kind, "weight_g": read.weight_g, "price_minor": read.price_minor}
    price = format_amount(item.unit_price_minor, image.currency)
    per = "kg" if item.kind == "weight" else "piece"
    line = f"{item.gtin}  {item.name}  {price} {image.currency} per {per}, tax class {item.tax_class}"
    _tell(told, [line], as_json)


@catalogue.command()
@file_argument
@click.option("--currency", default="GBP", show_default=True, help="What the prices of a table are in.")
@json_option
def check(file: Path, currency: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Check an image (hash, order, every record), or a CSV table row by row. A table without items is not good."""
    if file.suffix.lower() == ".csv":
        table = read(file, currency)
        is_good = bool(table.items) and not table.rejected_count
        told: dict[str, Any] = {"items": len(table.items), **rejections(table), "is_good": is_good}
        _tell(
            told,
            [*rejected_lines(table), f"{len(table.items)} items, {table.rejected_count} rows rejected"],
            as_json,
        )
        sys.exit(0 if is_good else FAILED)
    image = open_image(file)
    image.audit()
    told = {"items": image.count, "currency": image.currency, "hash": image.hash.hex(), "is_good": True}
    _tell(told, [f"{image.count} items in {image.currency}, hash {image.hash.hex()}: good"], as_json)


def read(file: Path, currency: str) -> Table:
    """Read a table with a bar on standard error; PeerError "items-not-utf8", ConfigError "items-unreadable"."""
    size = file.stat().st_size
    with (
        file.open(encoding="utf-8-sig", newline="") as text,
        click.progressbar(length=size, label=file.name, file=sys.stderr) as bar,
    ):

        def lines() -> Iterator[str]:
            for line in text:
                bar.update(len(line))
                yield line

        try:
            return read_table(lines(), currency)
        except UnicodeDecodeError as error:
            raise PeerError("items-not-utf8", f"{file.name} is not UTF-8", "Save it as UTF-8") from error
        except OSError as error:
            raise ConfigError("items-unreadable", f"{file.name} cannot be read", "Check the file") from error


def _write(out: Path, image: bytes) -> None:
    try:
        write_private(out, image)
        out.chmod(IMAGE_MODE)
    except OSError as error:
        raise ConfigError(
            "image-not-written", f"{out} cannot be written: {error.strerror}", "Choose another place"
        ) from error


def rejections(table: Table) -> dict[str, Any]:
    """What a machine is told of bad rows."""
    return {"rejected": table.rejected_count, "rejected_rows": [row._asdict() for row in table.rejected]}


def rejected_lines(table: Table) -> list[str]:
    """What a person is told of bad rows."""
    lines = [f"line {row.line}: {row.code}: {row.what}" for row in table.rejected[:SHOWN]]
    if table.rejected_count > SHOWN:
        lines.append(f"and {table.rejected_count - SHOWN} more; --json tells them")
    return lines


def _facts(item: Item) -> dict[str, Any]:
    told = {name: getattr(item, name) for name in Item.__slots__}
    return told | {"facts": document_of(item.facts), "levels": dict(item.levels)}


def _tell(value: object, lines: list[str], as_json: bool) -> None:  # noqa: FBT001 - as click hands it over
    click.echo(json.dumps(value) if as_json else "\n".join(lines))
