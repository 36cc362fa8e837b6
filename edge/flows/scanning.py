"""Filling the basket: a scanned item becomes a line, is weighed first, or is taken out again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from edge.effects import Record, ShowOnPole, WatchScale
from edge.flows import words
from edge.flows.payment import inactivity
from edge.flows.state import Sale, Waiting
from protocol.basket import LABEL, MANUAL, SCAN, Basket
from protocol.errors import ConfigError, PeerError
from protocol.item import UNIT, WEIGHT
from protocol.pricing.engine import ENGINE, Pricer
from protocol.product_codes import GS1

if TYPE_CHECKING:
    from edge.effects import Effect
    from edge.events import ShopperActed
    from edge.flows.state import Box, Decision, Now
    from protocol.item import Item
    from protocol.product_codes import ProductCode


class Amounts(NamedTuple):
    """How much of an item is sold: pieces, grams, or what its label says it costs."""

    quantity: int = 1
    weight_g: int = 0
    label_price_minor: int | None = None


def start_sale(box: Box, now: Now) -> tuple[Box, list[Effect]]:
    """The open sale of this box, opened now if there was none."""
    if box.sale is not None:
        return box, []
    taxes = box.taxes
    sale = Sale(now.new_id(), "basket", Basket(), Pricer(taxes), 0, now.utc_ms, taxes, taxes.hash.hex())
    return replace(box, sale=sale, last_sale=None), [opening(box, sale)]


def opening(box: Box, sale: Sale) -> Record:
    """What names the versions that price a sale."""
    return Record(
        "sale_opened",
        {
            "order": str(sale.order),
            "currency": box.shop.currency,
            "engine": ENGINE,
            "catalogue": box.shop.catalogue,
            "overlay": box.shop.overlay,
            "promotions": box.shop.promotions,
            "taxes": sale.taxes_hash,
            "priced_at": sale.opened_at,
            "language": box.language,
        },
    )


def pick(box: Box, event: ShopperActed, now: Now) -> Decision:
    """A key of the screen was touched in place of a barcode; only goods that stand on one are sold so."""
    screen = box.settings.screen
    item = box.shop.prices.find(event.choice) if screen is not None and event.choice in screen.gtins else None
    if item is None:
        return replace(box, notice="item-not-found"), []
    if item.kind == WEIGHT:
        return wait_for_weight(box, item, now, MANUAL)
    return _sell(box, item, now, Amounts(), MANUAL)


def wait_for_weight(box: Box, item: Item, now: Now, source: str = SCAN) -> Decision:
    """Show the weigh page; the item becomes a line once a stable weight was confirmed."""
    box, effects = start_sale(box, now)
    waiting = Waiting(gtin=item.gtin, name=item.name, source=source)
    box = replace(
        box.with_sale(phase="weigh", waiting=waiting),
        notice="",
        is_warned=False,
        weight_state="unknown",
        weight_g=0,
    )
    return box, [*effects, WatchScale(is_wanted=True), inactivity(box)]


def is_measured(code: ProductCode) -> bool:
    """Whether the label itself says what the package weighs or costs."""
    return code.weight_g is not None or code.price_minor is not None


def add_line(box: Box, item: Item, code: ProductCode, quantity: int, now: Now) -> Decision:
    """Sell what a code says: `quantity` pieces, or what a label weighs or costs."""
    if code.kind == GS1 and code.price_minor is not None and item.kind == UNIT and item.gtin[0] != "9":
        # Only a scale label of the shop's own may price an in-store number; an element string is anybody's to print.
        return replace(box, notice="label-price-not-wanted"), []
    source = LABEL if is_measured(code) else SCAN
    amounts = Amounts(quantity, code.weight_g or 0, code.price_minor)
    return _sell(box, item, now, amounts, source)


def _sell(box: Box, item: Item, now: Now, amounts: Amounts, source: str = SCAN) -> Decision:
    """Add one line to the open sale (opened if need be), price the basket, show it."""
    opened_box, effects = start_sale(box, now)
    sale = opened_box.sale
    assert sale is not None, "a sale was just opened"
    basket, pricer = sale.basket.copy(), sale.pricer.copy()
    try:
        line = basket.add(item, amounts.quantity, amounts.weight_g, source, amounts.label_price_minor)
        pricer.add(line)
    except (PeerError, ConfigError) as fault:
        return replace(box, notice=fault.code), []
    total_minor = pricer.totals()[0]
    sale = replace(sale, basket=basket, pricer=pricer, total_minor=total_minor, phase="basket", waiting=None)
    changed = replace(opened_box, sale=sale, notice="", notice_line=line.number, is_warned=False)
    added = Record("line_added", words.line_fields(sale.order, line))
    return changed, [
        *effects,
        added,
        ShowOnPole(*words.pole_line(line, total_minor, box.shop.currency)),
        inactivity(box),
    ]


def weigh_done(box: Box, event: ShopperActed, now: Now) -> Decision:
    """The shopper confirms the weight on the screen; only a stable one becomes a line."""
    del event
    sale = box.sale
    assert sale is not None, "the weigh page belongs to a sale"
    if box.weight_state != "stable" or box.weight_g <= 0 or sale.waiting is None:
        return replace(box, notice="weight-not-stable"), []
    item = box.shop.prices.find(sale.waiting.gtin)
    if item is None:
        return replace(box.with_sale(phase="basket", waiting=None), notice="item-not-found"), []
    changed, effects = _sell(box, item, now, Amounts(weight_g=box.weight_g), sale.waiting.source)
    return changed, [*effects, WatchScale(is_wanted=False)]


def void_line(box: Box, number: int, *, by: str, reason: str) -> Decision:
    """Take one line out of the open sale; used by shopper and attendant."""
    sale = box.sale
    if sale is None:
        return replace(box, notice="no-sale"), []
    basket, pricer = sale.basket.copy(), sale.pricer.copy()
    try:
        pricer.remove(basket.void(number))
    except PeerError as fault:
        return replace(box, notice=fault.code), []
    voided = Record("line_voided", {"order": str(sale.order), "line": number, "by": by, "reason": reason})
    return box.with_sale(basket=basket, pricer=pricer, total_minor=pricer.totals()[0]), [voided]
