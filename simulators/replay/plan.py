"""The plan of a replay: a catalogue image made from the invoices, and the codes that each sale will scan.

Most stock codes of a wholesaler have several prices, some two in one invoice, so each pair of stock code and price
becomes an item of its own with an in-store GTIN-13 (prefix 24 to 27, which no scale label uses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.catalogue import build
from protocol.errors import CallerError
from protocol.item import Item
from protocol.limits import MAX_ITEM_NAME_BYTES
from protocol.plain_text import strip_controls
from protocol.product_codes.gtin import check_digit
from simulators.replay.invoices import MILLIONTHS_A_MINOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.replay.invoices import Invoice, Row

TAX_CLASS = "A"  # the file tells no tax; its prices are taken as they are, with tax inside
FIRST_PREFIX, LAST_PREFIX = 24, 27
NUMBERS_A_PREFIX = 10**10


@dataclass(frozen=True, slots=True)
class Sale:
    """What one shopper does: scan each code with its quantity, then pay this much, in cash or by card."""

    invoice: str
    codes: tuple[tuple[str, int], ...]
    total_minor: int
    by_card: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All sales in the file's order, and the image that holds everything they need."""

    image: bytes
    item_count: int
    sales: list[Sale]

    @property
    def line_count(self) -> int:
        """Basket lines of all sales."""
        return sum(len(sale.codes) for sale in self.sales)

    @property
    def total_minor(self) -> int:
        """What all sales come to."""
        return sum(sale.total_minor for sale in self.sales)


def make_plan(invoices: Sequence[Invoice], currency: str, card_percent: int = 0) -> Plan:
    """Number the pairs in sorted order, so that the same file always gives the same image and codes.

    `card_percent` of the sales, evenly spread, are paid by card.
    """
    names: dict[tuple[str, int], str] = {}
    for invoice in invoices:
        for row in invoice.lines:
            names.setdefault(_pair(row), row.name)
    codes = {pair: in_store_code(number) for number, pair in enumerate(sorted(names))}
    items = [Item("0" + codes[pair], _shown(name), pair[1], TAX_CLASS) for pair, name in names.items()]
    sales = [
        _sale(invoice, codes, by_card=(number + 1) * card_percent // 100 > number * card_percent // 100)
        for number, invoice in enumerate(invoices)
    ]
    return Plan(build(items, currency), len(items), sales)


def in_store_code(number: int) -> str:
    """The GTIN-13 of the `number`-th item of a shop's own, from 0.

    >>> in_store_code(0)
    '2400000000007'
    """
    prefix = FIRST_PREFIX + number // NUMBERS_A_PREFIX
    if not FIRST_PREFIX <= prefix <= LAST_PREFIX:
        raise CallerError(
            "in-store-codes-used-up", "There are more items than in-store numbers", "Split the file"
        )
    body = f"{prefix}{number % NUMBERS_A_PREFIX:010d}"
    return body + check_digit(body)


def _pair(row: Row) -> tuple[str, int]:
    return row.stock_code, row.price_millionths // MILLIONTHS_A_MINOR


def _shown(name: str) -> str:
    """The description as an item's name: no control characters, within the image's bound."""
    shown = strip_controls(name) or "?"
    while len(shown.encode()) > MAX_ITEM_NAME_BYTES:
        shown = shown[:-1]
    return shown


def _sale(invoice: Invoice, codes: dict[tuple[str, int], str], *, by_card: bool) -> Sale:
    scanned = tuple((codes[_pair(row)], row.quantity) for row in invoice.lines)
    total = sum(row.amount_millionths for row in invoice.lines)
    return Sale(invoice.number, scanned, total // MILLIONTHS_A_MINOR, by_card=by_card)
