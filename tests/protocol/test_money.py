"""Money is integers, spelt and split in one way."""

from protocol.money import (
    DOWN,
    HALF_EVEN,
    HALF_UP,
    allocate,
    cash_round,
    divide_round,
    exponent,
    format_amount,
    parse_amount,
    share,
)
from tests.protocol.expect import raises


def test_a_currency_has_its_number_of_decimals():
    for currency, decimals in (("EUR", 2), ("JPY", 0), ("BHD", 3), ("CLF", 4), ("XCG", 2), ("AED", 2)):
        assert exponent(currency) == decimals


def test_what_is_no_currency_in_use_is_refused():
    for currency in ("", "eur", "EURO", "XXX", "XAU", "ZZZ", "D A", "ED ", " AE", "\u20ac", None, 978):
        raises("currency-unknown", exponent, currency)


def test_an_amount_is_spelt_with_all_decimals_a_point_and_a_minus():
    table = (
        (1250, "EUR", "12.50"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (-123456789, "USD", "-1234567.89"),
        (700, "JPY", "700"),
        (-7, "JPY", "-7"),
        (1, "BHD", "0.001"),
        (12345, "CLF", "1.2345"),
    )
    for amount_minor, currency, text in table:
        assert format_amount(amount_minor, currency) == text
        assert parse_amount(text, currency) == amount_minor


def test_any_other_spelling_of_an_amount_is_refused():
    for text in (
        "", "-", ".", "1", "1250", "12.5", "12.500", ".50", "12.", "12,50", "1,250.00", "+1.00", " 1.00", "1.00 ",
        "-0.00", "01.00", "--1.00", "1-.00", "1e2", "NaN", "1\u0662.00", "\u0661.00", "0x1.00", "1_0.00", "12.5\n",
    ):  # fmt: skip
        raises("amount-spelling-wrong", parse_amount, text, "EUR")
    for text in ("", "-", "-0", "00", "1.0", "1."):
        raises("amount-spelling-wrong", parse_amount, text, "JPY")


def test_an_amount_of_any_length_is_refused_beyond_63_bits():
    assert parse_amount("92233720368547758.07", "EUR") == 9223372036854775807
    raises("amount-out-of-range", parse_amount, "92233720368547758.08", "EUR")
    raises("amount-spelling-wrong", parse_amount, "9" * 5000 + ".00", "EUR")


def test_only_integers_are_money():
    for amount in (1.0, "1", True, None):
        raises("money-not-integer", format_amount, amount, "EUR")
        raises("money-not-integer", share, amount, 1000)
        raises("money-not-integer", allocate, amount, [1])
        raises("money-not-integer", cash_round, amount, 5)
        raises("money-not-integer", divide_round, amount, 2)


def test_division_rounds_by_its_mode_and_symmetrically_about_zero():
    table = (
        (5, 2, 3, 2, 2),
        (7, 2, 4, 4, 3),
        (3, 4, 1, 1, 0),
        (1, 4, 0, 0, 0),
        (29, 10, 3, 3, 2),
        (25, 10, 3, 2, 2),
        (35, 10, 4, 4, 3),
        (0, 7, 0, 0, 0),
        (14, 7, 2, 2, 2),
    )
    for numerator, denominator, half_up, half_even, down in table:
        for sign in (1, -1):
            assert divide_round(sign * numerator, denominator) == sign * half_up
            assert divide_round(sign * numerator, denominator, HALF_UP) == sign * half_up
            assert divide_round(sign * numerator, denominator, HALF_EVEN) == sign * half_even
            assert divide_round(sign * numerator, denominator, DOWN) == sign * down
            assert divide_round(numerator, sign * denominator) == sign * half_up


def test_division_by_zero_and_unknown_modes_are_our_bugs():
    raises("money-division-by-zero", divide_round, 1, 0)
    raises("rounding-mode-wrong", divide_round, 1, 2, "nearest")


def test_a_share_is_counted_in_parts_per_million():
    assert share(10000, 200000) == 2000
    assert share(1, 500000) == 1
    assert share(-1, 500000) == -1
    assert share(1, 500000, DOWN) == 0
    assert share(1050, 77500, HALF_EVEN) == 81


def test_parts_sum_to_the_whole_and_ties_go_to_the_earlier_part():
    table = (
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (10, [0, 1, 0], [0, 10, 0]),
        (1, [3, 7], [0, 1]),
        (5, [1, 2], [2, 3]),
        (0, [1, 2], [0, 0]),
        (7, [5], [7]),
        (1000, [333, 333, 334], [333, 333, 334]),
    )
    for total, weights, parts in table:
        assert allocate(total, weights) == parts


def test_weights_that_split_nothing_are_refused():
    for weights in ([0], [0, 0], [1, -1], [2, -1], [1.0], [True]):
        raises("shares-weight-wrong", allocate, 10, weights)
    raises("shares-count-wrong", allocate, 10, [])
    raises("shares-count-wrong", allocate, 10, [1] * 10001)


def test_cash_is_rounded_to_the_nearest_coin():
    table = (
        (1252, 5, 1250),
        (1253, 5, 1255),
        (-1253, 5, -1255),
        (25, 50, 50),
        (24, 50, 0),
        (7, 1, 7),
        (1249, 10, 1250),
    )
    for amount, increment, rounded in table:
        assert cash_round(amount, increment) == rounded
    assert cash_round(1259, 10, DOWN) == 1250
    for increment in (0, -5, 0.5):
        raises("cash-increment-wrong", cash_round, 100, increment)
