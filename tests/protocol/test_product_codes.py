"""Product codes: one key for each item, a named error for everything else."""

from protocol.product_codes import (
    LabelRule,
    LabelRules,
    check_digit,
    expand_upc_e,
    normalise,
    read_code,
    value_check_digit,
)
from tests.protocol.expect import raises

GS = "\x1d"
GTIN = "09501101530003"


def label(body):
    """A code of 12 digits with its check digit."""
    return body + check_digit(body)


# Trade item numbers


def test_check_digits_of_all_lengths_are_the_published_ones():
    for digits in ("40170725", "036000291452", "4006381333931", "09501101530003", "9780201379624"):
        assert check_digit(digits[:-1]) == digits[-1]
    raises("check-digit-body-wrong", check_digit, "12a")
    raises("check-digit-body-wrong", check_digit, "")


def test_every_length_of_a_number_gives_one_key_of_14_digits():
    table = (
        ("40170725", "00000040170725"),
        ("036000291452", "00036000291452"),
        ("0036000291452", "00036000291452"),
        ("00036000291452", "00036000291452"),
        ("4006381333931", "04006381333931"),
        ("04006381333931", "04006381333931"),
        ("14006381333938", "14006381333938"),
    )
    for text, gtin in table:
        code = read_code(text)

        assert (code.kind, code.gtin) == ("gtin", gtin)
        assert (code.weight_g, code.price_minor, code.elements) == (None, None, ())


def test_a_wrong_check_digit_is_refused_in_every_length():
    for right in (
        "40170725",
        "036000291452",
        "4006381333931",
        "04006381333931",
        "]E004252614",
        "2812345012505",
    ):
        for wrong in "0123456789":
            if wrong != right[-1]:
                raises("check-digit-wrong", read_code, right[:-1] + wrong)


def test_other_lengths_are_no_product_codes():
    for length in (1, 2, 3, 9, 10, 11, 15, 16, 19, 500):
        raises("code-length-wrong", read_code, "4" * length)


def test_codes_of_zeros_are_no_products():
    for length in (8, 12, 13, 14):
        raises("gtin-too-small", read_code, "0" * length)
    raises("gtin-too-small", normalise, label("0000000009401"))


def test_what_is_not_digits_is_refused_whatever_it_looks_like():
    for text in (
        "https://pay.example/x?y=1",
        "' OR 1=1 --",
        "<script>",
        "400638133393\u0661",
        "\u0664\u0660\u0660\u0666\u0663\u0668\u0661\u0663\u0663\u0663\u0669\u0663\u0661",
        "\uff14\uff10\uff10\uff16",
        " 4006381333931",
        "4006381333931\r",
        "+4006381333931",
        "-401",
        "(01)09501101530003",
        "\x00\x01\x02",
        "\udcff",
    ):
        error = raises("code-not-digits", read_code, text)

        assert error.action
        assert text not in str(error)


def test_empty_and_endless_codes_are_refused():
    raises("code-empty", read_code, "")
    raises("code-too-long", read_code, "1" * 4096)
    raises("code-too-long", read_code, "]Q3" + "01" * 2000)


# UPC-E


def test_upc_e_expands_by_its_last_digit():
    table = (
        ("123450", "012000003455"),
        ("123451", "012100003454"),
        ("123452", "012200003453"),
        ("123453", "012300000451"),
        ("123454", "012340000053"),
        ("123455", "012345000058"),
        ("123459", "012345000096"),
        ("425261", "042100005264"),
    )
    for short, upc_a in table:
        assert expand_upc_e(short) == upc_a
        assert expand_upc_e("0" + short) == upc_a
        assert expand_upc_e("0" + short + upc_a[-1]) == upc_a


def test_upc_e_of_number_system_1_keeps_it():
    upc_a = expand_upc_e("1123456")

    assert upc_a[:-1] == "11234500006"
    assert read_code("1123456").gtin == "00" + upc_a
    assert read_code("]E01123456" + upc_a[-1]).gtin == "00" + upc_a


def test_a_till_reads_upc_e_of_six_seven_and_eight_digits():
    for text in ("425261", "0425261", "04252614", "]E004252614", "]E0042100005264", "]E00042100005264"):
        assert read_code(text).gtin == "00042100005264"


def test_another_number_system_is_no_upc_e():
    for text in ("2425261", "9425261"):
        raises("upc-e-number-system-wrong", read_code, text)
    raises("upc-e-number-system-wrong", read_code, "]E040170725")
    raises("upc-e-length-wrong", expand_upc_e, "12345")


def test_eight_digits_are_told_apart_by_check_digit_then_by_the_first():
    def both_fit(digits):
        return expand_upc_e(digits[:7])[-1] == digits[7]

    codes = [label(first + str(n)) for first in "01" for n in range(123400, 123500)]
    only_gtin_8 = [digits for digits in codes if not both_fit(digits)]
    both = [digits for digits in codes if both_fit(digits)]
    only_upc_e = [d[:7] + expand_upc_e(d[:7])[-1] for d in only_gtin_8]

    for digits in only_gtin_8 + [digits for digits in both if digits[0] == "1"]:
        assert read_code(digits).gtin == "000000" + digits
    for digits in only_upc_e + [digits for digits in both if digits[0] == "0"]:
        assert read_code(digits).gtin == "00" + expand_upc_e(digits)
    for digits in only_gtin_8 + both:
        assert read_code("]E4" + digits).gtin == "000000" + digits
    assert {digits[0] for digits in both} == {"0", "1"}


# PLU


def test_produce_numbers_of_four_and_five_digits_are_keys_of_their_own():
    table = (("4011", "00000000004011"), ("94011", "00000000094011"), ("04011", "00000000004011"))
    for text, gtin in table:
        code = read_code(text)

        assert (code.kind, code.gtin) == ("plu", gtin)


def test_produce_numbers_below_1000_do_not_exist():
    for text in ("0000", "0999", "00999"):
        raises("plu-out-of-range", read_code, text)


# Labels with weight or price


def test_a_weight_label_gives_its_item_and_grams():
    code = read_code(label("281234501250"))

    assert (code.kind, code.weight_g, code.price_minor) == ("label-weight", 1250, None)
    assert code.gtin == "0" + label("281234500000")


def test_a_price_label_gives_its_item_and_minor_units():
    code = read_code(label("211234500999"))

    assert (code.kind, code.price_minor, code.weight_g) == ("label-price", 999, None)
    assert code.gtin == "0" + label("211234500000")


def test_all_labels_of_one_item_have_one_key():
    keys = {read_code(label("2812345" + value)).gtin for value in ("00001", "01250", "99999")}

    assert len(keys) == 1


def test_a_north_american_label_of_12_digits_is_read():
    body = "212345" + value_check_digit("0499") + "0499"
    upc_a = body + check_digit(body)

    code = read_code(upc_a)

    assert (code.kind, code.price_minor) == ("label-price", 499)
    assert code.gtin == "00" + label("21234500000")
    assert read_code("0" + upc_a) == code
    assert read_code("]E00" + upc_a) == code


def test_value_check_digits_are_those_of_the_standard():
    assert value_check_digit("2875") == "9"
    assert value_check_digit("14685") == "6"
    assert value_check_digit("0000") == "0"
    assert value_check_digit("00000") == "0"


def test_an_altered_price_with_a_right_outer_check_digit_is_refused():
    check = value_check_digit("2875")
    for altered in ("2876", "1875", "0875", "2785", "2857"):
        raises("label-value-check-wrong", read_code, label("2212345" + check + altered))
    check = value_check_digit("14685")
    for altered in ("14686", "04685", "41685", "14865"):
        raises("label-value-check-wrong", read_code, label("231234" + check + altered))
        raises("label-value-check-wrong", read_code, label("291234" + check + altered))
    assert read_code(label("231234" + check + "14685")).price_minor == 14685
    assert read_code(label("291234" + check + "14685")).weight_g == 14685


def test_a_label_without_value_is_refused():
    raises("label-value-zero", read_code, label("281234500000"))
    raises("label-value-zero", read_code, label("211234500000"))


def test_a_prefix_without_layout_is_an_ordinary_number_of_the_shop():
    for prefix in ("20", "24", "25", "26", "27"):
        text = label(prefix + "1234567890")

        assert read_code(text).kind == "gtin"
        assert read_code(text).gtin == "0" + text


def test_the_case_of_a_labelled_item_is_no_label():
    case = label("1281234501250")

    assert read_code(case).kind == "gtin"
    assert read_code(case).gtin == case


def test_layouts_are_settings():
    rules = LabelRules((
        LabelRule("27", "label-weight", item_digits=6, value_digits=4, step=10),
        LabelRule("20", "label-price", item_digits=4, value_digits=6),
    ))  # fmt: skip

    assert read_code(label("271234560125"), rules).weight_g == 1250
    assert read_code(label("201234123456"), rules).price_minor == 123456
    assert read_code(label("281234501250"), rules).kind == "gtin"


def test_a_layout_that_cannot_be_is_a_wrong_setting():
    right = {"prefix": "28", "kind": "label-weight", "item_digits": 5, "value_digits": 5}
    for wrong in (
        {"prefix": "30"},
        {"prefix": "2"},
        {"prefix": "2x"},
        {"kind": "label-colour"},
        {"item_digits": 6},
        {"item_digits": 0, "value_digits": 10},
        {"value_digits": 0, "item_digits": 10},
        {"value_digits": 6, "item_digits": 3, "has_value_check": True},
        {"step": 0},
        {"step": 1001},
    ):
        row = dict(right)
        row.update(wrong)

        raises("label-layout-wrong", LabelRule, **row)
    rule = LabelRule(**right)
    raises("label-layout-wrong", LabelRules, (rule, rule))


# Symbology identifiers


def test_the_symbology_identifier_decides_what_a_code_is():
    assert read_code("]E04006381333931").gtin == "04006381333931"
    assert read_code("]E0036000291452").gtin == "00036000291452"
    assert read_code("]E440170725").gtin == "00000040170725"
    for symbology in ("]C1", "]e0", "]d2", "]Q3"):
        assert read_code(symbology + "01" + GTIN).kind == "gs1"


def test_other_symbologies_carry_no_product():
    for text in ("]Q1https://x.example", "]A04006381333931", "]C04011", "]", "]E", "]E9", "]z"):
        raises("symbology-not-accepted", read_code, text)


def test_a_symbology_with_the_wrong_number_of_digits_is_refused():
    raises("code-length-wrong", read_code, "]E4036000291452")
    raises("code-length-wrong", read_code, "]E04011")
    raises("code-empty", read_code, "]E0")
    raises("code-not-digits", read_code, "]E0400638133393x")


def test_codes_are_equal_when_all_their_parts_are():
    one = read_code("4006381333931")

    assert one == read_code("04006381333931")
    assert hash(one) == hash(read_code("04006381333931"))
    assert one != read_code("4011")
    assert one != "04006381333931"
    assert "04006381333931" in repr(one)
