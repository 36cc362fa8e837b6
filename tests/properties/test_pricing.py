"""Pricing against an oracle of its own: exact fractions, one naive pass, nothing shared with the engine."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from protocol.basket import Basket
from protocol.item import Item
from protocol.pricing.engine import Pricer, price_basket
from protocol.pricing.tax import TaxTable

MILLION = 1_000_000
PRICES = st.one_of(st.integers(0, 30), st.integers(0, 5_000), st.integers(0, 4_000_000))
RATES = st.one_of(st.sampled_from([0, 50_000, 88_750, 200_000, 1]), st.integers(0, 4_000_000))


@st.composite
def tables(draw):
    rates = {letter: draw(RATES) for letter in "ABC"}
    return TaxTable(
        draw(st.sampled_from(["included", "excluded"])), draw(st.sampled_from(["line", "total"])), rates
    )


@st.composite
def baskets(draw):
    basket = Basket()
    for _ in range(draw(st.integers(0, 25))):
        tax_class = draw(st.sampled_from("ABC"))
        if draw(st.booleans()):
            item = Item("05000112637922", "unit", draw(PRICES), tax_class)
            basket.add(item, quantity=draw(st.integers(1, 40)))
        else:
            item = Item("00000000004011", "weighed", draw(PRICES), tax_class, "weight")
            basket.add(item, weight_g=draw(st.integers(1, 9_000)))
    for line in list(basket.lines):
        if draw(st.integers(0, 4)) == 0:
            basket.void(line.number)
    return basket


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def amount_of(line):
    if line.kind == "weight":
        return half_up(Fraction(line.unit_price_minor) * line.weight_g / 1000)
    return line.unit_price_minor * line.quantity


def exact_tax(amount: int, ppm: int, mode: str) -> Fraction:
    rate = Fraction(ppm, MILLION)
    return amount * rate / (1 + rate) if mode == "included" else amount * rate


def oracle_rows(basket, table):
    """{class: (net, tax)} by the definition alone."""
    rows = {}
    for letter in "ABC":
        amounts = [
            amount_of(line) for line in basket.lines if line.tax_class == letter and not line.is_voided
        ]
        taxes = [exact_tax(amount, table.rates[letter], table.mode) for amount in amounts]
        tax = sum(map(half_up, taxes)) if table.rounding == "line" else half_up(sum(taxes, Fraction(0)))
        net = sum(amounts) - (tax if table.mode == "included" else 0)
        if amounts:
            rows[letter] = (net, tax)
    return rows


@given(baskets(), tables())
def test_every_tax_row_equals_the_oracles(basket, table):
    priced = price_basket(basket.lines, table)

    found = {tax_class: (net, tax) for tax_class, _, net, tax in priced.tax_rows}

    assert found == oracle_rows(basket, table)
    assert [row[0] for row in priced.tax_rows] == sorted(found)
    assert all(ppm == table.rates[tax_class] for tax_class, ppm, _, _ in priced.tax_rows)


@given(baskets(), tables())
def test_lines_rows_and_totals_always_sum_exactly(basket, table):
    priced = price_basket(basket.lines, table)

    assert priced.total_minor == sum(gross for _, gross, _, _ in priced.lines)
    assert (
        priced.net_minor
        == sum(net for _, _, net, _ in priced.lines)
        == sum(row[2] for row in priced.tax_rows)
    )
    assert priced.tax_minor == sum(tax for *_, tax in priced.lines) == sum(row[3] for row in priced.tax_rows)
    assert all(gross == net + tax for _, gross, net, tax in priced.lines)
    for letter, _, net, tax in priced.tax_rows:
        numbers = {line.number for line in basket.open_lines() if line.tax_class == letter}
        own = [line for line in priced.lines if line[0] in numbers]
        assert (net, tax) == (sum(line[2] for line in own), sum(line[3] for line in own))


@given(baskets(), tables())
def test_no_amount_is_negative_and_each_lines_tax_is_within_one_of_exact(basket, table):
    priced = price_basket(basket.lines, table)

    for line, (number, gross, net, tax) in zip(basket.open_lines(), priced.lines, strict=True):
        amount = amount_of(line)
        assert number == line.number
        assert line.amount_minor == amount
        assert min(gross, net, tax) >= 0
        assert amount == (gross if table.mode == "included" else net)
        assert abs(tax - exact_tax(amount, table.rates[line.tax_class], table.mode)) <= 1


@given(baskets(), tables())
def test_what_the_shopper_pays_when_tax_is_included_is_the_shelf_prices(basket, table):
    included = TaxTable("included", table.rounding, table.rates)

    assert price_basket(basket.lines, included).total_minor == basket.subtotal_minor


@given(baskets(), tables(), st.randoms(use_true_random=False))
def test_the_order_of_scanning_does_not_change_totals_or_rows(basket, table, shuffler):
    shuffled = list(basket.lines)
    shuffler.shuffle(shuffled)

    one, other = price_basket(basket.lines, table), price_basket(shuffled, table)

    assert (one.total_minor, one.tax_rows) == (other.total_minor, other.tax_rows)


@given(baskets(), tables(), st.data())
def test_a_running_pricer_equals_the_full_answer_after_any_adds_and_voids(source, table, data):
    basket, pricer = Basket(), Pricer(table)
    for line in source.lines:
        item = Item(line.gtin, line.name, line.unit_price_minor, line.tax_class, line.kind)
        pricer.add(basket.add(item, line.quantity, line.weight_g))
        open_lines = basket.open_lines()
        if open_lines and data.draw(st.booleans()):
            pricer.remove(basket.void(data.draw(st.sampled_from(open_lines)).number))
        full = price_basket(basket.lines, table)
        assert pricer.totals() == (full.total_minor, full.net_minor, full.tax_minor)
        assert pricer.tax_rows() == full.tax_rows


@given(baskets(), tables(), PRICES, st.sampled_from("ABC"))
def test_adding_an_item_never_lowers_the_amount_to_pay(basket, table, price, tax_class):
    before = price_basket(basket.lines, table).total_minor

    basket.add(Item("05000112637922", "one more", price, tax_class))

    assert price_basket(basket.lines, table).total_minor >= before
