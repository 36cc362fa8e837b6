"""Sentences about what the shop is: channels, articles, taxes, delivery, accounts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.peers.promotions.sentences import table
from tests.peers.promotions.shop import REST, Delivery, Money, Shop, TaxRate, UnmappedError

if TYPE_CHECKING:
    from collections.abc import Callable

FREE = Money("USD", 0)


def _channel(shop: Shop, name: str, currency: str | None = None, _host: str | None = None) -> None:
    shop.currencies[name] = currency or "USD"
    shop.channel = shop.channel or name
    shop.last_channel = name


def _only_channel(shop: Shop, country: str, name: str | None = None) -> None:
    _channel(shop, name or country)


def _article(shop: Shop, name: str, price: Money | None = None, channel: str | None = None) -> None:
    shop.sell(name, price=price, channel=channel or "")


def _articles(shop: Shop, names: list[str]) -> None:
    for name in names:
        shop.sell(name)


def _second_price(shop: Shop, price: Money, channel: str) -> None:
    shop.variants_of(shop.product)[-1].prices[channel] = price


def _variant(shop: Shop, name: str, price: Money, channel: str | None = None) -> None:
    shop.sell(shop.product, name, price, channel or "")


def _variant_price(shop: Shop, name: str, price: Money, channel: str) -> None:
    shop.variant(name).prices[channel] = price


def _children(shop: Shop, parent: str, names: list[str]) -> None:
    shop.parents.update(dict.fromkeys(names, parent))


def _variant_of(shop: Shop, product: str, name: str, price: Money) -> None:
    shop.sell(product, name, price)


def _nameless(shop: Shop, code: str) -> None:
    shop.sell(shop.product, code).code = code


def _option(shop: Shop, _option: str, values: list[str]) -> None:
    product = shop.product
    for value in values:
        shop.sell(product, value)


def _taxed(shop: Shop, category: str) -> None:
    for variant in shop.variants_of(shop.product):
        variant.tax_category = category


def _variant_taxed(shop: Shop, name: str, product: str, category: str) -> None:
    shop.variant(name, product).tax_category = category


def _classified(shop: Shop, names: list[str]) -> None:
    for variant in shop.variants_of(shop.product):
        variant.taxons += names


def _product_classified(shop: Shop, product: str, names: list[str]) -> None:
    for variant in shop.variants_of(product):
        variant.taxons += names


def _rate(shop: Shop, name: str, ppm: int, category: str, zone: str) -> None:
    shop.rates.append(TaxRate(name, ppm, category, zone))


def _rate_included(shop: Shop, name: str, ppm: int, category: str, zone: str) -> None:
    shop.rates.append(TaxRate(name, ppm, category, zone, is_included=True))


def _rate_elsewhere(shop: Shop, name: str, ppm: int, category: str) -> None:
    _rate(shop, name, ppm, category, REST)


def _rate_until(shop: Shop, name: str, ppm: int, category: str, zone: str, day: str) -> None:
    shop.rates.append(TaxRate(name, ppm, category, zone, last=read_day(day)))


def _rate_from(shop: Shop, name: str, ppm: int, category: str, zone: str, day: str) -> None:
    shop.rates.append(TaxRate(name, ppm, category, zone, first=read_day(day)))


def _decimal(shop: Shop, name: str) -> None:
    for rate in shop.rates:
        rate.is_decimal = rate.is_decimal or rate.name == name


def _strategy(shop: Shop, name: str) -> None:
    if name not in ("Order item units based", "Order items based"):
        raise UnmappedError(f"a way of counting tax that is not known: {name}")
    shop.by_unit = name == "Order item units based"


def read_day(text: str) -> str:
    """Read "31-12-2022", or a day as we write it."""
    parts = text[:10].split("-")
    day = "-".join(parts if len(parts[0]) == 4 else reversed(parts))
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as wrong:
        raise UnmappedError(f"a day that is not read: {text}") from wrong


def _now(shop: Shop, day: str) -> None:
    shop.today = read_day(day)


def _default_zone(shop: Shop, zone: str) -> None:
    shop.default_zone = zone


def _delivery(shop: Shop, name: str, fee: Money, zone: str | None = None) -> None:
    if zone in (None, shop.default_zone):
        shop.deliveries.append(Delivery(name, fee))


def _free_delivery(shop: Shop) -> None:
    shop.deliveries.append(Delivery("Free", FREE))


def _delivery_taxed(shop: Shop, name: str, category: str) -> None:
    for delivery in shop.deliveries:
        if delivery.name == name:
            delivery.tax_category = category


def _account(shop: Shop, name: str, _password: str | None = None) -> None:
    shop.countries.setdefault(name, "")
    shop.last_account = name


def _account_at(shop: Shop, name: str, country: str) -> None:
    shop.countries[name] = country


def _account_tier(shop: Shop, tier: str) -> None:
    shop.tiers[shop.last_account] = tier


def nothing(_shop: Shop, *_said: object) -> None:
    """Take a sentence that changes nothing on a till."""


_CHANNEL = r"the store (?:also )?operates on (?:a|another) channel named {text}"
_ROWS: list[tuple[str, Callable[..., object]]] = [
    (r"the store operates on a single channel in (?:the )?{text}(?: named {text})?", _only_channel),
    (_CHANNEL + r"(?: in {text} currency)?(?: (?:and )?with hostname {text})?", _channel),
    (r"the store (?:also )?operates in {text}|the store has country {text}", nothing),
    (r"the store has currency {text}", nothing),
    (r"(?:that|this) channel allows to shop using (?:the )?{names} currenc(?:y|ies)", nothing),
    (r"the exchange rate of {text} to {text} is \d+(?:\.\d+)?", nothing),
    (r"on this channel account verification is not required", nothing),
    (r"there is a zone {text} containing all other countries", nothing),
    (r"the store ships to {names}", nothing),
    (r"the store (?:also )?allows paying (?:with )?(?:{text}|Offline)", nothing),
    (r"there (?:are|is) {count} units? of product {text} available in the inventory", nothing),
    (r"the store has a product {text}", _article),
    (r"the store (?:also )?has a product {text} priced at {money}(?: in {text} channel)?", _article),
    (r"(?:this product|it) is also priced at {money} in {text} channel", _second_price),
    (r"the store has {names} products", _articles),
    (r"there is product {text} available in this channel", _article),
    (r"the store has an? {text} configurable product", _article),
    (r"(?:this|the) product (?:also )?has an? {text} variant priced at {money}", _variant),
    (r"this product (?:also )?has {text} variant priced at {money}(?: in {text} channel)?", _variant),
    (r"{text} variant priced at {money} in {text} channel", _variant_price),
    (r"this product is available in .* channel", nothing),
    (r"the {text} taxon has child(?:ren)? taxons? {names}", _children),
    (r"the product {text} (?:also )?has an? {text} variant priced at {money}", _variant_of),
    (r"this product (?:also )?has a nameless variant with code {text}", _nameless),
    (r"this product has option {text} with values {names}", _option),
    (r"this product has all possible variants", nothing),
    (r"(?:it|this product) belongs to {text} tax category", _taxed),
    (r"{text} variant of product {text} belongs to {text} tax category", _variant_taxed),
    (r"the store (?:also )?classifies its products as {names}", nothing),
    (r"(?:it|this product)(?: also)? belongs to {names}", _classified),
    (r"(?:the )?product {text} belongs to(?: taxon)? {names}", _product_classified),
    (r"default tax zone is {text}", _default_zone),
    (r"the store has {text} tax rate of {percent} for {text} within the {text} zone", _rate),
    (r"the store has included in price {text} tax rate of {percent} for {text} within the {text} zone", _rate_included),
    (r"the store has {text} tax rate of {percent} for {text} for the rest of the world", _rate_elsewhere),
    (r"the store has {text} tax rate of {percent} for {text} within the {text} zone ending at {text}", _rate_until),
    (r"the store has {text} tax rate of {percent} for {text} within the {text} zone starting at {text}", _rate_from),
    (r"the {text} tax rate has decimal calculator configured", _decimal),
    (r"the store uses the {text} tax calculation strategy", _strategy),
    (r"it is {text} now", _now),
    (r"the store has {text} shipping method with {money} fee(?: within the {text} zone)?", _delivery),
    (r"the store ships everywhere for [Ff]ree", _free_delivery),
    (r"shipping method {text} belongs to {text} tax category", _delivery_taxed),
    (r"the store has a customer group {text}", nothing),
    (r"there is (?:a|the) (?:user|customer|customer account) {text}(?: identified by {text})?", _account),
    (r"there is user {text} with {text} as shipping country", _account_at),
    (r"(?:the|this) customer belongs to group {text}", _account_tier),
]  # fmt: skip
SENTENCES = table(_ROWS)
