"""Items from a table: reads CSV rows strictly and says of each bad one why it is refused.

Columns by the names of the first row: gtin, name, price, tax_class, and if wanted kind (unit or weight; unit when
empty), age_min, category ("food/fruit"), brand, tags ("organic;new"), attributes ("origin=es;size=l") and
price:NAME for a price level such as price:member. `price` is decimal in the currency's own digits ("2.49"), per piece
or per kilogram.
`gtin` is any code that a till reads: GTIN-8 to 14, UPC-E, a PLU of 4 or 5 digits, or a key of 14 digits.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from protocol.catalogue_pool import MAX_CLASSES_KEPT
from protocol.errors import PeerError, TillboxError
from protocol.facts import Facts
from protocol.item import UNIT, Item
from protocol.item_rules import check_item, is_gtin14, is_level_name
from protocol.limits import MAX_AGE_MIN
from protocol.money import exponent, parse_amount
from protocol.product_codes import read_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEEDED = ("gtin", "name", "price", "tax_class")
OPTIONAL = ("kind", "age_min", "category", "brand", "tags", "attributes")
LEVEL = "price:"
REJECTED_KEPT = (
    1000  # shown with line and reason; beyond it a file has one fault many times, and a count says enough
)


class Rejected(NamedTuple):
    """One row that is no item; `line` counts from 1 with the header."""

    line: int
    code: str
    what: str


@dataclass(slots=True)
class Table:
    """What a file holds."""

    items: dict[str, Item] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0

    def reject(self, line: int, error: TillboxError) -> None:
        """Note a bad row."""
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_KEPT:
            self.rejected.append(Rejected(line, error.code, error.what))


def read_table(lines: Iterable[str], currency: str) -> Table:
    """Read items; PeerError "currency-unknown", "items-header-wrong" when the first row names other columns."""
    exponent(currency)
    rows = csv.reader(_checked(lines), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise PeerError(
            "items-header-wrong", f"The first row is no CSV: {error}", "Correct the file"
        ) from error
    _check_header(header)
    table = Table()
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return table
        except csv.Error as error:
            table.reject(rows.line_num, PeerError("row-malformed", str(error)))
            continue
        if row:
            _take(
                table, dict(zip(header, row, strict=False)), len(row) == len(header), rows.line_num, currency
            )


def _take(table: Table, fields: dict[str, str], is_whole: bool, line: int, currency: str) -> None:  # noqa: FBT001 - one call
    try:
        if not is_whole:
            raise PeerError("row-length-wrong", "The row has another number of columns than the header")
        item = _item({name: value.strip() for name, value in fields.items()}, currency)
        if item.gtin in table.items:
            raise PeerError("item-twice", f"{item.gtin} stands in an earlier row")
    except TillboxError as error:
        table.reject(line, error)
    else:
        table.items[item.gtin] = item


def _item(fields: dict[str, str], currency: str) -> Item:
    code = fields["gtin"]
    key = code if is_gtin14(code) else read_code(code).gtin
    age = fields.get("age_min") or "0"
    if not age.isdecimal() or int(age) > MAX_AGE_MIN:
        raise PeerError("item-age-wrong", f"age_min is no whole number up to {MAX_AGE_MIN}")
    return check_item(
        Item(
            key,
            fields["name"],
            parse_amount(fields["price"], currency),
            fields["tax_class"],
            fields.get("kind") or UNIT,
            int(age),
            _facts(fields),
            _levels(fields, currency),
        )
    )


def _facts(fields: dict[str, str]) -> Facts:
    """Return the facts of a row; the same object for rows that agree in them."""
    tags = tuple(tag.strip() for tag in fields.get("tags", "").split(";") if tag.strip())
    pairs = [pair.partition("=") for pair in fields.get("attributes", "").split(";") if pair.strip()]
    attributes = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    return _shared(fields.get("category", ""), fields.get("brand", ""), tags, attributes)


@lru_cache(maxsize=MAX_CLASSES_KEPT)
def _shared(
    category: str, brand: str, tags: tuple[str, ...], attributes: tuple[tuple[str, str], ...]
) -> Facts:
    return Facts(category, brand, tags, attributes)


def _levels(fields: dict[str, str], currency: str) -> tuple[tuple[str, int], ...]:
    return tuple(
        (name.removeprefix(LEVEL), parse_amount(price, currency))
        for name, price in fields.items()
        if name.startswith(LEVEL) and price
    )


def _check_header(header: list[str]) -> None:
    faults = [f"{name} is missing" for name in NEEDED if name not in header]
    faults += [
        f"{name[:40]!r} is not known"
        for name in header
        if name not in NEEDED + OPTIONAL and not is_level_column(name)
    ]
    faults += [f"{name} stands twice" for name in set(header) if header.count(name) > 1]
    if faults:
        raise PeerError(
            "items-header-wrong", "; ".join(sorted(faults)), f"Name the columns {', '.join(NEEDED)}"
        )


def is_level_column(name: str) -> bool:
    """Tell whether a column holds the prices of a level: price:member."""
    return name.startswith(LEVEL) and is_level_name(name.removeprefix(LEVEL))


def _checked(lines: Iterable[str]) -> Iterator[str]:
    """Pass lines on; a NUL ends the csv module's patience with an unnamed error."""
    for line in lines:
        yield line.replace("\0", "\N{REPLACEMENT CHARACTER}")
