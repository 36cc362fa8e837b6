"""Engine 2: amounts, taxes and totals of a sale with discounts, in numbers done by hand."""

from protocol.pricing.sale import ENGINE
from protocol.pricing.tax import TaxSchedule, TaxTable, read_taxes
from tests.protocol.expect import raises
from tests.protocol.promotion_samples import APPLE, BREAD, SOAP, basket, priced, rules

HALF = {"then": {"percent_off": {"ppm": 500000}}}


def test_tax_is_on_what_is_left_after_discounts():
    sold = priced(basket((BREAD, 1), (SOAP, 1)), rules(HALF))

    assert sold.lines == [(1, 333, [("r1", 1, 167)], 166, 158, 8), (2, 250, [("r1", 1, 125)], 125, 104, 21)]
    assert sold.tax_rows == [("A", 50000, 158, 8), ("B", 200000, 104, 21)]
    assert (sold.total_minor, sold.net_minor, sold.tax_minor) == (291, 262, 29)


def test_excluded_tax_is_added_on_top():
    taxes = TaxTable("excluded", "line", {"A": 50000, "B": 200000})

    sold = priced(basket((BREAD, 1), (SOAP, 1)), rules(HALF), taxes)

    assert [line[3:] for line in sold.lines] == [(166, 166, 8), (125, 125, 25)]
    assert sold.total_minor == 324


def test_tax_rounded_per_total_is_spread_over_the_lines():
    lines = basket((APPLE, 1), (APPLE, 1), (APPLE, 1))

    by_line = priced(lines, None)
    by_total = priced(lines, None, TaxTable("included", "total", {"A": 50000}))

    assert (by_line.tax_minor, by_total.tax_minor) == (15, 14)
    assert [line[5] for line in by_total.lines] == [5, 5, 4]


def test_an_exempt_class_has_a_row_without_tax():
    sold = priced(basket((APPLE, 1)), None, TaxTable("included", "line", {"A": 0}))

    assert sold.tax_rows == [("A", 0, 100, 0)]


def test_a_class_that_the_table_does_not_have_is_a_fault_of_the_setting():
    for rounding in ("line", "total"):
        raises("tax-class-unknown", priced, basket((SOAP, 1)), None, TaxTable("included", rounding, {"A": 1}))


def test_rates_change_with_the_day_of_the_sale():
    schedule = TaxSchedule("included", "line", [("2007-01-01", {"A": 190000}), ("2020-07-01", {"A": 160000})])
    lines = basket((APPLE, 1))

    before = priced(lines, None, schedule, at="2020-06-30T23:59")
    after = priced(lines, None, schedule, at="2020-07-01T00:00")

    assert (before.tax_minor, after.tax_minor) == (16, 14)
    assert schedule.at("1999-01-01").rates == {"A": 190000}
    assert read_taxes(schedule.document()).hash == schedule.hash == schedule.at("2020-07-01").hash


def test_a_wrong_schedule_is_refused():
    first = {"from": "2020-07-01", "rates": {"A": 1}}
    cases = (
        [],
        [first, first],
        [dict(first, **{"from": "2020-7-1"})],
        [dict(first, **{"from": 7})],
        [{"from": "2020-07-01"}],
        [dict(first, rates={"AB": 1})],
        7,
    )

    for periods in cases:
        told = {"v": 2, "mode": "included", "rounding": "line", "periods": periods}
        raises("tax-table-wrong", read_taxes, told)
    raises("tax-table-wrong", read_taxes, {"v": 2, "mode": "included"})


def test_a_voided_line_costs_nothing_and_is_not_in_the_trace():
    lines = basket((APPLE, 1), (BREAD, 1))
    lines[0] = lines[0].voided()

    sold = priced(lines, rules(HALF))

    assert [line[0] for line in sold.lines] == [2]


def test_an_empty_basket_costs_nothing():
    sold = priced([], rules(HALF))

    assert (sold.lines, sold.tax_rows, sold.total_minor) == ([], [], 0)


def test_the_trace_is_plain_data():
    told = priced(basket((BREAD, 1)), rules(HALF)).document()

    assert told == {
        "v": 1,
        "engine": ENGINE,
        "lines": [
            {
                "line": 1,
                "list_minor": 333,
                "shares": [{"rule": "r1", "units": 1, "minor": 167}],
                "amount_minor": 166,
                "net_minor": 158,
                "tax_minor": 8,
            }
        ],
        "list_minor": 333,
        "discounts": [{"rule": "r1", "minor": 167}],
        "total_minor": 166,
        "net_minor": 158,
        "tax_minor": 8,
        "tax_rows": [{"tax_class": "A", "ppm": 50000, "net_minor": 158, "tax_minor": 8}],
        "points": [],
        "points_spent": [],
        "coupons": [],
    }
