"""Sentences that state what comes out: each answers (what is expected, what our engine gives)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.peers.promotions.sentences import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.promotions.ours import Answer, Row
    from tests.peers.promotions.shop import Money, Shop

Pair = tuple[object, object]


def _of(read: Callable[[Answer], int]) -> Callable[..., Pair]:
    """A sentence with one amount of the whole cart."""

    def reader(_shop: Shop, answer: Answer, expected: Money) -> Pair:
        return expected, answer.money(read(answer))

    return reader


def _none_of(read: Callable[[Answer], int]) -> Callable[..., Pair]:
    def reader(_shop: Shop, answer: Answer) -> Pair:
        return answer.money(0), answer.money(read(answer))

    return reader


def _each(read: Callable[[Row], int]) -> Callable[..., Pair]:
    """A sentence with what one piece costs; a line of several pieces must be that many times as much."""

    def reader(_shop: Shop, answer: Answer, name: str, expected: Money) -> Pair:
        rows = answer.rows_of(name)
        if any(read(row) == expected.minor * row.quantity for row in rows):
            return expected, answer.money(expected.minor)
        return expected, [f"{answer.money(read(row))} for {row.quantity}" for row in rows]

    return reader


def _line(read: Callable[[Row], int]) -> Callable[..., Pair]:
    """A sentence with what a line costs, all its pieces."""

    def reader(_shop: Shop, answer: Answer, name: str, expected: Money) -> Pair:
        return expected, answer.money(sum(read(row) for row in answer.rows_of(name)))

    return reader


def _after_items(row: Row) -> int:
    return row.shelf - row.item_off


def _last_off(shop: Shop, answer: Answer, expected: Money) -> Pair:
    rows = [row for row in answer.rows if row.variant.number in shop.last_added]
    return expected, answer.money(sum(row.item_off for row in rows))


def _not_off(_shop: Shop, answer: Answer, name: str) -> Pair:
    return answer.money(0), answer.money(sum(row.item_off for row in answer.rows_of(name)))


def _quantity(_shop: Shop, answer: Answer, name: str, expected: int) -> Pair:
    return expected, sum(row.quantity for row in answer.rows_of(name))


def _quantity_first(shop: Shop, answer: Answer, expected: int, name: str) -> Pair:
    return _quantity(shop, answer, name, expected)


def _total_quantity(_shop: Shop, answer: Answer, expected: int) -> Pair:
    return expected, sum(row.quantity for row in answer.rows)


def _one_item(_shop: Shop, answer: Answer) -> Pair:
    return 1, len(answer.rows)


def _items(_shop: Shop, answer: Answer, expected: int) -> Pair:
    return expected, len(answer.rows)


def _empty(_shop: Shop, answer: Answer) -> Pair:
    return (0, 0), (len(answer.rows), answer.total)


def _only(_shop: Shop, answer: Answer, name: str) -> Pair:
    return [name], [row.variant.product for row in answer.rows]


def _has(_shop: Shop, answer: Answer, name: str) -> Pair:
    return True, bool(answer.rows_of(name))


def _named(_shop: Shop, answer: Answer, name: str) -> Pair:
    return name, answer.rows[-1].variant.product if answer.rows else None


def _variant(_shop: Shop, answer: Answer, name: str) -> Pair:
    return name, answer.rows[-1].variant.name if answer.rows else None


def _code(_shop: Shop, answer: Answer, code: str) -> Pair:
    return code, answer.rows[-1].variant.code if answer.rows else None


def _viewed(read: Callable[[Row], int]) -> Callable[..., Pair]:
    def reader(_shop: Shop, answer: Answer, expected: Money) -> Pair:
        return expected, answer.money(sum(read(row) for row in answer.rows))

    return reader


def _from_to(_shop: Shop, answer: Answer, was: Money, now: Money, _names: list[str]) -> Pair:
    listed, shelf = sum(row.listed for row in answer.rows), sum(row.shelf for row in answer.rows)
    return f"from {was} to {now}", f"from {answer.money(listed)} to {answer.money(shelf)}"


def _not_in_catalogue(_shop: Shop, answer: Answer) -> Pair:
    return answer.money(0), answer.money(sum(row.listed - row.shelf for row in answer.rows))


def _refused(shop: Shop, _answer: Answer) -> Pair:
    return "quantity-out-of-range", shop.refusal


_NO_DISCOUNT = r"there should be no discount(?: applied)?"
_TOTAL = r"(?:my cart(?:'s)? total|the cart total|my order total|the grand total value) should be {money}"
_IN_CART = r"(?: in (?:my|the|his) cart)?"
_LESS = r"price should be (?:decreased|discounted) by {money}"
_ROWS: list[tuple[str, Callable[..., Pair]]] = [
    (_TOTAL, _of(lambda answer: answer.total)),
    (r"my cart taxes should be {money}", _of(lambda answer: answer.tax_added)),
    (r"my (?:cart )?included in price taxes should be {money}", _of(lambda answer: answer.tax_included)),
    (r"there should be no taxes charged", _none_of(lambda answer: answer.tax_added + answer.tax_included)),
    (r"my cart (?:shipping total|estimated shipping cost) should be {money}", _of(lambda answer: answer.delivery)),
    (r"there should be no shipping fee", _none_of(lambda answer: answer.delivery)),
    (r"my cart shipping should be for [Ff]ree", _none_of(lambda answer: answer.delivery)),
    (r"my cart items total should be {money}", _of(lambda answer: answer.items_total)),
    (r"my cart should have {money} items total", _of(lambda answer: answer.items_total)),
    (r"my discount should be {money}", _of(lambda answer: -answer.discount)),
    (_NO_DISCOUNT, _none_of(lambda answer: answer.discount)),
    (r"total price of {text} item should be {money}", _line(lambda row: row.shelf)),
    (r"the product {text} should have total price {money} in the cart", _line(lambda row: row.amount)),
    (r"I should see {text} (?:only )?with unit price {money}" + _IN_CART, _each(lambda row: row.shelf)),
    (r"I should see {text} with original price {money}" + _IN_CART, _each(lambda row: row.listed)),
    (r"I should see {text} with discounted unit price {money}" + _IN_CART, _each(_after_items)),
    (r"the product {text} should have discounted unit price {money}" + _IN_CART, _each(_after_items)),
    (r"I should see (?:the|this) product price {money}", _viewed(lambda row: row.shelf)),
    (r"I should see (?:the|this) product original price {money}", _viewed(lambda row: row.listed)),
    (r"I should see (?:the|this) variant price {money}", _viewed(lambda row: row.shelf)),
    (r"I should see this variant is discounted from {money} to {money} with {names} promotions?", _from_to),
    (r"I should see this product has no catalog promotion applied", _not_in_catalogue),
    (r"(?:its|theirs) (?:subtotal )?" + _LESS, _last_off),
    (r"product {text} " + _LESS, _line(lambda row: row.item_off)),
    (r"product {text} price should not be decreased", _not_off),
    (r"I should see {text} with quantity {count}" + _IN_CART, _quantity),
    (r"the (?:visitor|customer) should see product {text} with quantity {count}" + _IN_CART, _quantity),
    (r"the quantity of {text} should be {count}", _quantity),
    (r"my cart should have quantity of {count} items of product {text}", _quantity_first),
    (r"I should see cart total quantity is {count}", _total_quantity),
    (r"there should be one item in my cart", _one_item),
    (r"there should be {count} items? in my cart", _items),
    (r"there should be one item named {text} in my cart", _only),
    (r"the (?:visitor|customer) can see {text} product in the cart", _has),
    (r"this item should have name {text}", _named),
    (r"this (?:item should have variant|product should have \w+) {text}", _variant),
    (r"this item should have code {text}", _code),
    (r"my cart should be (?:empty|cleared)", _empty),
    (r"(?:I should (?:have|see) an? empty cart|I should have empty cart)", _empty),
    (r"cart should be empty with no value", _empty),
    (r"I should be notified that quantity of added product cannot be lower that 1", _refused),
]  # fmt: skip
SENTENCES = table(_ROWS)
