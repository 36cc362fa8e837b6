"""The words of a sale on paper, on the pole display and in the records: shapes only, no decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from protocol import receipt as paper
from protocol.money import format_amount
from protocol.plain_text import columns, cut
from protocol.pricing.engine import price_basket
from protocol.receipt_labels import LANGUAGES

if TYPE_CHECKING:
    from edge.flows.state import Box, Sale, Tender
    from protocol.basket import Line
    from protocol.pricing.engine import Pricer
    from protocol.receipt import Document

POLE_COLUMNS = 20
# Brands as their owners write them; any other is printed as the reader named it.
BRAND_NAMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "amex": "American Express",
    "jcb": "JCB",
    "discover": "Discover",
    "diners": "Diners Club",
    "maestro": "Maestro",
}


def line_fields(order: int, line: Line) -> dict[str, Any]:
    """The fields of a `line_added` record."""
    return {
        "order": str(order),
        "line": line.number,
        "gtin": line.gtin,
        "name": line.name,
        "kind": line.kind,
        "quantity": line.quantity,
        "weight_g": line.weight_g,
        "unit_price_minor": line.unit_price_minor,
        "tax_class": line.tax_class,
        "amount_minor": line.amount_minor,
        "source": line.source,
    }


def tax_rows(pricer: Pricer) -> list[dict[str, Any]]:
    """The tax rows of a `sale_completed` record."""
    return [
        {"tax_class": tax_class, "ppm": ppm, "net_minor": net, "tax_minor": tax}
        for tax_class, ppm, net, tax in pricer.tax_rows()
    ]


def receipt(box: Box, sale: Sale, copy: int) -> Document:
    """The receipt of a paid sale in the shopper's language; `copy` 0 is the original."""
    tenders = [] if sale.tender is None else [_tender(sale.tender)]
    priced = price_basket(sale.basket.open_lines(), sale.taxes)
    return paper.build_receipt(_facts(box, sale), priced, tenders, _fixed(box), copy)


def unknown_slip(box: Box, sale: Sale) -> Document:
    """What a shopper takes along whose money nobody knows of: amount, card, and the number to ask with."""
    tender = None if sale.tender is None else _tender(sale.tender)
    return paper.build_slip("unknown", _facts(box, sale), sale.total_minor, _fixed(box), tender=tender)


def _tender(tender: Tender) -> paper.Tender:
    return paper.Tender(
        tender.method,
        tender.amount_minor,
        tendered_minor=tender.tendered_minor,
        change_minor=tender.change_minor,
        masked=tender.masked,
        brand=BRAND_NAMES.get(tender.brand, tender.brand),
        approval_code=tender.approval_code,
        rrn=tender.rrn,
    )


def _facts(box: Box, sale: Sale) -> paper.Sale:
    sold_at = local_time(sale.opened_at, box.settings.utc_offset_min(sale.opened_at))
    return paper.Sale(sale.order, box.shop.currency, sale.basket.lines, sold_at, box.shop.place)


def _fixed(box: Box) -> paper.ReceiptSettings:
    settings = box.settings
    header = [settings.store_name, *settings.store_lines]
    return paper.ReceiptSettings(
        LANGUAGES[box.language], header, list(settings.receipt_footer), template=settings.receipt_template
    )


def local_time(utc_ms: int, offset_min: int) -> str:
    """An instant on the shop's wall clock: "2026-11-22 14:05"."""
    instant = datetime.fromtimestamp(utc_ms // 1000, UTC) + timedelta(minutes=offset_min)
    return instant.strftime("%Y-%m-%d %H:%M")


def pole_idle(box: Box) -> tuple[str, str]:
    """The pole between two shoppers; it never keeps the last amount."""
    return _cut(box.settings.store_name), ""


def pole_line(line: Line, total_minor: int, currency: str) -> tuple[str, str]:
    """The pole after a scan: the line above, the running total below."""
    amount = format_amount(line.amount_minor, currency)
    return _pair(line.name, amount), _pair("TOTAL", format_amount(total_minor, currency))


def pole_paid(box: Box) -> tuple[str, str]:
    """The pole when the sale is paid: total and change."""
    sale = box.sale
    if sale is None:
        return pole_idle(box)
    currency = box.shop.currency
    change = 0 if sale.tender is None else sale.tender.change_minor
    return _pair("PAID", format_amount(sale.total_minor, currency)), _pair(
        "CHANGE", format_amount(change, currency)
    )


def _pair(left: str, right: str) -> str:
    """Left and right text in the columns of the pole; the left one is cut."""
    room = max(POLE_COLUMNS - columns(right) - 1, 0)
    left = cut(left, room)
    return left + " " * (POLE_COLUMNS - columns(left) - columns(right)) + right


def _cut(text: str) -> str:
    return cut(text, POLE_COLUMNS)
