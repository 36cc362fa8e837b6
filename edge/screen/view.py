"""What the shopper's page shows, as plain JSON values made from the flows' state.

Amounts are texts already formatted for the currency, so that the page computes nothing. Words are the page's own
business: the view carries slugs, `page` names the page, `notice` the last thing the shopper should know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.flows.checkout import page_of
from edge.flows.payment import needs_age_check
from protocol.identifiers import to_paper
from protocol.money import format_amount

if TYPE_CHECKING:
    from edge.flows.state import Box, Sale, Tender
    from protocol.basket import Line


def view_of(box: Box) -> dict[str, Any]:
    """The whole view; equal states give equal views."""
    settings = box.settings
    view: dict[str, Any] = {
        "page": page_of(box),
        "language": box.language,
        "languages": list(settings.languages),
        "store": settings.store_name,
        "currency": box.shop.currency,
        "methods": offered_methods(box),
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
    is_card_ready = box.is_linked and box.devices.get("reader", "ready") in ("ready", "degraded")
    return [name for name in box.settings.methods if name != "card" or is_card_ready]


def _sale_view(box: Box, sale: Sale) -> dict[str, Any]:
    currency = box.shop.currency
    return {
        "order": to_paper(sale.order),
        "lines": [_line_view(line, currency) for line in sale.basket.lines],
        "item_count": sum(line.quantity for line in sale.basket.lines if not line.is_voided),
        "total": format_amount(sale.total_minor, currency),
        "needs_age_check": needs_age_check(box),
        "waiting": "" if sale.waiting is None else sale.waiting.name,
        "weight_g": box.weight_g,
        "weight_state": box.weight_state,
        "decline_reason": sale.decline_reason,
        "has_printed": sale.copies > 0,
        "tender": None if sale.tender is None else _tender_view(sale.tender, currency),
    }


def _line_view(line: Line, currency: str) -> dict[str, Any]:
    return {
        "number": line.number,
        "name": line.name,
        "quantity": line.quantity,
        "weight_g": line.weight_g,
        "unit_price": format_amount(line.unit_price_minor, currency),
        "amount": format_amount(line.amount_minor, currency),
        "is_voided": line.is_voided,
    }


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
