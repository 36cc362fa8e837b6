"""Product codes: properties, and the GS1 table against the published syntax dictionary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.product_codes import check_digit, expand_upc_e, read_code, value_check_digit
from protocol.product_codes.gs1 import split_elements
from tests.shared_data import shared

DIGITS = "0123456789"
FIRST = "0109501101530003"


def outcome(text):
    """What reading gives: the code, or the name of the error."""
    try:
        return read_code(text)
    except PeerError as error:
        return error.code


def digits(count):
    return st.text(DIGITS, min_size=count, max_size=count)


@given(st.sampled_from([11, 12, 13]).flatmap(digits))
def test_leading_zeros_never_change_the_item(body):
    code = body + check_digit(body)
    longer = "0" * (14 - len(code)) + code

    assert outcome(code) == outcome(longer)


@given(st.sampled_from([7, 11, 12, 13]).flatmap(digits), st.data())
def test_one_wrong_digit_is_always_noticed(body, data):
    code = body + check_digit(body)
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from(DIGITS.replace(code[place], "")))

    symbology = "]E4" if len(code) == 8 else ""
    with pytest.raises(PeerError) as refused:
        read_code(symbology + code[:place] + wrong + code[place + 1 :])
    assert refused.value.code in {"check-digit-wrong", "gtin-too-small"}


@given(st.sampled_from("01"), digits(6))
def test_upc_e_of_eight_digits_expands_to_a_valid_upc_a(system, code):
    upc_a = expand_upc_e(system + code)

    assert len(upc_a) == 12
    assert check_digit(upc_a[:-1]) == upc_a[-1]
    assert expand_upc_e(system + code + upc_a[-1]) == upc_a


@given(st.sampled_from([4, 5]).flatmap(digits), st.data())
def test_one_altered_digit_of_a_price_is_always_noticed(value, data):
    place = data.draw(st.integers(0, len(value) - 1))
    wrong = data.draw(st.sampled_from(DIGITS.replace(value[place], "")))

    assert value_check_digit(value) != value_check_digit(value[:place] + wrong + value[place + 1 :])


@given(st.text(max_size=60) | st.text(DIGITS + "]CEedQ\x1d", max_size=60) | st.text(DIGITS, max_size=16))
def test_any_scan_is_a_code_with_a_key_of_14_digits_or_a_named_error(text):
    try:
        code = read_code(text)
    except PeerError:
        return
    assert re.fullmatch("[0-9]{14}", code.gtin)


@given(st.text(DIGITS + "\x1dABC", max_size=80))
def test_elements_put_together_again_are_the_elements(text):
    try:
        elements = split_elements(text)
    except PeerError:
        return
    assert split_elements("\x1d".join(ai + value for ai, value in elements)) == elements


def dictionary_rows():
    """(AI, is of predefined length, shortest, longest) of every AI in the dictionary."""
    text = shared("data/gs1_ai/gs1-syntax-dictionary.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        found = re.match(r"([0-9]+)(?:-([0-9]+))?\s+([*?!]*)\s*((?:\[?[NXYZ][.0-9]\S*\s*)+)", line)
        if not found:
            assert not line[:1].isdigit(), line
            continue
        shortest = longest = 0
        for component in found[4].split():
            kind = re.match(r"(\[?)[NXYZ](\.\.)?([0-9]+)", component)
            assert kind, line
            longest += int(kind[3])
            shortest += 0 if kind[1] else 1 if kind[2] else int(kind[3])
        for number in range(int(found[1]), int(found[2] or found[1]) + 1):
            yield f"{number:0{len(found[1])}d}", "*" in found[3], shortest, longest


def sample(ai, length):
    """A value of digits that also passes what a till checks of dates and numbers."""
    if ai == "01":
        return FIRST[2:]
    return "260131" if ai in {"11", "12", "13", "15", "16", "17"} else "1" * length


def test_every_published_identifier_is_cut_where_the_dictionary_says():
    rows = list(dictionary_rows())

    assert len(rows) > 400
    for ai, is_predefined, shortest, longest in rows:
        for length in {shortest, longest}:
            value = sample(ai, length)
            separator = "" if is_predefined else "\x1d"
            last = "90" if ai != "90" else "91"

            assert split_elements(ai + value + separator + last + "end") == [(ai, value), (last, "end")], ai


def test_the_identifiers_of_a_till_have_the_bounds_of_the_dictionary():
    rows = {ai: bounds for ai, *bounds in dictionary_rows()}
    wanted = ["01", "10", "11", "13", "15", "17", "21", "30", "37", "3103", "3202", "3902", "3922", "3932"]

    for ai in wanted:
        is_predefined, shortest, longest = rows[ai]
        if is_predefined:
            assert shortest == longest
            refuse(ai + sample(ai, shortest)[:-1], "gs1-element-short")
        else:
            refuse(ai + "1" * (longest + 1), "gs1-element-overlong")
            refuse(ai + "1" * (shortest - 1), "gs1-element-short")


def refuse(text, code):
    with pytest.raises(PeerError) as refused:
        split_elements(text)
    assert refused.value.code == code, text
