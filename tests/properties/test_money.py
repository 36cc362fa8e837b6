"""Money: properties for all amounts, and the table of currencies against ISO 4217 and CLDR."""

import csv
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.limits import MAX_INTEGER
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
)
from tests.shared_data import shared

AMOUNTS = st.integers(-MAX_INTEGER, MAX_INTEGER)
CURRENCIES = st.sampled_from(["EUR", "JPY", "BHD", "CLF", "USD"])
WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=50).filter(any)


@given(AMOUNTS, CURRENCIES)
def test_reading_what_was_spelt_gives_the_amount(amount_minor, currency):
    assert parse_amount(format_amount(amount_minor, currency), currency) == amount_minor


@given(st.text(max_size=30) | st.from_regex(r"-?[0-9]{1,4}\.?[0-9]{0,4}", fullmatch=True), CURRENCIES)
def test_a_text_is_the_one_spelling_of_an_amount_or_refused(text, currency):
    try:
        amount_minor = parse_amount(text, currency)
    except PeerError:
        return
    assert format_amount(amount_minor, currency) == text


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_whole_and_are_within_one_unit_of_their_share(total_minor, weights):
    parts = allocate(total_minor, weights)

    assert sum(parts) == total_minor
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total_minor * weight) < whole
        assert weight or not part


@given(AMOUNTS, WEIGHTS)
def test_a_negative_total_is_split_like_the_positive_one(total_minor, weights):
    assert allocate(-total_minor, weights) == [-part for part in allocate(total_minor, weights)]


@given(st.integers(0, MAX_INTEGER), st.lists(st.integers(1, 100), min_size=2, max_size=10))
def test_equal_weights_differ_by_one_unit_at_most_the_earlier_having_more(total_minor, weights):
    weights[1] = weights[0]

    parts = allocate(total_minor, weights)

    assert parts[0] - parts[1] in {0, 1}


@given(AMOUNTS, st.integers(-(10**12), 10**12).filter(bool))
def test_rounding_agrees_with_exact_fractions(numerator, denominator):
    exact = Fraction(numerator, denominator)
    half_up = int(abs(exact) + Fraction(1, 2))

    assert divide_round(numerator, denominator, HALF_EVEN) == round(exact)
    assert divide_round(numerator, denominator, DOWN) == int(exact)
    assert divide_round(numerator, denominator, HALF_UP) == (half_up if exact > 0 else -half_up)


@given(AMOUNTS, st.integers(1, 10000))
def test_cash_rounding_moves_by_half_a_coin_at_most_and_changes_nothing_twice(amount_minor, increment_minor):
    rounded = cash_round(amount_minor, increment_minor)

    assert rounded % increment_minor == 0
    assert 2 * abs(rounded - amount_minor) <= increment_minor
    assert cash_round(rounded, increment_minor) == rounded


def test_every_currency_of_iso_4217_has_its_decimals_and_no_other_code_is_known():
    with shared("data/iso4217/codes-all.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["AlphabeticCode"] and not row["WithdrawalDate"]]

    decimals = {row["AlphabeticCode"]: row["MinorUnit"] for row in rows}

    assert len(decimals) > 150
    for currency, units in decimals.items():
        if units.isdigit():
            assert exponent(currency) == int(units), currency
        else:
            with pytest.raises(PeerError):
                exponent(currency)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for currency in (a + b + c for a in letters for b in letters for c in letters):
        if currency not in decimals:
            with pytest.raises(PeerError):
                exponent(currency)


def test_cash_increments_in_use_round_to_multiples_of_the_coin():
    with shared("data/cash_rounding/cldr_currency_fractions.csv").open(encoding="utf-8") as file:
        increments = {row["currency"]: int(row["cash_rounding"]) for row in csv.DictReader(file)}

    coins = {currency: increment for currency, increment in increments.items() if increment}

    assert {"CHF", "CAD", "DKK"} <= set(coins)
    assert [cash_round(amount, coins["CHF"]) for amount in (1232, 1233, 1237, 1238)] == [
        1230,
        1235,
        1235,
        1240,
    ]
    assert [cash_round(amount, coins["DKK"]) for amount in (1224, 1225, 1274, 1275)] == [
        1200,
        1250,
        1250,
        1300,
    ]
    for increment in coins.values():
        assert all(cash_round(amount, increment) % increment == 0 for amount in range(-1000, 1000))
