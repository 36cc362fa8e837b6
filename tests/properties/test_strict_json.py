"""Both readers of strict JSON agree on every text, and writing is the inverse of reading."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.json_parser import parse
from protocol.limits import MAX_INTEGER
from protocol.strict_json import _quote_by_hand, dumps, loads

INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
# Pieces that meet each other often in bad JSON.
PIECES = st.sampled_from(
    [
        *'{}[],:"\\ \n0123456789-+.eE',
        "true",
        "null",
        "NaN",
        "-Infinity",
        '"a"',
        '"a":',
        '{"a":1}',
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\u0000",
        "9223372036854775807",
        "9223372036854775808",
        "\u8336",
        "\x00",
        "\u00a0",
        "[[[[[[[[",
        "]]]]]]]]",
    ]
)


def verdict(reader, data: bytes) -> tuple[str, object]:
    """Whether `reader` takes `data`, and the value."""
    try:
        return "value", reader(data)
    except PeerError:
        return "refused", None


@given(VALUES)
def test_what_is_written_reads_back_equal(value):
    data = dumps(value)

    assert loads(data) == value
    assert parse(data) == value
    assert dumps(loads(data)) == data


@given(VALUES)
def test_writing_gives_the_bytes_of_the_standard_library(value):
    assert (
        dumps(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


@given(TEXTS)
def test_strings_are_quoted_by_hand_as_by_the_standard_library(text):
    assert _quote_by_hand(text) == json.dumps(text, ensure_ascii=False)


@given(st.lists(PIECES, max_size=14).map("".join))
@example('"' + '\\"' * 5)
@example('["\\\\"]]')
@example("[[[[[[[[[[[[[[[[[")
@example('{"a":1}' * 2)
def test_both_readers_agree_on_texts_made_of_json_pieces(text):
    data = text.encode()

    assert verdict(loads, data) == verdict(parse, data)


@given(st.binary(max_size=40) | st.binary(max_size=12).map(lambda data: b'"' + data + b'"'))
def test_both_readers_agree_on_any_bytes(data):
    assert verdict(loads, data) == verdict(parse, data)


@given(VALUES, st.data())
def test_both_readers_agree_on_a_good_text_with_one_byte_changed(value, data):
    good = dumps(value)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]

    assert verdict(loads, bad) == verdict(parse, bad)


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["[]", '{"":}']), st.integers(1, 20))
def test_both_readers_agree_on_depth(opened, closed, brackets, bound):
    start, end = brackets[:-1], brackets[-1]
    data = (start * opened + "0" + end * closed).encode()

    ours = verdict(lambda text: loads(text, max_depth=bound), data)

    assert ours == verdict(lambda text: parse(text, bound), data)
    assert (ours[0] == "value") == (opened == closed <= bound)


@given(VALUES)
def test_reading_refuses_whatever_the_standard_library_refuses(value):
    data = dumps(value)

    assert loads(data) == json.loads(data)
