"""Sentences about the shopper: what goes into the cart and out, who it is, where, with which coupon and delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.basket import Line
from protocol.errors import PeerError
from tests.peers.promotions.sentences import table
from tests.peers.promotions.shop import Shop, UnmappedError, Variant
from tests.peers.promotions.steps_shop import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

# The web shop whose scenarios these are takes at most so many of one article.
PEER_QUANTITY_MAX = 9999


def _put(shop: Shop, variant: Variant, quantity: int = 1) -> None:
    if quantity > PEER_QUANTITY_MAX:
        raise UnmappedError(
            f"a bound of the web shop: at most {PEER_QUANTITY_MAX} of one article; ours is wider"
        )
    shop.refusal = ""
    try:
        Line(1, variant.gtin, variant.name, "unit", quantity, 0, 0, "A")
    except PeerError as refused:
        shop.refusal = refused.code
        return
    shop.cart[variant.number] = shop.cart.get(variant.number, 0) + quantity
    shop.last_added = [variant.number]


def _add(shop: Shop, product: str) -> None:
    _put(shop, shop.variants_of(product)[0])


def _add_many(shop: Shop, quantity: int, product: str) -> None:
    _put(shop, shop.variants_of(product)[0], quantity)


def _add_several(shop: Shop, products: list[str]) -> None:
    for product in products:
        _add(shop, product)


def _add_this(shop: Shop) -> None:
    _add(shop, shop.product)


def _add_these(shop: Shop, quantity: int) -> None:
    _add_many(shop, quantity, shop.product)


def _add_variant(shop: Shop, name: str) -> None:
    _put(shop, shop.variant(name))


def _add_variant_of(shop: Shop, name: str, product: str) -> None:
    _put(shop, shop.variant(name, product))


def _add_option(shop: Shop, product: str, value: str) -> None:
    _put(shop, shop.variant(value, product))


def _change(shop: Shop, product: str, quantity: int) -> None:
    number = next((v.number for v in shop.variants_of(product) if v.number in shop.cart), None)
    if number is None:
        raise UnmappedError(f"an article that is not in the cart: {product}")
    before = shop.cart.pop(number)
    _put(shop, shop.variants[number - 1], quantity)
    if shop.refusal:
        shop.cart[number] = before


def _remove(shop: Shop, product: str) -> None:
    for variant in shop.variants_of(product):
        shop.cart.pop(variant.number, None)


def _remove_variant(shop: Shop, name: str) -> None:
    shop.cart.pop(shop.variant(name).number, None)


def _clear(shop: Shop) -> None:
    shop.cart.clear()


def _log_in(shop: Shop, name: str = "somebody", _password: str | None = None) -> None:
    shop.account = name
    shop.country = shop.countries.get(name, "")


def _somebody(shop: Shop) -> None:
    _log_in(shop)


def _log_out(shop: Shop) -> None:
    """Leave: as on a till, the next shopper begins with an empty cart."""
    shop.account = ""
    shop.cart.clear()


def _country(shop: Shop, country: str) -> None:
    shop.country = country


def _guest_country(shop: Shop, _email: str, country: str) -> None:
    shop.country = country


def _address(shop: Shop, _city: str, _street: str, _code: str, country: str, _name: str) -> None:
    shop.country = country


def _choose_delivery(shop: Shop, name: str) -> None:
    shop.delivery = name


def _use_coupon(shop: Shop, code: str) -> None:
    if code not in shop.coupons:
        shop.coupons.append(code)


def _remove_coupons(shop: Shop) -> None:
    shop.coupons.clear()


def _go_to(shop: Shop, channel: str) -> None:
    shop.channel = channel


def _view(shop: Shop, product: str) -> None:
    """Look at an article: what it costs is what one piece alone costs."""
    shop.cart.clear()
    _add(shop, product)


def _view_variant(shop: Shop, name: str) -> None:
    shop.cart.clear()
    _add_variant(shop, name)


def _placed(shop: Shop, count: int) -> None:
    shop.orders_placed += count


_WHO = r"(?:I|[Tt]he (?:customer|visitor)) (?:have |had |has |try to )?"
_ROWS: list[tuple[str, Callable[..., object]]] = [
    (_WHO + r"(?:add|adds|added) (?:the )?product {text} to the cart", _add),
    (_WHO + r"(?:add|adds|added) {text} product to the cart", _add),
    (_WHO + r"(?:add|adds|added) {text} to the cart on the web store", _add),
    (_WHO + r"(?:add|adds|added) {count} (?:products|of product) {text} to the cart", _add_many),
    (_WHO + r"(?:add|adds|added) products {names} to the cart", _add_several),
    (_WHO + r"(?:add|adds|added) this product to the cart", _add_this),
    (_WHO + r"(?:add|adds|added) {count} of (?:them|it) to (?:my|the) cart", _add_these),
    (_WHO + r"(?:add|adds|added) {text} variant of this product to the cart", _add_variant),
    (_WHO + r"(?:add|adds|added) {text} variant of product {text} to the cart", _add_variant_of),
    (_WHO + r"(?:add|adds|added) {text} with \w+ {text} to the cart", _add_option),
    (_WHO + r"product {text} in the cart", _add),
    (_WHO + r"{count} products {text} in the cart", _add_many),
    (_WHO + r"products {names} in the cart", _add_several),
    (_WHO + r"{text} variant of this product in the cart", _add_variant),
    (_WHO + r"{text} variant of product {text} in the cart", _add_variant_of),
    (_WHO + r"(?:change|changes|changed) product {text} quantity to {count}(?: in (?:my|his|the) cart)?", _change),
    (_WHO + r"(?:remove|removes|removed) product {text} from the cart", _remove),
    (_WHO + r"(?:remove|removes|removed) {text} variant from the cart", _remove_variant),
    (_WHO + r"(?:clear|clears|cleared) (?:my|the) cart", _clear),
    (r"the customer has created empty cart", nothing),
    (r"I pick up my cart(?: again)?", nothing),
    (r"I (?:view|check) (?:the )?product {text}(?: details)?", _view),
    (r"I view (?:the )?{text} variant(?: of the {text} product)?", lambda shop, name, *_: _view_variant(shop, name)),
    (r"I (?:see|check|am on) (?:the )?(?:summary|details) of my cart(?: page)?", nothing),
    (r"I check items in my cart(?: using API)?", nothing),
    (r"I am a logged in customer(?: on the web store and in the API)?", _somebody),
    (r"the customer logged in", _somebody),
    (r"I am logged in as {text}", _log_in),
    (r"I log in as {text} with {text} password", _log_in),
    (r"I register with email {text} and password {text}", _log_in),
    (r"I log out|the customer logged out", _log_out),
    (r"I proceed(?:ed)? (?:with )?selecting {text} as billing country", _country),
    (r"I proceed(?:ed)? as guest {text} with {text} as billing country", _guest_country),
    (r"I specified the billing address as {text}, {text}, {text}, {text} for {text}", _address),
    (r"I addressed (?:the cart|it)|I complete(?:d)? the shipping step", nothing),
    (r"I (?:proceed|proceeded) (?:with )?(?:selecting )?{text} shipping method", _choose_delivery),
    (r"I chose {text} shipping method", _choose_delivery),
    (r"I change shipping method to {text}", _choose_delivery),
    (r"I decide to change order shipping method", nothing),
    (r"I (?:use|apply|applied|used) (?:the )?coupon with code {text}", _use_coupon),
    (r"(?:this|the) cart has promotion applied with coupon {text}", _use_coupon),
    (r"I remove coupon from my cart", _remove_coupons),
    (r"I changed? (?:back )?my current channel to {text}", _go_to),
    (r"I have already placed {count} orders? choosing .*", _placed),
]  # fmt: skip
SENTENCES = table(_ROWS)
