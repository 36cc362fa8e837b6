"""Makes a sale of ours from a scenario's shop, prices it, and reads the trace as scenarios ask for it.

The only file here that prices. An article is an item with a tag for each of its taxons; a delivery fee is an item with
the tag "delivery", which no other rule means; a zone's tax rates are a tax table, by period where they change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.basket import Line
from protocol.facts import Facts
from protocol.pricing.sale import Sold, price
from protocol.promotions.occasion import Occasion
from protocol.promotions.promotion_set import PromotionSet
from tests.peers.promotions.rules import DELIVERY_TAG, grants_of, promotion_set, taxon_tag
from tests.peers.promotions.shop import Delivery, Money, Shop, UnmappedError, Variant
from tests.peers.promotions.taxes import taxes_of

if TYPE_CHECKING:
    from tests.peers.promotions.taxes import Taxes

UNSTATED_MINOR = 100  # an article whose price no scenario states; no amount is compared then


@dataclass
class Row:
    """What all pieces of one article cost: list, off by level of discount, amount in the end, tax."""

    variant: Variant
    quantity: int = 0
    listed: int = 0
    amount: int = 0
    tax: int = 0
    off: dict[str, int] = field(default_factory=dict)

    @property
    def shelf(self) -> int:
        """With the catalogue's promotions, before those of the cart."""
        return self.listed - self.off.get("catalogue", 0)

    @property
    def item_off(self) -> int:
        """What promotions of single articles took off."""
        return self.off.get("item", 0)


@dataclass
class Answer:
    """A priced cart in a scenario's words; amounts are minor units of `currency`."""

    currency: str
    is_stated: bool  # every price in the cart is one that the scenario states
    rows: list[Row]
    total: int
    tax_added: int
    tax_included: int
    delivery: int  # with the tax that comes on top

    def money(self, minor: int) -> Money:
        """An amount of this sale; UnmappedError when it stands on a price that nobody stated."""
        if not self.is_stated:
            raise UnmappedError("an amount from an article whose price the scenario does not state")
        return Money(self.currency, minor)

    def rows_of(self, product: str) -> list[Row]:
        """The rows of a product or of one of its variants."""
        return [row for row in self.rows if product in (row.variant.product, row.variant.name)]

    @property
    def items_total(self) -> int:
        """The goods with what is taken off single articles, without what is taken off the order."""
        return sum(row.shelf - row.item_off for row in self.rows)

    @property
    def discount(self) -> int:
        """What promotions of the cart took off the goods."""
        return sum(row.item_off + row.off.get("order", 0) for row in self.rows)


def priced(shop: Shop) -> Answer:
    """Price the cart of a shop as it stands; UnmappedError when our rules cannot say what the scenario says."""
    chosen = [(shop.variants[number - 1], quantity) for number, quantity in shop.cart.items()]
    delivery = _delivery_of(shop) if chosen else None
    taxes = taxes_of(shop, [variant.tax_category for variant, _ in chosen], delivery)
    currency = _currency(shop, chosen)
    lines, owners = _lines(shop, chosen, delivery, taxes)
    rules = promotion_set(shop, currency)
    occasion = Occasion(
        {
            "at": shop.today + "T12:00",
            "store": shop.channel,
            "tier": shop.tiers.get(shop.account, ""),
            "coupons": list(shop.coupons),
            "first_purchase": shop.orders_placed == 0,
            "grants": grants_of(rules),
        }
    )
    sold = price(lines, taxes.table, occasion, PromotionSet(rules))
    is_stated = all(_price_of(shop, variant) is not None for variant, _ in chosen)
    return _answer(sold, owners, Answer(currency, is_stated, [], sold.total_minor, 0, 0, 0), taxes)


def _answer(sold: Sold, owners: dict[int, Variant | None], answer: Answer, taxes: Taxes) -> Answer:
    rows: dict[int, Row] = {}
    for number, listed, shares, amount, _, tax in sold.lines:
        variant = owners[number]
        if variant is None:
            answer.delivery += amount if taxes.is_included else amount + tax
            continue
        row = rows.setdefault(variant.number, Row(variant))
        row.quantity += taxes.pieces[number]
        row.listed += listed
        row.amount += amount
        row.tax += tax
        for rule, _, minor in shares:
            level = rule.partition(":")[0]
            row.off[level] = row.off.get(level, 0) + minor
    answer.rows = list(rows.values())
    if taxes.is_included:
        answer.tax_included = sold.tax_minor
    else:
        answer.tax_added = sold.tax_minor
    return answer


def _lines(
    shop: Shop, chosen: list[tuple[Variant, int]], delivery: Delivery | None, taxes: Taxes
) -> tuple[list[Line], dict[int, Variant | None]]:
    """The lines of the sale, and which article each is; tax by piece makes a line of each piece."""
    lines: list[Line] = []
    owners: dict[int, Variant | None] = {}
    for variant, quantity in chosen:
        found = _price_of(shop, variant)
        minor = UNSTATED_MINOR if found is None else found.minor
        facts = Facts(tags=tuple({taxon_tag(taxon) for taxon in variant.taxons}))
        for pieces in [1] * quantity if taxes.by_piece else [quantity]:
            number = len(lines) + 1
            letter = taxes.letters[variant.tax_category]
            lines.append(
                Line(number, variant.gtin, variant.name, "unit", pieces, 0, minor, letter, facts=facts)
            )
            owners[number] = variant
            taxes.pieces[number] = pieces
    if delivery is not None and delivery.fee.minor:
        letter, number = taxes.letters[delivery.tax_category], len(lines) + 1
        facts = Facts(tags=(DELIVERY_TAG,))
        gtin = "9" * 14
        lines.append(Line(number, gtin, delivery.name, "unit", 1, 0, delivery.fee.minor, letter, facts=facts))
        owners[number] = None
    return lines, owners


def _price_of(shop: Shop, variant: Variant) -> Money | None:
    return variant.prices.get(shop.channel, variant.prices.get(""))


def _currency(shop: Shop, chosen: list[tuple[Variant, int]]) -> str:
    found = {money.currency for variant, _ in chosen if (money := _price_of(shop, variant)) is not None}
    if len(found) > 1:
        raise UnmappedError("prices of several currencies in one cart")
    return found.pop() if found else shop.currencies.get(shop.channel, "USD")


def _delivery_of(shop: Shop) -> Delivery | None:
    """The delivery that was chosen, or the only one there is."""
    if shop.delivery:
        for delivery in shop.deliveries:
            if delivery.name == shop.delivery:
                return delivery
        raise UnmappedError(f"a delivery that was not named before: {shop.delivery}")
    if len(shop.deliveries) > 1:
        raise UnmappedError("which of several deliveries a web shop proposes by itself")
    return shop.deliveries[0] if shop.deliveries else None
