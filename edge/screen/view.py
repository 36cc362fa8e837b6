"""What the shopper's page shows, as plain JSON values made from the flows' state.

Amounts are texts already formatted for the currency, so that the page computes nothing. Words are the page's own
business: the view carries slugs, `page` names the page, `notice` the last thing the shopper should know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edge.flows.checkout import page_of
from edge.flows.payment import methods_of, needs_age_check
from protocol.identifiers import to_paper
from protocol.money import divide_round, exponent, format_amount

if TYPE_CHECKING:
    from edge.flows.state import Box, Sale, Tender
    from protocol.basket import Line

GRAMS_A_KILOGRAM = 1_000
MAX_LINE_VIEWS = 1_024  # the longest basket; a shorter one leaves room for the one before it


def view_of(box: Box) -> dict[str, Any]:
    """The whole view; equal states give equal views."""
    settings = box.settings
    view: dict[str, Any] = {
        "page": page_of(box),
        "language": box.language,
        "languages": list(settings.languages),
        "store": settings.store_name,
        "look": "" if settings.screen is None else settings.screen.digest,
        "currency": box.shop.currency,
        "decimals": exponent(box.shop.currency),
        "methods": offered_methods(box),
        "methods_closed": closed_methods(box),
        "receipts": offered_receipts(box),
        "more_time_s": settings.more_time_ms // 1000,
        "is_linked": box.is_linked,
        "is_warned": box.is_warned,
        "help": box.help_wanted,
        "notice": box.notice,
        "notice_line": box.notice_line,
        "blocked": sorted(box.blocked),
        "troubles": sorted(name for name, state in box.devices.items() if state in ("absent", "failed")),
        "sale": None,
    }
    if box.sale is not None:
        view["sale"] = _sale_view(box, box.sale)
    return view


def offered_methods(box: Box) -> list[str]:
    """The methods that can be used now: no card while the cloud is out of reach or the reader is gone."""
    closed = closed_methods(box)
    return [name for name in methods_of(box) if name not in closed]


def closed_methods(box: Box) -> dict[str, str]:
    """The methods of the store that cannot be used now, each with the reason: offline or reader."""
    if "card" not in methods_of(box):
        return {}
    if not box.is_linked:
        return {"card": "offline"}
    return {} if box.devices.get("reader", "ready") in ("ready", "degraded") else {"card": "reader"}


def offered_receipts(box: Box) -> list[str]:
    """The ways to get a receipt now: no paper while the printer is gone."""
    is_gone = "printer" in box.unbound or box.devices.get("printer", "ready") in ("absent", "failed")
    return ["none"] if is_gone else ["print", "none"]


def _sale_view(box: Box, sale: Sale) -> dict[str, Any]:
    currency = box.shop.currency
    return {
        "order": to_paper(sale.order),
        "lines": [_line_view(line, currency) for line in sale.basket.lines],
        "item_count": sum(line.quantity for line in sale.basket.lines if not line.is_voided),
        "total": format_amount(sale.total_minor, currency),
        "needs_age_check": needs_age_check(box),
        "age_min": sale.basket.age_min(),
        "waiting": "" if sale.waiting is None else sale.waiting.name,
        **_weighing_view(box, sale),
        "weight_g": box.weight_g,
        "weight": _kilograms(box.weight_g),
        "weight_state": box.weight_state,
        "decline_reason": sale.decline_reason,
        "has_printed": sale.copies > 0,
        "tender": None if sale.tender is None else _tender_view(sale.tender, currency),
    }


def _weighing_view(box: Box, sale: Sale) -> dict[str, str]:
    """What the item on the scale costs a kilogram, and what it would cost as it lies there."""
    item = None if sale.waiting is None else box.shop.prices.find(sale.waiting.gtin)
    if item is None:
        return {"waiting_unit_price": "", "waiting_amount": ""}
    amount_minor = divide_round(item.unit_price_minor * box.weight_g, GRAMS_A_KILOGRAM)
    return {
        "waiting_unit_price": format_amount(item.unit_price_minor, box.shop.currency),
        "waiting_amount": format_amount(amount_minor, box.shop.currency),
    }


@lru_cache(maxsize=MAX_LINE_VIEWS)
def _line_view(line: Line, currency: str) -> dict[str, Any]:
    # A line never changes, a void makes a new one; a long basket is shown again at every scan.
    return {
        "number": line.number,
        "name": line.name,
        "quantity": line.quantity,
        "weight_g": line.weight_g,
        "weight": _kilograms(line.weight_g),
        "unit_price": format_amount(line.unit_price_minor, currency),
        "amount": format_amount(line.amount_minor, currency),
        "is_voided": line.is_voided,
    }


def _kilograms(weight_g: int) -> str:
    """Grams as a text in kilograms with three decimals."""
    return f"{weight_g // GRAMS_A_KILOGRAM}.{weight_g % GRAMS_A_KILOGRAM:03d}"


def _tender_view(tender: Tender, currency: str) -> dict[str, Any]:
    return {
        "method": tender.method,
        "state": tender.state,
        "amount": format_amount(tender.amount_minor, currency),
        "masked": tender.masked,
        "brand": tender.brand,
        "tendered": format_amount(tender.tendered_minor, currency),
        "change": format_amount(tender.change_minor, currency),
        "approval_code": tender.approval_code,
    }
