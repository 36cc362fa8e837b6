"""The checker's own price of a sale: fractions, the goods table, nothing of the product's pricing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from simulators.goods import GOODS, TAX_PPM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Versions = tuple[str, str, str]  # catalogue, overlay, taxes: hashes, as the opening of a sale names them

_HALF = Fraction(1, 2)


class ShelfPrice(NamedTuple):
    """What one thing costs: a piece, or a kilogram when `is_weighed`."""

    price_minor: int
    tax_class: str
    is_weighed: bool


@dataclass(frozen=True, slots=True)
class PriceList:
    """Shelf prices by GTIN, with tax contained in them, rounded line by line; parts per million by tax class."""

    prices: Mapping[str, ShelfPrice]
    tax_ppm: Mapping[str, int]


class Priced(NamedTuple):
    """What a sale must come to: `amounts` by line number, `tax` by class."""

    total_minor: int
    tax_minor: int
    amounts: dict[int, int]
    tax: dict[str, int]


def goods_prices() -> PriceList:
    """The prices of the demonstration shop."""
    prices = {good.gtin: ShelfPrice(good.price_minor, good.tax_class, good.is_weighed) for good in GOODS}
    return PriceList(prices, TAX_PPM)


def read_lists(path: Path) -> dict[Versions, PriceList]:
    """What every set of price versions costs, by the hashes that sales name."""
    found = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        catalogue, overlay, taxes = entry["versions"]
        prices = {gtin: ShelfPrice(*price) for gtin, price in entry["prices"].items()}
        found[catalogue, overlay, taxes] = PriceList(prices, entry["tax_ppm"])
    return found


def half_up(value: Fraction) -> int:
    """The nearest integer; from the middle the one above."""
    return math.floor(value + _HALF)


def price_lines(lines: Iterable[dict[str, Any]], prices: PriceList) -> tuple[Priced, list[str]]:
    """Price recorded lines from the shelf: what they come to, and what is wrong with them in words."""
    priced = Priced(0, 0, {}, {})
    faults: list[str] = []
    for line in lines:
        number = line["line"]
        shelf = prices.prices.get(line["gtin"])
        if shelf is None:
            faults.append(f"line {number}: {line['gtin']} is not on the shelf")
            continue
        amount, tax_class = _amount(line, shelf), shelf.tax_class
        ppm = prices.tax_ppm.get(tax_class, 0)
        tax = half_up(Fraction(amount * ppm, 1_000_000 + ppm))
        priced.amounts[number] = amount
        priced.tax[tax_class] = priced.tax.get(tax_class, 0) + tax
        priced = priced._replace(total_minor=priced.total_minor + amount, tax_minor=priced.tax_minor + tax)
        if (line["amount_minor"], line["tax_class"]) != (amount, tax_class):
            told = f"{line['amount_minor']} in class {line['tax_class']}"
            faults.append(f"line {number}: {told}, it must be {amount} in class {tax_class}")
    return priced, faults


def _amount(line: dict[str, Any], shelf: ShelfPrice) -> int:
    if line["source"] == "label" and line["kind"] == "unit":
        return int(line["unit_price_minor"]) * int(line["quantity"])  # the label itself is the price
    if shelf.is_weighed:
        return half_up(Fraction(shelf.price_minor * line["weight_g"], 1000))
    return shelf.price_minor * int(line["quantity"])


def judge_price(lines: list[dict[str, Any]], completed: dict[str, Any], prices: PriceList) -> list[str]:
    """What differs between a sale's completion record and the checker's own price of its open lines."""
    priced, faults = price_lines(lines, prices)
    if faults:
        return faults
    told_tax = {row["tax_class"]: row["tax_minor"] for row in completed["tax_rows"]}
    if completed["total_minor"] != priced.total_minor:
        faults.append(f"the total is {completed['total_minor']}, it must be {priced.total_minor}")
    if completed["tax_minor"] != priced.tax_minor or told_tax != priced.tax:
        faults.append(f"the tax is {told_tax}, it must be {priced.tax}")
    if completed["net_minor"] + completed["tax_minor"] != completed["total_minor"]:
        faults.append("net and tax do not come to the total")
    return faults
