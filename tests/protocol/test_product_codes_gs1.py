"""GS1 element strings: every value is cut where it ends, or refused by name."""

from protocol.product_codes import DEFAULT, LabelRules, element_date, read_code
from protocol.product_codes.gs1 import split_elements
from tests.protocol.expect import raises

GS = "\x1d"
GTIN = "09501101530003"


def test_a_gs1_code_gives_its_product_and_elements_in_order():
    code = read_code("]e001" + GTIN + "17260331" + "10LOT7" + GS + "21serial-1")

    assert (code.kind, code.gtin) == ("gs1", GTIN)
    assert code.elements == (("01", GTIN), ("17", "260331"), ("10", "LOT7"), ("21", "serial-1"))
    assert code.element("10") == "LOT7"
    assert code.element("15") is None


def test_a_gs1_code_is_known_without_symbology_identifier():
    for text in ("01" + GTIN, GS + "01" + GTIN, "01" + GTIN + GS + "10A"):
        assert read_code(text).gtin == GTIN


def test_gs1_weights_become_grams():
    table = (
        ("3103001250", 1250),
        ("3102000125", 1250),
        ("3100000012", 12000),
        ("3105123456", 1235),
        ("3104000005", 1),
        ("3202000100", 454),
        ("3200000001", 454),
        ("3205999999", 4536),
    )
    for element, weight_g in table:
        assert read_code("01" + GTIN + element).weight_g == weight_g


def test_gs1_prices_become_minor_units_of_the_shop():
    yen = LabelRules((), exponent=0, currency_number="392")
    euro = LabelRules((), currency_number="978")
    table = (
        (DEFAULT, "39221999", 1999),
        (DEFAULT, "392019", 1900),
        (DEFAULT, "392319990", 1999),
        (DEFAULT, "3922999999999999", 999999999999),
        (yen, "3920250", 250),
        (yen, "392225000", 250),
        (euro, "39329781999", 1999),
    )
    for rules, element, price_minor in table:
        assert read_code("01" + GTIN + element, rules).price_minor == price_minor


def test_gs1_prices_that_do_not_fit_the_shop_are_refused():
    raises("gs1-price-uneven", read_code, "01" + GTIN + "39231999")
    raises("gs1-price-out-of-range", read_code, "01" + GTIN + "39220")
    raises("gs1-price-out-of-range", read_code, "01" + GTIN + "39221000000000000")
    raises("gs1-price-out-of-range", read_code, "01" + GTIN + "3920999999999999999")
    raises("gs1-currency-wrong", read_code, "01" + GTIN + "39328401999")


def test_gs1_weights_that_cannot_be_are_refused():
    raises("gs1-weight-zero", read_code, "01" + GTIN + "3103000000")
    raises("gs1-weight-zero", read_code, "01" + GTIN + "3105000049")
    raises("gs1-ai-wrong", read_code, "01" + GTIN + "3106001250")
    raises("gs1-value-twice", read_code, "01" + GTIN + "3103001250" + "3202000100")


def test_a_gs1_code_without_product_is_refused():
    for text in ("]C1", "]C117260331", "]C102" + GTIN + "3710", "]C100095011015300000001", GS):
        raises("gs1-gtin-missing", read_code, text)


def test_a_wrong_check_digit_inside_a_gs1_code_is_refused():
    raises("check-digit-wrong", read_code, "]e00109501101530004")
    raises("gtin-too-small", read_code, "]e001" + "0" * 14)


def test_an_identifier_that_comes_twice_is_refused():
    start = "]C101" + GTIN
    for elements in ("17260331" + "17260401", "10A" + GS + "10A", "01" + GTIN, "3103001250" + "3102000125"):
        raises("gs1-ai-repeated", read_code, start + elements)


def test_a_missing_separator_is_noticed_by_length():
    start = "]C101" + GTIN

    raises("gs1-element-overlong", read_code, start + "10LOT1234567890123" + "17260331")
    raises("gs1-element-overlong", read_code, start + "30123456789")
    raises("gs1-element-overlong", read_code, start + "3922" + "1" * 16)
    raises("gs1-element-overlong", read_code, start + "240" + "A" * 91)


def test_a_value_that_ends_too_early_is_refused():
    start = "]C101" + GTIN
    for elements in (
        "1726033",
        "17",
        "17260" + GS + "331",
        "10",
        "10" + GS + "17260331",
        "310300125",
        "3932978",
    ):
        raises("gs1-element-short", read_code, start + elements)
    raises("gs1-element-short", read_code, "]C1010950110153000")


def test_where_an_identifier_must_stand_nothing_else_may():
    start = "]C101" + GTIN
    for elements in ("x", "1", "392", "(17)260331", GS + GS + "10A", "17260331" + GS + GS, "\u0661\u0660A"):
        raises("gs1-ai-wrong", read_code, start + elements)


def test_a_separator_after_a_predefined_length_or_at_the_end_does_no_harm():
    start = "]C101" + GTIN

    assert read_code(start + GS + "17260331" + GS) == read_code(start + "17260331")


def test_characters_outside_the_gs1_set_are_refused():
    start = "]C101" + GTIN
    for value in ("a b", "caf\u00e9", "a\x00", "a\n", "#", "a$", "~"):
        raises("gs1-character-wrong", read_code, start + "10" + value)
    raises("gs1-character-wrong", read_code, start + "3012x")
    raises("gs1-character-wrong", read_code, start + "3103OO1250")


def test_dates_that_do_not_exist_are_refused():
    start = "]C101" + GTIN
    for identifier in ("11", "13", "15", "17"):
        for date in ("261301", "260001", "260132", "260431", "250229", "260199"):
            raises("gs1-date-wrong", read_code, start + identifier + date)
        for date in ("260131", "240229", "000229", "260200", "260430"):
            assert read_code(start + identifier + date).element(identifier) == date


def test_a_date_is_placed_in_its_century_and_day_00_is_the_last_of_the_month():
    table = (
        ("260331", 2026, (2026, 3, 31)),
        ("260200", 2026, (2026, 2, 28)),
        ("280200", 2026, (2028, 2, 29)),
        ("261200", 2026, (2026, 12, 31)),
        ("760101", 2026, (2076, 1, 1)),
        ("770101", 2026, (1977, 1, 1)),
        ("010101", 2099, (2101, 1, 1)),
        ("990101", 2001, (1999, 1, 1)),
    )
    for value, year_now, date in table:
        assert element_date(value, year_now) == date


def test_an_identifier_that_a_till_does_not_need_is_carried_along():
    code = read_code(
        "]d201" + GTIN + "422276" + GS + "8005001250" + GS + "7003" + "2603311200" + GS + "11260101"
    )

    assert code.elements[1:] == (
        ("422", "276"),
        ("8005", "001250"),
        ("7003", "2603311200"),
        ("11", "260101"),
    )


def test_a_bomb_of_elements_is_refused():
    identifiers = list(range(90, 100))
    identifiers += [235, 240, 241, 242, 243, 250, 251, 253, 254, 255, 400, 401, 402, 403, 420]

    raises("gs1-ai-repeated", split_elements, ("240A" + GS) * 1000)
    raises("gs1-too-many-elements", split_elements, "".join(str(ai) + "A" + GS for ai in identifiers))
    assert len(split_elements("".join(str(ai) + "A" + GS for ai in identifiers[:24]))) == 24
