"""Reads a file of invoices: every row becomes a line to sell or a refusal with a named reason.

Money here is an integer of millionths of the file's currency, so a price with more decimals than the currency has
still adds up exactly. What a till can sell is decided by `_refusal`; the plan of sales is made in `plan.py`.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.errors import PeerError
from protocol.limits import MAX_QUANTITY, MAX_UNIT_PRICE_MINOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
CURRENCY = "GBP"  # the currency of the file
MILLIONTHS_A_MINOR = 10_000  # a penny is a hundredth
DECIMALS = 6
MAX_DIGITS = 12  # before the point; no invoice of a shop needs more

CANCELLATION = "cancellation"
ADJUSTMENT = "adjustment"
NEGATIVE = "negative-quantity"
ZERO_PRICE = "zero-price"
SUB_PENNY = "sub-penny-price"
OUT_OF_RANGE = "out-of-range"
MALFORMED = "row-malformed"
BEYOND_LIMIT = "beyond-limit"

# Why a row is not sold, in words for the report.
REASONS = {
    CANCELLATION: "InvoiceNo begins with C: money goes back, which is a refund and no sale",
    ADJUSTMENT: "InvoiceNo begins with A: bad debt, no goods",
    NEGATIVE: "a write-off of stock; a basket line is never negative",
    ZERO_PRICE: "a till gives nothing away; the file writes stock notes and free gifts so",
    SUB_PENNY: "the price has decimals that the currency has not",
    OUT_OF_RANGE: "more pieces, or a higher price, than one basket line holds",
    "manual-price": "stock code M: somebody typed a price, nothing was scanned",
    "discount": "stock code D",
    "sample": "stock code S",
    "bank-charge": "a charge, nothing that a shopper takes home",
    "marketplace-fee": "a fee, nothing that a shopper takes home",
    "gift-voucher": "money for later, which belongs on an account of its own",
    MALFORMED: "the row cannot be read, so its amount is not known",
    BEYOND_LIMIT: "after the last invoice of --limit-invoices",
}
# Postage and carriage (POST, DOT, C2) are sold: the shopper pays for them like for goods.
_SERVICES = {
    "M": "manual-price",
    "D": "discount",
    "S": "sample",
    "BANK CHARGES": "bank-charge",
    "AMAZONFEE": "marketplace-fee",
}
_VOUCHER = "GIFT_"


@dataclass(frozen=True, slots=True)
class Row:
    """One readable row: quantity as written, price in millionths, `refusal` "" when a till can sell it."""

    invoice: str
    stock_code: str
    name: str
    quantity: int
    price_millionths: int
    refusal: str

    @property
    def amount_millionths(self) -> int:
        """What the row adds to the file's total."""
        return self.quantity * self.price_millionths


@dataclass(slots=True)
class Invoice:
    """The lines of one sale invoice that a till sells, in the file's order; never empty."""

    number: str
    lines: list[Row]


@dataclass(slots=True)
class FileSums:
    """What a file adds up to: rows and money refused by reason, and its own total over all rows."""

    rows: int = 0
    total_millionths: int = 0
    refused_rows: Counter[str] = field(default_factory=Counter)
    refused_millionths: Counter[str] = field(default_factory=Counter)

    def refuse(self, row: Row, reason: str) -> None:
        """Count a row that is not sold."""
        self.refused_rows[reason] += 1
        self.refused_millionths[reason] += row.amount_millionths


def read_invoices(path: Path, limit: int | None = None) -> tuple[list[Invoice], FileSums]:
    """All sale invoices of a CSV file (gzipped or not), at most `limit`, and what the file adds up to.

    PeerError "invoices-unreadable" (no such file, damaged gzip, not UTF-8), "invoices-columns-wrong".
    """
    sums = FileSums()
    invoices: dict[str, Invoice] = {}
    try:
        for row in _rows(path, sums):
            sums.total_millionths += row.amount_millionths
            _take(row, invoices, sums, limit)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as broken:
        raise PeerError(
            "invoices-unreadable",
            f"{path.name} cannot be read: {type(broken).__name__}",
            "Give a CSV file, plain or .gz.",
        ) from broken
    return list(invoices.values()), sums


def parse_millionths(text: str) -> int:
    """An amount like "2.55" or "-11062.06" in millionths, exactly; ValueError for anything else."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    figures = whole + decimals
    if not whole or not figures.isascii() or not figures.isdigit():
        raise ValueError("not an amount")
    if len(whole) > MAX_DIGITS or len(decimals) > DECIMALS:
        raise ValueError("too many digits")
    return sign * int(whole + decimals + "0" * (DECIMALS - len(decimals)))


def format_millionths(amount: int) -> str:
    """The amount as text, with two decimals or as many as it needs: "1308957.28"."""
    digits = f"{abs(amount):0{DECIMALS + 1}d}"
    whole, decimals = digits[:-DECIMALS], digits[-DECIMALS:].rstrip("0")
    return ("-" if amount < 0 else "") + f"{whole}.{decimals:0<2}"


def _rows(path: Path, sums: FileSums) -> Iterator[Row]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        columns = next(reader, [])
        if tuple(columns) != COLUMNS:
            raise PeerError(
                "invoices-columns-wrong",
                f"{path.name} does not begin with the columns of the UCI Online Retail file",
                f"The first line must be {','.join(COLUMNS)}.",
            )
        for cells in reader:
            sums.rows += 1
            row = _read_row(cells)
            if row is None:
                sums.refused_rows[MALFORMED] += 1
            else:
                yield row


def _read_row(cells: list[str]) -> Row | None:
    if len(cells) != len(COLUMNS) or not cells[0] or not cells[1]:
        return None
    invoice, stock_code, name, quantity_text, _, price_text = cells[:6]
    try:
        quantity, price = parse_millionths(quantity_text), parse_millionths(price_text)
    except ValueError:
        return None
    pieces, fraction = divmod(quantity, 10**DECIMALS)
    if fraction:
        return None
    refusal = _refusal(invoice, stock_code, pieces, price)
    return Row(invoice, stock_code, name.strip() or stock_code, pieces, price, refusal)


def _refusal(invoice: str, stock_code: str, quantity: int, price_millionths: int) -> str:
    """Why a till does not sell this row; "" when it does."""
    code = stock_code.upper()
    if invoice.startswith("C"):
        return CANCELLATION
    if invoice.startswith("A"):
        return ADJUSTMENT
    if quantity <= 0:
        return NEGATIVE
    if price_millionths == 0:
        return ZERO_PRICE
    if price_millionths % MILLIONTHS_A_MINOR:
        return SUB_PENNY
    price_minor = price_millionths // MILLIONTHS_A_MINOR
    if quantity > MAX_QUANTITY or not 0 < price_minor <= MAX_UNIT_PRICE_MINOR:
        return OUT_OF_RANGE
    if code.startswith(_VOUCHER):
        return "gift-voucher"
    return _SERVICES.get(code, "")


def _take(row: Row, invoices: dict[str, Invoice], sums: FileSums, limit: int | None) -> None:
    """Put a row where it belongs: into its invoice, or among the refusals."""
    if row.refusal:
        sums.refuse(row, row.refusal)
    elif row.invoice in invoices:
        invoices[row.invoice].lines.append(row)
    elif limit is not None and len(invoices) >= limit:
        sums.refuse(row, BEYOND_LIMIT)
    else:
        invoices[row.invoice] = Invoice(row.invoice, [row])
