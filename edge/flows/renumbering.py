"""A basket that a restart finds goes on under a new order number.

The disk may be an old copy: the order that it calls open was then paid long ago, perhaps with more in it, and whoever
pays this basket must not pay under that number again. Only the cloud could tell, and a till sells without it too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.effects import Record
from edge.flows import words
from edge.flows.scanning import opening
from edge.flows.state import open_sale
from protocol.basket import Basket, Line
from protocol.pricing.engine import Pricer

if TYPE_CHECKING:
    from edge.flows.state import Box, Decision, Now

RESTARTED = "restarted"


def under_new_number(box: Box, now: Now) -> Decision:
    """The open lines of the open sale, which has no tender, as a sale of their own; the old number is voided.

    An approval of age is not taken along: nobody can say that the same person stands there.
    """
    old = open_sale(box)
    basket, pricer = Basket(), Pricer(old.taxes)
    for line in old.basket.open_lines():
        pricer.add(basket.append(_numbered(line, len(basket.lines) + 1)))
    sale = replace(old, order=now.new_id(), basket=basket, pricer=pricer, is_age_approved=False)
    lines = [Record("line_added", words.line_fields(sale.order, line)) for line in basket.lines]
    voided = Record("sale_voided", {"order": str(old.order), "reason": RESTARTED})
    return replace(box, sale=sale), [voided, opening(box, sale), *lines]


def _numbered(line: Line, number: int) -> Line:
    return Line(
        number,
        line.gtin,
        line.name,
        line.kind,
        line.quantity,
        line.weight_g,
        line.unit_price_minor,
        line.tax_class,
        line.source,
        line.age_min,
        line.facts,
        line.levels,
    )
