"""No bytes from a lane pass as a message without its exact shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.errors import PeerError
from tests.protocol.record_samples import MESSAGES, message
from tests.protocol.test_messages import CODECS

LANE = st.sampled_from(sorted(MESSAGES))


def code_of(function, *args) -> str:
    """The code by which `function` refuses, or "" when it takes what it is given."""
    try:
        function(*args)
    except PeerError as error:
        return error.code
    return ""


@given(LANE, st.data())
def test_a_message_with_any_byte_changed_is_refused_by_name_or_reads_as_a_message(lane, data):
    encode, decode = CODECS[lane]
    good = encode(message(lane))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]

    code = code_of(decode, bad)

    assert code.startswith(("message-", "json-")) or decode(encode(decode(bad))) == decode(bad)


@given(st.binary(max_size=500), st.binary(max_size=500))
def test_the_bytes_in_a_request_come_out_as_they_went_in(frame, card):
    made = message(
        "request",
        frame=messages.pack_bytes(b"f" + frame),
        blobs={"card": messages.pack_bytes(card)},
    )

    found = messages.decode_request(messages.encode_request(made))

    assert messages.frame_of(found) == b"f" + frame
    assert messages.card_of(found) == card


@given(LANE, LANE)
def test_a_message_of_one_lane_is_none_of_another(lane, other):
    data = CODECS[lane][0](message(lane))

    if lane == other:
        assert CODECS[other][1](data) == message(lane)
    else:
        with pytest.raises(PeerError):
            CODECS[other][1](data)
