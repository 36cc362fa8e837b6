"""Packets survive any cut of the stream, and a broken one kills the link by name."""

from protocol.limits import MAX_PACKET_BYTES
from protocol.packets import PacketReader, encode_packet
from tests.protocol.expect import raises

ARM = {"do": "arm", "amount_minor": 1250, "currency": "EUR", "attempt": "77"}


def test_a_packet_is_a_length_and_canonical_json():
    assert encode_packet({"do": "disarm"}) == b'\x00\x00\x00\x0f{"do":"disarm"}'


def test_packets_are_read_however_the_stream_is_cut():
    stream = encode_packet(ARM) + encode_packet({"do": "disarm"}) + encode_packet([])

    for size in (1, 2, 3, 5, 7, 100, len(stream)):
        reader = PacketReader()
        objects = []
        for i in range(0, len(stream), size):
            objects += reader.feed(stream[i : i + size])

        reader.finish()
        assert objects == [ARM, {"do": "disarm"}, []]


def test_the_largest_packet_passes_and_one_byte_more_does_not():
    largest = "a" * (MAX_PACKET_BYTES - 2)

    assert PacketReader().feed(encode_packet(largest)) == [largest]
    raises("packet-too-long", encode_packet, largest + "a")


def test_a_length_beyond_the_bound_is_refused_before_its_bytes_come():
    raises("packet-too-long", PacketReader().feed, (MAX_PACKET_BYTES + 1).to_bytes(4, "big"))
    raises("packet-too-long", PacketReader().feed, b"HTTP/1.1 400 Bad Request")


def test_an_empty_packet_is_refused():
    raises("packet-empty", PacketReader().feed, b"\x00\x00\x00\x00")


def test_a_packet_that_is_not_strict_json_is_refused():
    raises("json-float", PacketReader().feed, b"\x00\x00\x00\x031.5")
    raises("json-duplicate-key", PacketReader().feed, b'\x00\x00\x00\x0d{"a":1,"a":1}')


def test_objects_before_a_broken_packet_are_handed_over_and_then_the_reader_is_dead():
    reader = PacketReader()

    objects = reader.feed(encode_packet(ARM) + b"\x00\x00\x00\x00" + encode_packet(ARM))

    assert objects == [ARM]
    assert reader.error is not None
    assert reader.error.code == "packet-empty"
    raises("packet-empty", reader.feed, encode_packet(ARM))
    raises("packet-empty", reader.finish)


def test_a_stream_that_ends_inside_a_packet_is_noticed():
    packet = encode_packet(ARM)
    for length in (1, 3, 4, len(packet) - 1):
        reader = PacketReader()
        reader.feed(packet[:length])

        raises("packet-cut-off", reader.finish)
