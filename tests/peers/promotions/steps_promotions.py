"""Sentences about promotions: what they give, to whom, from when to when, with which coupon."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.peers.promotions.sentences import Off, table
from tests.peers.promotions.shop import Action, Money, Promotion, Shop, UnmappedError
from tests.peers.promotions.steps_shop import nothing, read_day

if TYPE_CHECKING:
    from collections.abc import Callable

MILLION = 1_000_000
ITEM, ORDER, DELIVERY = "item", "order", "delivery"
Parts = list[tuple[str, object]]


def _add(shop: Shop, level: str, off: Off, about: Parts | None = None, needs: Parts | None = None) -> Action:
    effect = "percent_off" if off.is_percent else "amount_off"
    action = Action(level, effect, off.number, list(about or []), list(needs or []))
    shop.promotion.actions.append(action)
    return action


def _begin(shop: Shop, name: str, priority: int | None = None) -> Promotion:
    shop.promotions.append(Promotion(name, priority or 0))
    return shop.promotion


def _exclusive(shop: Shop, name: str, priority: int | None = None) -> None:
    _begin(shop, name, priority).is_exclusive = True


def _sparing(shop: Shop, name: str) -> None:
    _begin(shop, name).spares_discounted = True


def _spare(shop: Shop) -> None:
    shop.promotion.spares_discounted = True


def _with_coupon(shop: Shop, name: str, coupon: str) -> None:
    _begin(shop, name).coupons.append(coupon)


def _another_coupon(shop: Shop, coupon: str) -> None:
    shop.promotion.coupons.append(coupon)


def _order(shop: Shop, off: Off) -> None:
    _add(shop, ORDER, off)


def _order_of_total(shop: Shop, off: Off, least: Money) -> None:
    _add(shop, ORDER, off, needs=[("total", least.minor)])


def _order_of_quantity(shop: Shop, off: Off, least: int) -> None:
    _add(shop, ORDER, off, needs=[("quantity", least)])


def _order_with_product(shop: Shop, off: Off, product: str) -> None:
    _add(shop, ORDER, off, needs=[("has product", product)])


def _order_with_taxons(shop: Shop, off: Off, taxons: list[str]) -> None:
    _add(shop, ORDER, off, needs=[("has taxons", taxons)])


def _order_with_taxon_total(shop: Shop, off: Off, taxons: list[str], least: Money) -> None:
    _add(shop, ORDER, off, needs=[("taxon total", (taxons, least.minor))])


def _order_of_tier(shop: Shop, off: Off, tier: str) -> None:
    _add(shop, ORDER, off)
    shop.promotion.tiers.append(tier)


def _order_of_first(shop: Shop, off: Off, number: int) -> None:
    if number != 1:
        raise UnmappedError("a discount on an n-th purchase: our rules know the first purchase only")
    _add(shop, ORDER, off)
    shop.promotion.is_first_purchase = True


def _order_by_channel(shop: Shop, off: Off, channel: str, other: Off, second: str) -> None:
    _add(shop, ORDER, off).channel = channel
    _add(shop, ORDER, other).channel = second


def _order_in_channel(shop: Shop, off: Off, channel: str) -> None:
    _add(shop, ORDER, off).channel = channel


def _needed(kind: str) -> Callable[..., None]:
    """A sentence with pairs of what is needed and the channel that needs it."""

    def reader(shop: Shop, *said: object) -> None:
        for wanted, channel in zip(said[::2], said[1::2], strict=True):
            if wanted is not None:
                shop.promotion.needs.append((str(channel), kind, _plain(kind, wanted)))

    return reader


def _plain(kind: str, wanted: object) -> object:
    if isinstance(wanted, Money):
        return wanted.minor
    return [wanted] if kind == "has taxons" else wanted


def _disable(shop: Shop, _channel: str | None = None) -> None:
    shop.promotion.is_enabled = False


def _product(shop: Shop, off: Off, product: str) -> None:
    _add(shop, ITEM, off, [("product", product)])


def _taxons(shop: Shop, off: Off, taxons: list[str]) -> None:
    _add(shop, ITEM, off, [("taxons", taxons)])


def _taxons_and_order(shop: Shop, off: Off, taxons: list[str], other: Off) -> None:
    _taxons(shop, off, taxons)
    _order(shop, other)


def _taxons_and_order_of_total(shop: Shop, off: Off, taxons: list[str], other: Off, least: Money) -> None:
    needs: Parts = [("total", least.minor)]
    _add(shop, ITEM, off, [("taxons", taxons)], needs)
    _add(shop, ORDER, other, needs=needs)


def _taxons_and_delivery_of_total(shop: Shop, off: Off, taxons: list[str], least: Money) -> None:
    needs: Parts = [("total", least.minor)]
    _add(shop, ITEM, off, [("taxons", taxons)], needs)
    _add(shop, DELIVERY, Off(is_percent=True, number=MILLION), needs=needs)


def _taxons_with_taxons(shop: Shop, off: Off, taxons: list[str], others: list[str]) -> None:
    _add(shop, ITEM, off, [("taxons", taxons)], [("has taxons", others)])


def _dearer(shop: Shop, off: Off, least: Money) -> None:
    _add(shop, ITEM, off, [("price", (least.minor, None))])


def _cheaper(shop: Shop, off: Off, most: Money) -> None:
    _add(shop, ITEM, off, [("price", (0, most.minor))])


def _between(shop: Shop, off: Off, least: Money, most: Money) -> None:
    _add(shop, ITEM, off, [("price", (least.minor, most.minor))])


def _all_of_total(shop: Shop, off: Off, least: Money) -> None:
    _add(shop, ITEM, off, needs=[("total", least.minor)])


def _delivery(shop: Shop, off: Off) -> None:
    _add(shop, DELIVERY, off)


def _free_delivery(shop: Shop, least: Money | None = None) -> None:
    needs: Parts = [] if least is None else [("total", least.minor)]
    _add(shop, DELIVERY, Off(is_percent=True, number=MILLION), needs=needs)


def _until(days: int) -> Callable[[Shop], None]:
    def reader(shop: Shop) -> None:
        shop.promotion.until = _shifted(shop.today, days)

    return reader


def _from(days: int) -> Callable[[Shop], None]:
    def reader(shop: Shop) -> None:
        shop.promotion.begin = _shifted(shop.today, days)

    return reader


def _coupon_until(days: int) -> Callable[[Shop], None]:
    def reader(shop: Shop) -> None:
        shop.promotion.coupon_until = _shifted(shop.today, days)

    return reader


def _uses_left(count: int | None) -> Callable[..., None]:
    def reader(shop: Shop, *said: int) -> None:
        shop.promotion.uses_left = said[0] if count is None else count

    return reader


def _shifted(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def _catalogue(kind: str, *, is_exclusive: bool = False) -> Callable[..., None]:
    """A sale of the catalogue on articles of one kind: it is told with priority, channel or both, or neither."""

    def reader(shop: Shop, name: str, priority: int | None, *said: Any) -> None:
        channel, off, other_channel, names = said
        promotion = _begin(shop, name, priority)
        promotion.is_catalogue, promotion.is_exclusive = True, is_exclusive
        promotion.channels = [one for one in (channel, other_channel) if one]
        _add(shop, ITEM, off, [(kind, names)])

    return reader


def _named(shop: Shop, name: str) -> Promotion:
    for promotion in shop.promotions:
        if promotion.name == name:
            return promotion
    raise UnmappedError(f"a promotion that was not named before: {name}")


def _between_days(shop: Shop, name: str, begin: str, until: str) -> None:
    promotion = _named(shop, name)
    promotion.begin, promotion.until = read_day(begin), read_day(until)


def _until_day(shop: Shop, name: str, until: str) -> None:
    _named(shop, name).until = read_day(until)


_GIVES = r"(?:it|this promotion|the promotion) (?:also )?gives (?:another )?"
_RULE = r"(?:this|the) promotion"
_ON = r"off (?:on )?"
_CLASS = r"off (?:on )?every product classified as {names}"
_CHANNEL = r"in the {text} channel"
_IF = r"off if (?:the )?order contains "
_LEAST = r"with items total (?:equal )?at least {money}"
_WORTH = r"products classified as {names} with a minimum value of {money}"
_ANY = r"if (?:the )?order contains any product classified as {names}"
_TWICE = r"{off} discount to every order " + _CHANNEL + r" and {off} discount to every order " + _CHANNEL
_TOTALS = (
    r" only applies to orders with a total of at least {money} for {text} channel"
    r"(?: and {money} for {text} channel)?"
)
_QUANTITIES = (
    r" has a per channel cart quantity rule requiring at least {count} items in {text} channel"
    r" and {count} items in {text} channel"
)
_PRODUCTS = r" applies to orders containing product {text} " + _CHANNEL + r" and product {text} " + _CHANNEL
_TAXONS = (
    r" applies to orders with a product from taxon {text} " + _CHANNEL + r" and from taxon {text} " + _CHANNEL
)
_SALE = (
    r" catalog promotion {text}(?: with priority {count})?(?: available in {text} channel)?"
    r" that reduces price by (?:fixed )?{off}(?: in the {text} channel)? and applies on {names} "
)
_PLAIN = r"there is (?:a|another)" + _SALE
_EXCLUSIVE = r"there is (?:an|another) exclusive" + _SALE

_ROWS: list[tuple[str, Callable[..., object]]] = [
    (r"there is (?:a|another) promotion {text}(?: with priority {count})?", _begin),
    (r"there is an exclusive promotion {text}(?: with priority {count})?", _exclusive),
    (r"there is a promotion {text} that applies to discounted products", _begin),
    (r"there is a promotion {text} that does not apply to discounted products", _sparing),
    (r"this promotion does not apply on discounted products", _spare),
    (r"this promotion applies on discounted products", nothing),
    (r"the store has (?:a )?promotion {text} with coupon {text}", _with_coupon),
    (r"(?:this|the) promotion (?:also )?has (?:a )?coupon {text}", _another_coupon),
    (_GIVES + r"{off} discount (?:to|on) every order", _order),
    (_GIVES + r"{off} discount to every order " + _LEAST, _order_of_total),
    (_GIVES + r"{off} discount to every order with quantity at least {count}", _order_of_quantity),
    (_GIVES + _TWICE, _order_by_channel),
    (_GIVES + r"{off} discount to every order in the {text} channel only", _order_in_channel),
    (_RULE + _TOTALS, _needed("total")),
    (_RULE + r" has an item total rule for at least {money} in {text} channel", _needed("total")),
    (_RULE + r" has a cart quantity rule for at least {count} items in {text} channel", _needed("quantity")),
    (_RULE + _QUANTITIES, _needed("quantity")),
    (_RULE + _PRODUCTS, _needed("has product")),
    (_RULE + _TAXONS, _needed("has taxons")),
    (_GIVES + r"{off} " + _IF + r"an? {text} product", _order_with_product),
    (_GIVES + r"{off} " + _IF + r"products classified as {names}", _order_with_taxons),
    (_GIVES + r"{off} " + _IF + _WORTH, _order_with_taxon_total),
    (_GIVES + r"{off} off the order for customers from {text} group", _order_of_tier),
    (_GIVES + r"{off} off (?:on )?(?:the )?customer's {count}(?:st|nd|rd|th) order", _order_of_first),
    (_GIVES + r"{off} " + _ON + r"(?:a|every) {text} product", _product),
    (_GIVES + r"{off} " + _CLASS, _taxons),
    (_GIVES + r"{off} " + _CLASS + r" and (?:a )?{off} discount (?:on|to) every order", _taxons_and_order),
    (_GIVES + r"{off} " + _CLASS + r" and (?:a )?{off} discount to every order " + _LEAST, _taxons_and_order_of_total),
    (_GIVES + r"{off} " + _CLASS + r" and a free shipping to every order " + _LEAST, _taxons_and_delivery_of_total),
    (_GIVES + r"{off} " + _CLASS + " " + _ANY, _taxons_with_taxons),
    (_GIVES + r"{off} " + _ON + r"every product with minimum price at {money}", _dearer),
    (_GIVES + r"{off} " + _ON + r"every product with maximum price at {money}", _cheaper),
    (_GIVES + r"{off} " + _ON + r"every product priced between {money} and {money}", _between),
    (_GIVES + r"{off} " + _ON + r"every product when the item total is at least {money}", _all_of_total),
    (_GIVES + r"{off} discount on shipping to every order", _delivery),
    (_GIVES + r"free shipping to every order(?: over {money})?", _free_delivery),
    (r"(?:this|the) promotion is valid until tomorrow", _until(1)),
    (r"(?:this|the) promotion has already expired", _until(0)),
    (r"(?:this|the) promotion (?:has )?started yesterday", _from(-1)),
    (r"(?:this|the) promotion starts tomorrow", _from(1)),
    (r"this coupon is valid until tomorrow", _coupon_until(1)),
    (r"this coupon (?:has already expired|expired yesterday)", _coupon_until(0)),
    (r"(?:this|the) promotion is not available in any channel", _disable),
    (r"(?:this|the) promotion was disabled for the channel {text}", _disable),
    (r"this promotion has usage limit equal to {count}", _uses_left(None)),
    (r"this promotion usage limit is already reached", _uses_left(0)),
    (r"this coupon (?:can be used|has usage limit of|usage is limited to) {count} times?", _uses_left(None)),
    (r"this coupon can be used (?:once|twice)(?: per customer)?", _uses_left(1)),
    (r"this coupon (?:has (?:already )?reached its usage limit|usage limit is already reached)", _uses_left(0)),
    (_PLAIN + r"products?", _catalogue("products")),
    (_PLAIN + r"variants?", _catalogue("variants")),
    (_PLAIN + r"taxons?", _catalogue("taxons")),
    (_EXCLUSIVE + r"products?", _catalogue("products", is_exclusive=True)),
    (_EXCLUSIVE + r"variants?", _catalogue("variants", is_exclusive=True)),
    (_EXCLUSIVE + r"taxons?", _catalogue("taxons", is_exclusive=True)),
    (r"the catalog promotion {text} operates between {text} and {text}", _between_days),
    (r"the end date of catalog promotion {text} was changed to {text}", _until_day),
]  # fmt: skip
SENTENCES = table(_ROWS)
