"""Packets: the same objects come out however the stream is cut, and garbage is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.packets import PacketReader, encode_packet

OBJECTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.lists(OBJECTS, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_cuts_of_the_stream_change_nothing(objects, sizes):
    stream = b"".join(encode_packet(obj) for obj in objects)
    reader = PacketReader()

    read = []
    for size in sizes:
        read += reader.feed(stream[:size])
        stream = stream[size:]
    read += reader.feed(stream)

    reader.finish()
    assert read == objects


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_are_objects_or_one_error_that_stays(chunks):
    reader = PacketReader()

    try:
        for chunk in chunks:
            reader.feed(chunk)
    except PeerError:
        pass

    if reader.error is not None:
        with pytest.raises(PeerError) as again:
            reader.feed(encode_packet({}))
        assert again.value is reader.error
