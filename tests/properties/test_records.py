"""No record that differs from its table passes, and a refusal never shows what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.records import TYPES, check_record, decode_record, encode_record
from tests.protocol.record_samples import record

TYPE = st.sampled_from(TYPES)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def code_of(function, *args) -> str:
    """The code by which `function` refuses, or "" when it takes what it is given."""
    try:
        function(*args)
    except PeerError as error:
        return error.code
    return ""


@given(TYPE, st.data(), JSON)
def test_a_record_with_one_value_replaced_is_refused_by_name_or_still_means_what_it_says(kind, data, value):
    made = record(kind)
    field = data.draw(st.sampled_from(sorted(made)))
    made[field] = value

    code = code_of(check_record, made)

    assert code.startswith("record-") or decode_record(encode_record(made)) == made


@given(TYPE, st.text(max_size=12), JSON)
def test_no_field_can_be_added(kind, name, value):
    assume(name not in record(kind))

    with pytest.raises(PeerError) as caught:
        check_record({**record(kind), name: value})

    assert caught.value.code == "record-field-unknown"


@given(TYPE, st.data(), st.integers(10**15, 10**18 - 1))
def test_no_refusal_shows_a_number_that_could_be_a_card(kind, data, number):
    made = record(kind)
    made[data.draw(st.sampled_from(sorted(made)))] = data.draw(
        st.sampled_from([number, str(number), [str(number)]])
    )

    with pytest.raises(PeerError) as caught:
        check_record({**made, "extra": number})

    assert str(number) not in str(caught.value)


@given(JSON)
def test_any_json_value_is_a_record_or_a_named_refusal(value):
    with pytest.raises(PeerError) as caught:
        check_record(value)

    assert caught.value.code.startswith("record-")


@given(TYPE, st.data())
def test_a_record_with_any_byte_changed_is_refused_by_name_or_reads_as_a_record(kind, data):
    body = encode_record(record(kind))
    at = data.draw(st.integers(0, len(body) - 1))
    bad = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]

    code = code_of(decode_record, bad)

    assert code.startswith(("record-", "json-")) or encode_record(decode_record(bad))
