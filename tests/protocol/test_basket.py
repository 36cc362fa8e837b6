"""A basket holds numbered lines within bounds, never a negative one, and copies change on their own."""

from protocol.basket import Basket, Line
from protocol.facts import Facts
from protocol.item import Item
from protocol.limits import (
    MAX_BASKET_LINES,
    MAX_QUANTITY,
    MAX_SUBTOTAL_MINOR,
    MAX_UNIT_PRICE_MINOR,
    MAX_WEIGHT_G,
)
from tests.protocol.expect import raises

DRINKS = Facts("drinks")
COLA = Item("05000112637922", "Cola", 120, "A", facts=DRINKS, levels=(("member", 99),))
BANANAS = Item("00000000004011", "Bananas", 180, "B", kind="weight")
WHISKY = Item("05010327000176", "Whisky", 2499, "A", age_min=18)
DEAREST = Item("00000000000017", "Dearest", MAX_UNIT_PRICE_MINOR, "A")


def test_a_line_carries_what_was_sold_and_its_amount():
    basket = Basket()

    line = basket.add(COLA, quantity=3)

    assert (line.number, line.gtin, line.name, line.kind) == (1, COLA.gtin, "Cola", "unit")
    assert (line.quantity, line.weight_g, line.unit_price_minor, line.amount_minor) == (3, 0, 120, 360)
    assert (line.tax_class, line.source, line.is_voided) == ("A", "scan", False)
    assert (line.facts, line.levels) == (DRINKS, (("member", 99),))


def test_a_weighed_line_costs_price_per_kilogram_times_weight_rounded_half_up():
    table = ((180, 1, 0), (180, 3, 1), (180, 345, 62), (500, 1, 1), (499, 1, 0), (180, 1000, 180))

    for price, weight_g, amount in table:
        item = Item(BANANAS.gtin, "Bananas", price, "B", kind="weight")
        assert Basket().add(item, weight_g=weight_g).amount_minor == amount, (price, weight_g)


def test_a_label_with_a_price_fixes_the_amount_of_one_piece():
    line = Basket().add(BANANAS, source="label", price_minor=377)

    assert (line.kind, line.quantity, line.weight_g) == ("unit", 1, 0)
    assert (line.unit_price_minor, line.amount_minor, line.source) == (377, 377, "label")


def test_lines_are_numbered_in_order_and_keep_their_number_when_one_is_voided():
    basket = Basket()
    for item in (COLA, WHISKY, COLA):
        basket.add(item)

    voided = basket.void(2)

    assert voided.number == 2
    assert not voided.is_voided
    assert [line.number for line in basket.lines] == [1, 2, 3]
    assert [line.number for line in basket.open_lines()] == [1, 3]
    assert basket.lines[1].is_voided
    assert basket.add(COLA).number == 4


def test_the_subtotal_counts_open_lines_only():
    basket = Basket()
    basket.add(COLA, quantity=2)
    basket.add(WHISKY)

    basket.void(2)

    assert basket.subtotal_minor == 240


def test_the_age_limit_is_the_highest_of_the_open_lines():
    basket = Basket()
    assert basket.age_min() == 0
    basket.add(COLA)
    basket.add(WHISKY)
    assert basket.age_min() == 18

    basket.void(2)

    assert basket.age_min() == 0


def test_a_copy_changes_on_its_own():
    basket = Basket()
    basket.add(COLA)
    twin = basket.copy()

    twin.add(WHISKY)
    twin.void(1)

    assert len(basket.lines) == 1
    assert not basket.lines[0].is_voided
    assert (basket.subtotal_minor, twin.subtotal_minor) == (120, 2499)


def test_quantities_weights_and_prices_outside_their_bounds_are_refused_and_change_nothing():
    cases = (
        ("quantity-out-of-range", COLA, {"quantity": 0}),
        ("quantity-out-of-range", COLA, {"quantity": -1}),
        ("quantity-out-of-range", COLA, {"quantity": MAX_QUANTITY + 1}),
        ("quantity-out-of-range", COLA, {"quantity": 1.5}),
        ("quantity-out-of-range", COLA, {"quantity": True}),
        ("quantity-out-of-range", COLA, {"quantity": "2"}),
        ("quantity-out-of-range", BANANAS, {"quantity": 2, "weight_g": 100}),
        ("weight-missing", BANANAS, {}),
        ("weight-out-of-range", BANANAS, {"weight_g": -1}),
        ("weight-out-of-range", BANANAS, {"weight_g": MAX_WEIGHT_G + 1}),
        ("weight-out-of-range", BANANAS, {"weight_g": 0.5}),
        ("weight-not-wanted", COLA, {"weight_g": 100}),
        ("weight-not-wanted", BANANAS, {"weight_g": 100, "price_minor": 377}),
        ("price-out-of-range", BANANAS, {"price_minor": -1}),
        ("price-out-of-range", BANANAS, {"price_minor": MAX_UNIT_PRICE_MINOR + 1}),
        ("label-price-not-wanted", COLA, {"price_minor": 1}),
        ("line-source-wrong", COLA, {"source": "thrown in"}),
    )
    basket = Basket()

    for code, item, fields in cases:
        raises(code, basket.add, item, **fields)
    assert basket.lines == []
    assert basket.subtotal_minor == 0


def test_the_bounds_themselves_are_allowed():
    basket = Basket()

    basket.add(COLA, quantity=MAX_QUANTITY)
    basket.add(BANANAS, weight_g=MAX_WEIGHT_G)
    basket.add(BANANAS, weight_g=1)
    basket.add(Item(COLA.gtin, "gift", 0, "A"))

    assert basket.subtotal_minor == 120 * MAX_QUANTITY + 180 * MAX_WEIGHT_G // 1000


def test_a_basket_is_full_at_its_bound_and_voiding_makes_no_room():
    basket = Basket()
    for _ in range(MAX_BASKET_LINES):
        basket.add(COLA)

    basket.void(1)

    raises("basket-full", basket.add, COLA)
    assert len(basket.lines) == MAX_BASKET_LINES


def test_a_subtotal_beyond_the_largest_amount_is_refused_and_changes_nothing():
    basket = Basket()
    basket.add(DEAREST, quantity=23)

    raises("basket-too-dear", basket.add, DEAREST)
    basket.add(Item(COLA.gtin, "rest", MAX_SUBTOTAL_MINOR - basket.subtotal_minor, "A"))

    assert basket.subtotal_minor == MAX_SUBTOTAL_MINOR
    raises("basket-too-dear", basket.add, Item(COLA.gtin, "penny", 1, "A"))


def test_a_line_that_is_not_there_or_voided_cannot_be_voided():
    basket = Basket()
    basket.add(COLA)
    basket.add(COLA)
    basket.void(1)

    for number in (0, -1, 3, "2", None, 1.0):
        raises("line-unknown", basket.void, number)
    raises("line-voided-already", basket.void, 1)


def test_a_basket_is_rebuilt_from_ready_lines_in_their_order_only():
    basket = Basket()
    first = Line(1, COLA.gtin, "Cola", "unit", 2, 0, 120, "A", "scan")
    second = Line(2, BANANAS.gtin, "Bananas", "weight", 1, 345, 180, "B", "scan", is_voided=True)

    basket.append(first)
    raises("line-number-wrong", basket.append, first)
    basket.append(second)

    assert basket.subtotal_minor == 240
    assert [line.number for line in basket.open_lines()] == [1]


def test_a_line_outside_its_bounds_cannot_be_made():
    def line(kind="unit", quantity=1, weight_g=0, price=1, tax_class="A", source="scan"):
        return Line(1, COLA.gtin, "Cola", kind, quantity, weight_g, price, tax_class, source)

    raises("line-kind-wrong", line, kind="piece")
    raises("tax-class-wrong", line, tax_class="a")
    raises("tax-class-wrong", line, tax_class="")
    raises("line-source-wrong", line, source="")
    raises("price-out-of-range", line, price=-1)
    raises("price-out-of-range", line, price=None)
    raises("quantity-out-of-range", line, quantity=0)
    raises("weight-out-of-range", line, weight_g=1)
    raises("weight-out-of-range", line, kind="weight")
