"""Card numbers do not survive in text."""

from protocol.masking import find_pans, luhn_ok, mask_pan, scrub

VISA = "4111111111111111"
AMEX = "378282246310005"
DINERS = "30569309025904"
MAESTRO = "501800000009"
UNIONPAY_19 = "6212345678900000003"


def found(text):
    return [text[start:end] for start, end in find_pans(text)]


def test_luhn_accepts_the_right_last_digit_only():
    for number in (VISA, AMEX, DINERS, MAESTRO, UNIONPAY_19, "79927398713", "0"):
        assert luhn_ok(number)
        assert [d for d in "0123456789" if luhn_ok(number[:-1] + d)] == [number[-1]]


def test_a_masked_number_keeps_its_length_and_shows_first_six_and_last_four():
    assert mask_pan(VISA) == "411111******1111"
    assert mask_pan(AMEX) == "378282*****0005"
    assert mask_pan(UNIONPAY_19) == "621234*********0003"


def test_a_short_number_shows_less():
    assert mask_pan(DINERS) == "**********5904"
    assert mask_pan(MAESTRO) == "********0009"
    assert mask_pan("12345678901") == "***********"
    assert mask_pan("") == ""


def test_masking_keeps_separators_and_hides_what_is_no_number():
    assert mask_pan("4111 1111 1111 1111") == "4111 11** **** 1111"
    assert mask_pan("4111-1111-1111-1111") == "4111-11**-****-1111"
    assert mask_pan(VISA + "=2512") == "*" * 21
    assert mask_pan("secret") == "******"


def test_masking_twice_changes_nothing_that_matters():
    assert "1111111111" not in mask_pan(mask_pan(VISA))


def test_card_numbers_are_found_with_and_without_separators():
    for text in (
        VISA,
        AMEX,
        DINERS,
        MAESTRO,
        UNIONPAY_19,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "4111 - 1111 - 1111 - 1111",
        "41111111 11111111",
    ):
        assert found(text) == [text]
        assert found("card " + text + ", thank you") == [text]
        assert found("a" + text + "b") == [text]


def test_two_cards_in_one_text_are_two_finds():
    assert found(VISA + "," + AMEX) == [VISA, AMEX]
    assert found(VISA + "\n" + VISA) == [VISA, VISA]


def test_a_card_number_beside_other_numbers_is_found():
    assert found("2026 " + VISA) == [VISA]
    assert found("terminal 00000017 " + VISA + " 1250") == [VISA]


def test_a_card_number_inside_a_longer_run_of_digits_is_found():
    for text in ("5A08" + VISA, "000000" + VISA + "000000", "0210" + AMEX + "999999999"):
        masked = scrub(text)

        assert VISA not in masked
        assert AMEX not in masked


def test_numbers_that_are_no_card_are_left_alone():
    for text in (
        "",
        "no digits",
        "4111111111111112",
        "order 12345",
        "2026-10-17 12:30:59",
        "00004006381333931",
        "-----",
        "12:34:56:78:90:12:34",
        "\u0664\u0661\u0661\u0661",
    ):
        assert find_pans(text) == []
        assert scrub(text) == text


def test_scrubbed_text_keeps_its_length_and_everything_else():
    text = "paid with 4111 1111 1111 1111 at 10:30"

    assert scrub(text) == "paid with 4111 11** **** 1111 at 10:30"
    assert len(scrub(text)) == len(text)


def test_what_follows_on_the_track_is_hidden_too():
    table = (
        (";4111111111111111=25121010000012300000?", ";411111******1111=********************?"),
        ("57114111111111111111D25122010000012345F", None),
        ("%B4111111111111111^PUBLIC/JOHN Q^25121010000?", "%B411111******1111^" + "*" * 25 + "?"),
        ("%B4111111111111111^PUBLIC\nnext", "%B411111******1111^******\nnext"),
    )
    for track, hidden in table:
        scrubbed = scrub(track)

        assert hidden is None or scrubbed == hidden
        assert "2512" not in scrubbed
        assert VISA not in scrubbed
        assert len(scrubbed) == len(track)


def test_a_sign_behind_a_card_number_that_begins_no_track_stays():
    assert scrub(VISA + "=ok") == "411111******1111=ok"
    assert scrub(VISA + "D") == "411111******1111D"


def test_numbers_that_overlap_are_hidden_completely():
    text = "44000055550000067"  # The first sixteen digits are a card number, and so are the last sixteen.

    assert luhn_ok(text[:16])
    assert luhn_ok(text[1:])
    assert find_pans(text) == [(0, 17)]
    assert scrub(text) == "*" * 17


def test_a_card_number_that_begins_in_hidden_track_data_is_hidden_to_its_end():
    text = ";" + VISA + "=3782 822463 10005 and on"

    assert scrub(text) == ";411111******1111=" + "*" * 17 + " and on"
