"""Prices a sale again from the versions that it names, and says what differs. Pure.

The box's own prices are claims. What it scanned and weighed is its truth; what that costs follows from the
catalogue, overlay and tax table whose hashes stand in the sale, with the same engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol.basket import LABEL, Line
from protocol.errors import ConfigError, PeerError
from protocol.item import UNIT, takes_label_price
from protocol.pricing.engine import ENGINE, price_basket

if TYPE_CHECKING:
    from cloud.orders.state import Order, OrderLine
    from cloud.ports import PriceVersions
    from protocol.item import Item

RIGHT = "right"
WRONG = "priced_wrong"
NOT_CHECKED = "price-not-checked"


def check_prices(order: Order, completed: dict[str, Any], versions: PriceVersions | None) -> tuple[str, str]:
    """Return (RIGHT, WRONG or NOT_CHECKED, what differs) for a completed sale.

    `completed` holds the fields of its sale_completed record. Without the versions, or with another engine,
    nothing can be said: it is checked again later.
    """
    if versions is None:
        return NOT_CHECKED, "a version that the sale names is not on the shelf"
    if order.engine != ENGINE:
        return NOT_CHECKED, f"engine {order.engine} priced it, this is engine {ENGINE}"
    currency = versions.prices.catalogue.currency
    if order.currency != currency:
        return WRONG, f"the sale is in {order.currency}, its catalogue in {currency}"
    lines = []
    for recorded in order.lines.values():
        if recorded.is_voided:
            continue
        line, difference = _price_line(recorded, versions.find(recorded.gtin))
        if line is None:
            return WRONG, difference
        lines.append(line)
    try:
        priced = price_basket(lines, versions.taxes)
    except (ConfigError, PeerError) as error:
        return WRONG, error.code
    rows = [
        (row["tax_class"], row["ppm"], row["net_minor"], row["tax_minor"]) for row in completed["tax_rows"]
    ]
    claimed = (completed["total_minor"], completed["net_minor"], completed["tax_minor"], sorted(rows))
    computed = (priced.total_minor, priced.net_minor, priced.tax_minor, sorted(priced.tax_rows))
    if claimed != computed:
        return WRONG, f"the box says {claimed}, the versions say {computed}"
    return RIGHT, ""


def _price_line(recorded: OrderLine, item: Item | None) -> tuple[Line | None, str]:
    """Return the line as the versions price it, or None and what differs from the record."""
    if item is None:
        return None, f"line {recorded.number}: the item is not sold in these versions"
    is_label_price = (
        recorded.source == LABEL and recorded.kind == UNIT and takes_label_price(item.gtin, item.kind)
    )
    price = recorded.unit_price_minor if is_label_price else item.unit_price_minor
    kind = UNIT if is_label_price else item.kind
    if (recorded.kind, recorded.unit_price_minor, recorded.tax_class) != (kind, price, item.tax_class):
        return None, f"line {recorded.number}: price {recorded.unit_price_minor}, the versions say {price}"
    try:
        line = Line(
            recorded.number,
            item.gtin,
            item.name,
            kind,
            recorded.quantity,
            recorded.weight_g,
            price,
            item.tax_class,
        )
    except PeerError as error:
        return None, f"line {recorded.number}: {error.code}"
    if line.amount_minor != recorded.amount_minor:
        return None, f"line {recorded.number}: amount {recorded.amount_minor}, computed {line.amount_minor}"
    return line, ""
