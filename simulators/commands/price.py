"""`tillbox price`: prices a basket from files, with the same code as box and cloud, and tells why it costs that.

The formats are in docs/reference/pricing.md and promotions.md. Nothing is stored and nobody is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol.basket import LABEL, MANUAL, SCAN, Basket
from protocol.catalogue import Catalogue
from protocol.errors import ConfigError, PeerError
from protocol.item_rules import is_gtin14
from protocol.money import format_amount
from protocol.pricing.sale import Sold, price
from protocol.pricing.tax import read_taxes
from protocol.product_codes import read_code
from protocol.promotions.bounds import SET_BYTES_MAX
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet, read_promotion_set
from protocol.strict_json import dumps, loads

if TYPE_CHECKING:
    from protocol.basket import Line

_FIELDS = {"v", "occasion", "taxes", "lines"}
_LINE_FIELDS = {"code", "quantity", "weight_g", "price_minor"}
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(name="price")
@click.option("--catalogue", "image", required=True, type=_FILE, help="The catalogue image.")
@click.option("--promotions", type=_FILE, help="The promotion set.")
@click.option(
    "--taxes", type=_FILE, help="The tax table or schedule; without it, the one in the basket file."
)
@click.option("--basket", required=True, type=_FILE, help="Lines and occasion.")
@click.option(
    "--explain", "is_told", is_flag=True, help="Tell of each line what was taken off, by which rule."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole trace as one JSON object.")
def price_files(
    image: Path,
    promotions: Path | None,
    taxes: Path | None,
    basket: Path,
    is_told: bool,  # noqa: FBT001 - click hands flags over by name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Price a basket from files, and tell why it costs that."""
    catalogue = Catalogue(_bytes_of(image))
    rules = read_promotion_set(_bytes_of(promotions)) if promotions is not None else None
    if rules is not None and rules.currency != catalogue.currency:
        raise PeerError(
            "promotion-set-wrong", f"It is in {rules.currency}, the catalogue in {catalogue.currency}"
        )
    told = _object(_bytes_of(basket))
    table = read_taxes(loads(_bytes_of(taxes)) if taxes is not None else told.get("taxes"))
    lines = read_lines(told.get("lines"), catalogue)
    sold = price(lines, table, Occasion(told.get("occasion", {})), rules)
    if as_json:
        click.echo(dumps(sold.document() | {"currency": catalogue.currency}).decode())
        return
    for line in (
        explain(lines, sold, rules, catalogue.currency) if is_told else totals(sold, catalogue.currency)
    ):
        click.echo(line)


def read_lines(told: Any, catalogue: Catalogue) -> list[Line]:
    """Put what the file lists into a basket, as a box would; PeerError as for `Basket.add`, and "basket-file-wrong"."""
    if not isinstance(told, list):
        raise _wrong("lines are a list")
    basket = Basket()
    for entry in told:
        if (
            not isinstance(entry, dict)
            or not set(entry) <= _LINE_FIELDS
            or not isinstance(entry.get("code"), str)
        ):
            raise _wrong("a line has a code, and if need be quantity, weight_g or price_minor")
        code = entry["code"]
        gtin = code if is_gtin14(code) else read_code(code).gtin
        item = catalogue.find(gtin)
        if item is None:
            raise PeerError("item-not-found", f"{gtin} is not in the catalogue", "Correct the basket file")
        label_price = entry.get("price_minor")
        source = LABEL if label_price is not None else (MANUAL if "weight_g" in entry else SCAN)
        basket.add(item, entry.get("quantity", 1), entry.get("weight_g", 0), source, label_price)
    return basket.lines


def explain(lines: list[Line], sold: Sold, rules: PromotionSet | None, currency: str) -> list[str]:
    """Tell a sale line by line: its list price, what each rule took off, its tax."""
    names = {rule.id: rule.name for rule in rules.rules} if rules is not None else {}
    by_number = {line.number: line for line in lines}
    told = []
    for number, listed, shares, amount, _, tax in sold.lines:
        line = by_number[number]
        measure = f"{line.weight_g} g" if line.kind == "weight" else f"{line.quantity} x"
        told.append(f"{number:4d}  {measure} {line.name}: {format_amount(listed, currency)}")
        for rule, units, minor in shares:
            name = f"{names[rule]} ({rule})" if rule in names else rule
            pieces = (
                "" if line.kind == "weight" or units == line.quantity else f", {units} of {line.quantity}"
            )
            told.append(f"      {name}{pieces}: {format_amount(-minor, currency)}")
        told.append(
            f"      = {format_amount(amount, currency)}, tax {line.tax_class} {format_amount(tax, currency)}"
        )
    return told + totals(sold, currency)


def totals(sold: Sold, currency: str) -> list[str]:
    """Tell the sums of a sale."""
    told = [f"list {format_amount(sold.list_minor, currency)}"]
    told += [f"{rule} {format_amount(-minor, currency)}" for rule, minor in sold.discounts]
    told += [
        f"tax {tax_class} {percent(ppm)} %: {format_amount(tax, currency)} on {format_amount(net, currency)}"
        for tax_class, ppm, net, tax in sold.tax_rows
    ]
    told += [f"points earned {points} ({rule})" for rule, points in sold.points]
    told += [f"points spent {points} ({rule})" for rule, points in sold.points_spent]
    told += [f"coupon issued {coupon} ({rule})" for rule, coupon in sold.coupons]
    return [*told, f"total {format_amount(sold.total_minor, currency)} {currency}"]


def percent(ppm: int) -> str:
    """Spell parts per million as a percentage: 81000 is 8.1."""
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def _object(data: bytes) -> dict[str, Any]:
    told = loads(data, SET_BYTES_MAX)
    if not isinstance(told, dict) or not set(told) <= _FIELDS or told.get("v") != 1:
        raise _wrong("it has other fields than v (1), occasion, taxes and lines")
    return told


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "file-unreadable", f"{path} cannot be read: {error.strerror}", "Check the path"
        ) from error


def _wrong(what: str) -> PeerError:
    return PeerError("basket-file-wrong", what, "Correct the basket file")
