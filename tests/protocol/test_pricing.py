"""What a basket costs with tax: written cases with their result, exact sums, running totals equal to full ones."""

import binascii

from protocol.basket import Basket, Line
from protocol.item import Item
from protocol.limits import MAX_TAX_PPM
from protocol.pricing.engine import ENGINE, Pricer, price_basket
from protocol.pricing.tax import TaxTable, read_tax_table
from tests.protocol.expect import raises

UK = {"A": 200000, "B": 50000, "Z": 0}


def lines_of(*amounts):
    """Lines from ("A", 250) pairs: one piece each at that price."""
    basket = Basket()
    for tax_class, price in amounts:
        basket.add(Item("05000112637922", "item", price, tax_class))
    return basket.lines


def test_the_engine_has_a_number_that_sales_record():
    assert ENGINE == 1


def test_baskets_cost_what_is_written_here():
    included, excluded = "included", "excluded"
    mixed = (("A", 120), ("B", 105), ("Z", 99))
    # mode, rounding, lines -> total, net, tax
    table = (
        (included, "line", (("A", 120),), (120, 100, 20)),
        (included, "line", mixed, (324, 299, 25)),
        (excluded, "line", mixed, (324 + 24 + 5, 324, 29)),
        (excluded, "line", (("A", 2),) * 3, (6, 6, 0)),
        (excluded, "total", (("A", 2),) * 3, (7, 6, 1)),
        (excluded, "line", (("A", 3),) * 3, (12, 9, 3)),
        (excluded, "total", (("A", 3),) * 3, (11, 9, 2)),
        (included, "line", (("A", 3),) * 2, (6, 4, 2)),
        (included, "total", (("A", 3),) * 2, (6, 5, 1)),
        (included, "line", (), (0, 0, 0)),
        (excluded, "total", (), (0, 0, 0)),
        (excluded, "total", (("A", 0), ("A", 0)), (0, 0, 0)),
    )

    for mode, rounding, amounts, expected in table:
        priced = price_basket(lines_of(*amounts), TaxTable(mode, rounding, UK))
        found = (priced.total_minor, priced.net_minor, priced.tax_minor)
        assert found == expected, (mode, rounding, amounts, found)


def test_each_line_has_gross_net_and_tax():
    lines = lines_of(("A", 120), ("B", 105), ("Z", 99))

    included = price_basket(lines, TaxTable("included", "line", UK))
    excluded = price_basket(lines, TaxTable("excluded", "line", UK))

    assert included.lines == [(1, 120, 100, 20), (2, 105, 100, 5), (3, 99, 99, 0)]
    assert excluded.lines == [(1, 144, 120, 24), (2, 110, 105, 5), (3, 99, 99, 0)]


def test_tax_rows_stand_by_letter_with_exempt_classes_at_rate_0():
    priced = price_basket(
        lines_of(("Z", 99), ("B", 105), ("A", 120), ("A", 60)), TaxTable("included", "line", UK)
    )

    assert priced.tax_rows == [("A", 200000, 150, 30), ("B", 50000, 100, 5), ("Z", 0, 99, 0)]


def test_tax_of_a_total_is_spread_over_its_lines_by_largest_remainder():
    # 20 % of 9 is 1.8, so 2: each line's exact part is 0.6, and the first two get the whole pennies.
    priced = price_basket(lines_of(("A", 3), ("A", 3), ("A", 3)), TaxTable("excluded", "total", UK))

    assert priced.lines == [(1, 4, 3, 1), (2, 4, 3, 1), (3, 3, 3, 0)]


def test_a_thousand_half_pennies_of_tax_are_not_a_thousand_pennies_of_tax():
    half = {"A": 50000}
    lines = lines_of(*[("A", 10)] * 1000)

    per_total = price_basket(lines, TaxTable("excluded", "total", half))
    per_line = price_basket(lines, TaxTable("excluded", "line", half))

    assert per_total.tax_minor == 500
    assert per_line.tax_minor == 1000
    for priced in (per_total, per_line):
        assert priced.total_minor == sum([line[1] for line in priced.lines])


def test_voided_lines_cost_nothing_and_leave_no_tax_row():
    basket = Basket()
    basket.add(Item("05000112637922", "cola", 120, "A"))
    basket.add(Item("05000112637922", "book", 500, "Z"))
    basket.void(2)

    priced = price_basket(basket.lines, TaxTable("included", "line", UK))

    assert priced.lines == [(1, 120, 100, 20)]
    assert priced.tax_rows == [("A", 200000, 100, 20)]


def test_running_totals_equal_the_full_answer_after_each_step():
    for mode in ("included", "excluded"):
        for rounding in ("line", "total"):
            table = TaxTable(mode, rounding, UK)
            basket, pricer = Basket(), Pricer(table)
            for number in range(60):
                line = basket.add(Item("05000112637922", "item", 7 * number + 3, "ABZ"[number % 3]))
                pricer.add(line)
                if number % 4 == 3:
                    pricer.remove(basket.void(number - 2))
                full = price_basket(basket.lines, table)
                assert pricer.totals() == (full.total_minor, full.net_minor, full.tax_minor)
                assert pricer.tax_rows() == full.tax_rows


def test_a_copied_pricer_goes_on_by_itself():
    pricer = Pricer(TaxTable("included", "line", UK))
    first, second = lines_of(("A", 120), ("A", 60))
    pricer.add(first)

    twin = pricer.copy()
    twin.add(second)

    assert pricer.totals() == (120, 100, 20)
    assert twin.totals() == (180, 150, 30)


def test_a_tax_class_without_a_rate_is_a_setting_to_mend():
    lines = lines_of(("A", 120), ("C", 120))
    for rounding in ("line", "total"):
        table = TaxTable("included", rounding, UK)
        pricer = Pricer(table)
        pricer.add(lines[0])

        raises("tax-class-unknown", price_basket, lines, table)
        raises("tax-class-unknown", pricer.add, lines[1])

        assert pricer.totals() == (120, 100, 20)


def test_a_total_of_more_than_twelve_digits_is_refused():
    line = Line(1, "05000112637922", "dear", "unit", 99999, 0, 4294967295, "A")

    raises("total-out-of-range", price_basket, [line], TaxTable("excluded", "line", {"A": MAX_TAX_PPM}))


def test_a_tax_table_that_cannot_be_is_refused():
    cases = (
        ("gross", "line", UK),
        ("included", "receipt", UK),
        ("included", "line", {}),
        ("included", "line", {"AB": 1}),
        ("included", "line", {"a": 1}),
        ("included", "line", {"A": -1}),
        ("included", "line", {"A": MAX_TAX_PPM + 1}),
        ("included", "line", {"A": 0.2}),
        ("included", "line", {"A": True}),
        ("included", "line", {1: 200000}),
        ("included", "line", None),
        (None, "line", UK),
        ([], "line", UK),
    )

    for mode, rounding, rates in cases:
        raises("tax-table-wrong", TaxTable, mode, rounding, rates)


def test_a_tax_table_comes_back_from_its_document_with_the_same_hash():
    table = TaxTable("excluded", "total", UK)

    read = read_tax_table(table.document())

    assert (read.mode, read.rounding, read.rates, read.hash) == ("excluded", "total", UK, table.hash)


def test_a_tax_table_has_this_golden_hash():
    table = TaxTable("included", "line", {"B": 50000, "A": 200000})

    assert binascii.hexlify(table.hash) == GOLDEN_HASH


# SHA-256 of {"mode":"included","rates":{"A":200000,"B":50000},"rounding":"line","v":1}
GOLDEN_HASH = b"7f7b5251293941eb9a54d6ad1dcd1e3adc7f35b8cc02203daac0c571684d3a96"


def test_every_part_of_a_tax_table_changes_its_hash():
    tables = [
        TaxTable("included", "line", UK),
        TaxTable("excluded", "line", UK),
        TaxTable("included", "total", UK),
        TaxTable("included", "line", {"A": 200000, "B": 50000}),
        TaxTable("included", "line", {"A": 200000, "B": 50001, "Z": 0}),
    ]

    assert len({table.hash for table in tables}) == len(tables)


def test_a_wrong_tax_document_is_refused():
    right = TaxTable("included", "line", UK).document()
    for wrong in (
        None,
        [],
        {},
        {"v": 2, "mode": "included", "rounding": "line", "rates": UK},
        {"v": 1, "mode": "included", "rounding": "line", "rates": []},
        {"v": 1, "mode": "included", "rounding": "line"},
        {"v": 1, "mode": "included", "rounding": "line", "rates": UK, "extra": 1},
        {"v": 1, "mode": {}, "rounding": "line", "rates": UK},
    ):
        raises("tax-table-wrong", read_tax_table, wrong)
    assert read_tax_table(right).rates == UK
