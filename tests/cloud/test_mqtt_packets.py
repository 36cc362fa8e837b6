"""The packets of MQTT 3.1.1 that the cloud reads, however the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.mqtt_packets import MAX_BODY_BYTES, PacketReader, encode_connect, encode_publish, encode_subscribe
from protocol.errors import PeerError

topics = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
messages = st.lists(st.tuples(topics, st.binary(max_size=300), st.booleans()), max_size=8)


class Heard:
    def __init__(self):
        self.messages: list[tuple[str, bytes, bool]] = []
        self.others: list[tuple[int, bytes]] = []
        self.reader = PacketReader(
            lambda *message: self.messages.append(message), lambda *other: self.others.append(other)
        )


@given(messages, st.integers(1, 50))
def test_what_is_published_is_heard_however_the_stream_is_cut(sent, size):
    stream = b"".join(encode_publish(topic, payload, retain=retain) for topic, payload, retain in sent)
    heard = Heard()

    for at in range(0, len(stream), size):
        heard.reader.feed(stream[at : at + size])

    assert heard.messages == sent


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_by_name(data):
    heard = Heard()

    try:
        heard.reader.feed(data)
    except PeerError as error:
        assert error.code == "mqtt-malformed"  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384, 262_144])
def test_lengths_of_one_to_three_bytes_are_read(size):
    heard = Heard()

    heard.reader.feed(encode_publish("a", bytes(size)))

    assert heard.messages == [("a", bytes(size), False)]


def test_a_body_beyond_the_bound_is_skipped_unread_and_the_next_is_heard():
    heard = Heard()
    stream = encode_publish("a", bytes(MAX_BODY_BYTES + 1)) + encode_publish("b", b"next")

    for at in range(0, len(stream), 10_000):
        heard.reader.feed(stream[at : at + 10_000])
        assert len(heard.reader._buffer) <= 20_000

    assert heard.messages == [("b", b"next", False)]
    assert heard.reader.oversized == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"\x30\xff\xff\xff\xff\x01", id="length-of-five-bytes"),
        pytest.param(b"\x32\x05\x00\x01a\x00\x01", id="quality-one"),
        pytest.param(b"\x30\x02\x00\x05", id="topic-longer-than-packet"),
        pytest.param(b"\x30\x02\x00\x00", id="no-topic"),
        pytest.param(b"\x30\x03\x00\x01\xff", id="topic-not-utf8"),
    ],
)
def test_a_wrong_packet_is_refused(wrong):
    with pytest.raises(PeerError) as refusal:
        Heard().reader.feed(wrong)

    assert refusal.value.code == "mqtt-malformed"


def test_the_bytes_of_connect_and_subscribe_are_those_of_the_standard():
    connect = encode_connect("cloud", 20)
    subscribe = encode_subscribe(["tb1/00/+/+/+/up/+", "a"])

    assert connect == bytes.fromhex("101100044d51545404020014") + b"\x00\x05cloud"
    assert subscribe == b"\x82\x1a\x00\x01\x00\x11tb1/00/+/+/+/up/+\x00\x00\x01a\x00"
