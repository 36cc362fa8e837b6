"""Strict JSON: what is read, what is refused and by which name. Both readers must say the same."""

from protocol.errors import CallerError, PeerError
from protocol.json_parser import parse
from protocol.strict_json import dumps, loads
from tests.protocol.expect import raises

READ: tuple[tuple[bytes, object], ...] = (
    (b"0", 0),
    (b"-1", -1),
    (b" [1, 2,\t3]\r\n", [1, 2, 3]),
    (b"{}", {}),
    (b'{"a":{"b":[true,false,null]}}', {"a": {"b": [True, False, None]}}),
    (b"9223372036854775807", 9223372036854775807),
    (b"-9223372036854775807", -9223372036854775807),
    (b'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u4e2d"', '"\\/\b\f\n\r\tA\u4e2d'),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'"\\u0000"', "\x00"),
    ('"caf\u00e9 \u8336 \U0001f375"'.encode(), "caf\u00e9 \u8336 \U0001f375"),
    (b'"2025-01-01"', "2025-01-01"),
    (b'"[[[[[[[[[[[[[[[[[[[[[[[{{"', "[" * 23 + "{{"),
    (b'["\\\\", "[", "\\"[["]', ["\\", "[", '"[[']),
    (b"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]),
    (b"[" + b"[]," * 40 + b"[]]", [[]] * 41),
)

REFUSED = (
    (b"", "json-malformed"),
    (b" ", "json-malformed"),
    (b"nul", "json-malformed"),
    (b"True", "json-malformed"),
    (b"{", "json-malformed"),
    (b"[1,]", "json-malformed"),
    (b"[,1]", "json-malformed"),
    (b"[1 2]", "json-malformed"),
    (b'{"a"}', "json-malformed"),
    (b'{"a":}', "json-malformed"),
    (b'{"a":1,}', "json-malformed"),
    (b"{a:1}", "json-malformed"),
    (b"{1:1}", "json-malformed"),
    (b"{'a':1}", "json-malformed"),
    (b"1 2", "json-malformed"),
    (b"{}{}", "json-malformed"),
    (b"]", "json-malformed"),
    (b'"', "json-malformed"),
    (b'"\\"', "json-malformed"),
    (b'"\\x41"', "json-malformed"),
    (b'"\\u12"', "json-malformed"),
    (b'"\\u12g4"', "json-malformed"),
    (b'"\\u 123"', "json-malformed"),
    (b'"a\nb"', "json-malformed"),
    (b'"a\x00b"', "json-malformed"),
    (b"\xef\xbb\xbf{}", "json-malformed"),
    (b"\xc2\xa01", "json-malformed"),
    (b"\x0b1", "json-malformed"),
    (b"01", "json-malformed"),
    (b"-01", "json-minus-zero"),
    (b"+1", "json-malformed"),
    (b"-", "json-malformed"),
    (b".5", "json-malformed"),
    (b"1.", "json-malformed"),
    (b"1e", "json-malformed"),
    (b"1e+", "json-malformed"),
    (b"0x10", "json-malformed"),
    (b"1_000", "json-malformed"),
    (b"\xd9\xa3", "json-malformed"),  # an Arabic digit
    (b"//\n1", "json-malformed"),
    (b"1.0", "json-float"),
    (b"0.1", "json-float"),
    (b"-0.0", "json-float"),
    (b"1e3", "json-float"),
    (b"1E-3", "json-float"),
    (b"1e400", "json-float"),
    (b"[1.5]", "json-float"),
    (b"-0", "json-minus-zero"),
    (b'{"a":-0}', "json-minus-zero"),
    (b"NaN", "json-not-a-number"),
    (b"Infinity", "json-not-a-number"),
    (b"-Infinity", "json-not-a-number"),
    (b"[NaN]", "json-not-a-number"),
    (b"9223372036854775808", "json-integer-too-large"),
    (b"-9223372036854775808", "json-integer-too-large"),
    (b"9" * 5000, "json-integer-too-large"),
    (b'{"a":1,"a":1}', "json-duplicate-key"),
    (b'{"a":1,"\\u0061":2}', "json-duplicate-key"),
    (b'[{"x":{"a":1,"b":2,"a":3}}]', "json-duplicate-key"),
    (b'"\\ud800"', "json-surrogate"),
    (b'"\\udc00"', "json-surrogate"),
    (b'"\\ud800\\ud800"', "json-surrogate"),
    (b'"\\ud800x"', "json-surrogate"),
    (b'{"\\udfff":1}', "json-surrogate"),
    (b'"\xff"', "json-not-utf8"),
    (b'"\x80"', "json-not-utf8"),
    (b'"\xc0\x80"', "json-not-utf8"),  # an overlong NUL
    (b'"\xe0\x80\xaf"', "json-not-utf8"),
    (b'"\xed\xa0\x80"', "json-not-utf8"),  # half a surrogate pair in bytes
    (b'"\xf4\x90\x80\x80"', "json-not-utf8"),  # beyond Unicode
    (b'"\xf5\x80\x80\x80"', "json-not-utf8"),
    (b'"\xe4\xb8"', "json-not-utf8"),
    (b'"\xe4', "json-not-utf8"),
    (b"[" * 17 + b"]" * 17, "json-too-deep"),
    (b'{"a":' * 17 + b"1" + b"}" * 17, "json-too-deep"),
    (b'[{"a":' * 9, "json-too-deep"),
    (b"[" * 60000, "json-too-deep"),
    (b'{"a":' * 12000, "json-too-deep"),
)


def test_every_good_text_is_read_the_same_by_both_readers():
    for data, value in READ:
        assert loads(data) == value, data
        assert parse(data) == value, data


def test_every_bad_text_is_refused_by_name_by_both_readers():
    for data, code in REFUSED:
        for reader in (loads, parse):
            error = raises(code, reader, data)

            assert isinstance(error, PeerError), (data[:40], reader)


def test_a_text_with_a_hundred_thousand_levels_is_refused_before_it_is_looked_at():
    data = b"[" * 100000

    raises("json-too-large", loads, data)
    raises("json-too-deep", loads, data, max_bytes=1000000)


def test_a_text_with_a_million_keys_is_refused_by_its_size():
    data = b"{" + b'"k":1,' * 1000000 + b'"k":1}'

    raises("json-too-large", loads, data)


def test_the_bounds_of_size_and_depth_are_the_callers_to_lower():
    raises("json-too-large", loads, b"[1,2]", max_bytes=4)
    raises("json-too-deep", loads, b"[[1]]", max_depth=1)

    assert loads(b"[[1]]", max_bytes=5, max_depth=2) == [[1]]


def test_brackets_inside_strings_do_not_count_as_depth():
    data = b'["' + b"[{" * 500 + b'","\\"' + b"]" * 500 + b'"]'

    assert loads(data, max_depth=1) == ["[{" * 500, '"' + "]" * 500]


def test_an_error_never_shows_the_text_it_is_about():
    for data in (
        b'{"pan":"4111111111111111"',
        b'{"a4111111111111111":1,"a4111111111111111":1}',
        b"4111111111111111.0",
    ):
        try:
            loads(data)
        except PeerError as error:
            assert "4111" not in str(error)
            assert "4111" not in repr(error.args)
        else:
            raise AssertionError(data)


def test_any_buffer_of_bytes_is_read():
    assert loads(bytearray(b'{"a":1}')) == {"a": 1}
    assert loads(memoryview(b'x{"a":1}')[1:]) == {"a": 1}


def test_writing_is_canonical():
    written = dumps({"b": [1, -5, True, False, None], "a": {"z": "", "y": {}}, "\u00e9": "\u8336", "Z": []})

    assert written == b'{"Z":[],"a":{"y":{},"z":""},"b":[1,-5,true,false,null],"\xc3\xa9":"\xe8\x8c\xb6"}'


def test_control_characters_quotes_and_backslashes_are_written_as_escapes():
    written = dumps('\x00\x01\b\f\n\r\t\x1f"\\/\x7f\U0001f375')

    assert written == b'"\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\\"\\\\/\x7f\xf0\x9f\x8d\xb5"'
    assert loads(written) == '\x00\x01\b\f\n\r\t\x1f"\\/\x7f\U0001f375'


def test_keys_are_sorted_by_code_point_whatever_the_order_of_making():
    keys = ["zeta", "a", "Z", "\u4e2d", "\U0001f375", "\u00e9", "\uffee", "aa"]

    assert dumps(dict.fromkeys(keys, 1)) == dumps(dict.fromkeys(reversed(keys), 1))
    assert dumps({"b": 1, "a": 2}) == b'{"a":2,"b":1}'


def test_what_json_would_blur_is_refused_when_writing():
    for value in (1.0, b"a", {1}, (1,), {"a": 0.5}, [b"x"], {1: 2}, {None: 1}, {"a": {2: 3}}, object()):
        assert isinstance(raises("json-type", dumps, value), CallerError)


def test_integers_beyond_63_bits_are_refused_when_writing():
    assert dumps([9223372036854775807]) == b"[9223372036854775807]"
    for value in (9223372036854775808, -9223372036854775808, [10**30], {"a": 2**63}):
        raises("json-integer-too-large", dumps, value)


def test_half_of_a_surrogate_pair_is_refused_when_writing():
    for text in ("\ud800", "a\udfffb"):
        raises("json-surrogate", dumps, {"name": text})


def test_a_value_that_contains_itself_is_refused_when_writing():
    knot = []
    knot.append(knot)
    ring = {}
    ring["ring"] = ring

    raises("json-too-deep", dumps, knot)
    raises("json-too-deep", dumps, ring)
