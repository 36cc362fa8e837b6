"""Text that may be shown: controls taken out, columns counted, lines cut and wrapped."""

from protocol.plain_text import columns, cut, is_plain, strip_controls, wrap


def test_every_control_byte_is_taken_out():
    for code in list(range(32)) + list(range(0x7F, 0xA0)):
        assert strip_controls("a" + chr(code) + "b") == "ab"
        assert not is_plain(chr(code))


def test_direction_and_invisible_characters_are_taken_out():
    for code in (
        0xAD,
        0x61C,
        0x200E,
        0x200F,
        0x2028,
        0x2029,
        0x202E,
        0x2066,
        0x2069,
        0xFEFF,
        0xFFF9,
        0xE0041,
    ):
        assert strip_controls("a" + chr(code) + "b") == "ab"


def test_printer_commands_in_a_name_lose_their_power():
    table = (
        ("\x1b@Tea", "@Tea"),
        ("\x1bp\x00\x19\xfa", "p\xfa"),
        ("\x1dV\x00", "V"),
        ("\x1d(k\x03\x00", "(k"),
        ("\x10\x04\x01", ""),
        ("\x9b31mred", "31mred"),
    )

    for name, left in table:
        assert strip_controls(name) == left


def test_ordinary_text_of_many_languages_is_plain():
    for text in ("Café 100% ½", "茶叶 500克", "Пиво", "ビール", "김치", "£€¥", ""):
        assert is_plain(text)


def test_columns_are_counted_as_a_printer_advances():
    table = (
        ("", 0),
        ("tea", 3),
        ("café", 4),
        ("cafe\u0301", 4),
        ("茶", 2),
        ("茶 tea", 6),
        ("ビール", 6),
        ("ﾋﾞｰﾙ", 4),
        ("Ａ", 2),
        ("，", 2),
        ("김치", 4),
        ("🍌", 2),
        ("€", 1),
    )

    for text, count in table:
        assert columns(text) == count, text


def test_a_text_is_cut_to_its_columns_with_two_dots():
    table = (
        ("bananas", 7, "bananas"),
        ("bananas", 6, "bana.."),
        ("bananas", 3, "ban"),
        ("bananas", 0, ""),
        ("香蕉香蕉", 7, "香蕉.."),
        ("香蕉香蕉", 6, "香蕉.."),
        ("香蕉", 3, "香"),
    )

    for text, width, result in table:
        assert cut(text, width) == result, (text, width, cut(text, width))


def test_a_text_is_wrapped_at_spaces_and_inside_words_that_are_too_long():
    table = (
        ("", 5, [""]),
        ("tea", 5, ["tea"]),
        ("green tea", 5, ["green", "tea"]),
        ("green tea", 6, ["green", "tea"]),
        ("greentea", 5, ["green", "tea"]),
        ("a green tea", 7, ["a green", "tea"]),
        ("a green tea", 6, ["a", "green", "tea"]),
        ("绿茶绿茶", 5, ["绿茶", "绿茶"]),
        ("   x", 2, ["", "x"]),
        ("ab   cd", 3, ["ab", "cd"]),
    )

    for text, width, lines in table:
        assert wrap(text, width) == lines, (text, width, wrap(text, width))


def test_a_character_wider_than_the_paper_does_not_hang():
    assert wrap("茶茶", 1) == ["茶", "茶"]
