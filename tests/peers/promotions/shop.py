"""The shop that a scenario builds up, step by step: what it sells, taxes, promotes, and what lies in the cart.

Plain state. Readers of steps change it, `ours` makes a sale of it. Amounts are minor units; a percentage is parts per
million.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TODAY = "2026-06-15"  # where a scenario says nothing about the date
SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "zł": "PLN"}
HOME = "United States"
REST = "the rest of the world"
ZONE_OF = {HOME: "US"}  # countries that scenarios have a zone of their own for


class UnmappedError(Exception):
    """The scenario says something that a till's pricing does not know; the text is the reason."""


@dataclass(frozen=True)
class Money:
    """An amount as a scenario writes it."""

    currency: str
    minor: int

    def __str__(self) -> str:
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{self.currency} {abs(self.minor) // 100}.{abs(self.minor) % 100:02}"


def read_money(text: str) -> Money:
    """Read "$1,000.00" or "-£5"; UnmappedError when it is no amount of a known currency."""
    found = re.fullmatch(r"(-?)([^\d\s-]+)(-?)([\d,]+)(?:\.(\d{1,2}))?", text)
    if found is None or found[2] not in SYMBOLS:
        raise UnmappedError(f"an amount that is not read: {text}")
    minor = int(found[4].replace(",", "")) * 100 + int((found[5] or "").ljust(2, "0"))
    return Money(SYMBOLS[found[2]], -minor if found[1] or found[3] else minor)


@dataclass
class Variant:
    """One thing that is sold; a simple product has one variant of its own name."""

    product: str
    name: str
    prices: dict[str, Money] = field(default_factory=dict)  # by channel; "" is every channel
    tax_category: str = ""
    taxons: list[str] = field(default_factory=list)
    code: str = ""
    number: int = 0  # makes its GTIN

    @property
    def gtin(self) -> str:
        """A key of fourteen digits, made from the order in which the scenario names its goods."""
        return str(self.number).zfill(14)


@dataclass
class TaxRate:
    """What one category pays in one zone; `first` and `last` days may be empty."""

    name: str
    ppm: int
    category: str
    zone: str
    is_included: bool = False
    is_decimal: bool = False
    first: str = ""
    last: str = ""


@dataclass
class Action:
    """One thing that a promotion gives, as a rule's `then` and `if`.

    `level` says where a discount shows: "item", "order" or "delivery". Selectors are made when the sale is
    priced, since a scenario may classify goods later.
    """

    level: str
    effect: str
    number: int
    about: list[tuple[str, object]] = field(default_factory=list)  # which goods, all of these
    needs: list[tuple[str, object]] = field(default_factory=list)  # what the cart must have, all of these
    channel: str = ""


@dataclass
class Promotion:
    """A cart promotion, or one of the catalogue (`is_catalogue`), which changes what an article costs on the shelf."""

    name: str
    priority: int = 0
    actions: list[Action] = field(default_factory=list)
    coupons: list[str] = field(default_factory=list)
    coupon_until: str = ""
    tiers: list[str] = field(default_factory=list)
    begin: str = ""
    until: str = ""
    uses_left: int | None = None
    channels: list[str] = field(default_factory=list)
    needs: list[tuple[str, str, object]] = field(
        default_factory=list
    )  # (channel, kind, what), of every action
    is_first_purchase: bool = False
    is_exclusive: bool = False
    is_catalogue: bool = False
    is_enabled: bool = True
    spares_discounted: bool = False


@dataclass
class Delivery:
    """A shipping method: to a till, a fee with a tax category."""

    name: str
    fee: Money
    tax_category: str = ""


@dataclass
class Shop:
    """Everything that a scenario has said so far."""

    currencies: dict[str, str] = field(default_factory=dict)  # channel -> currency
    channel: str = ""
    variants: list[Variant] = field(default_factory=list)
    rates: list[TaxRate] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    carts: dict[str, dict[int, int]] = field(default_factory=dict)  # channel -> number of variant -> quantity
    default_zone: str = ""
    country: str = ""  # of the shopper's address
    countries: dict[str, str] = field(default_factory=dict)  # account -> country
    tiers: dict[str, str] = field(default_factory=dict)  # account -> customer group
    account: str = ""
    last_account: str = ""
    today: str = TODAY
    coupons: list[str] = field(default_factory=list)
    by_unit: bool = False  # tax is counted for each piece
    delivery: str = ""  # the one that was chosen
    parents: dict[str, str] = field(default_factory=dict)  # taxon -> the one it is a child of
    last_added: list[int] = field(default_factory=list)
    last_channel: str = ""
    orders_placed: int = 0
    refusal: str = ""  # why the last step was refused

    @property
    def cart(self) -> dict[int, int]:
        """The cart of the present channel."""
        return self.carts.setdefault(self.channel, {})

    @property
    def product(self) -> str:
        """The product that "this" and "it" mean."""
        if not self.variants:
            raise UnmappedError("no product was named before")
        return self.variants[-1].product

    @property
    def promotion(self) -> Promotion:
        """The promotion that "this" and "it" mean."""
        if not self.promotions:
            raise UnmappedError("no promotion was named before")
        return self.promotions[-1]

    @property
    def zone(self) -> str:
        """Where the shopper pays tax: by address, else the shop's default; "" is nowhere."""
        if self.country:
            return ZONE_OF.get(self.country, REST)
        return self.default_zone

    def sell(self, product: str, name: str = "", price: Money | None = None, channel: str = "") -> Variant:
        """Add an article; without a name it is the product's only variant, without a price its price is not stated."""
        variant = Variant(product, name or product, number=len(self.variants) + 1)
        variant.code = variant.name.upper().replace(" ", "_")
        for other in self.variants:
            if other.product == product:  # what was said of the product holds for its variants
                variant.taxons, variant.tax_category = list(other.taxons), other.tax_category
                break
        if price is not None:
            variant.prices[channel] = price
        self.variants.append(variant)
        return variant

    def taxons_of(self, variant: Variant) -> set[str]:
        """The taxons of an article, with all that they lie below."""
        found: set[str] = set()
        waiting = list(variant.taxons)
        while waiting:
            taxon = waiting.pop()
            if taxon not in found:
                found.add(taxon)
                waiting += [self.parents[taxon]] if taxon in self.parents else []
        return found

    def variants_of(self, product: str) -> list[Variant]:
        """The articles of a product, first named first; those that only gave it its name give way to named ones."""
        found = [variant for variant in self.variants if variant.product == product]
        if not found:
            raise UnmappedError(f"an article that was not named before: {product}")
        named = [variant for variant in found if variant.prices or variant.name != product]
        return named or found

    def variant(self, name: str, product: str = "") -> Variant:
        """The article of a name, or "Product (code)"."""
        for variant in self.variants:
            if product in ("", variant.product) and name in (
                variant.name,
                f"{variant.product} ({variant.code})",
            ):
                return variant
        return self.variants_of(name)[0]
