"""Whatever happens to a journal's bytes, recovery finds a good beginning and loses no frame that is whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.frame import (
    CLEAN,
    DAMAGED,
    INCOMPLETE,
    Frame,
    chain_next,
    chain_start,
    check_links,
    decode_batch,
    decode_frame,
    encode_batch,
    encode_frame,
    salvage,
    scan,
)
from protocol.limits import MAX_SEQ
from protocol.strict_json import dumps

START = chain_start("shop", "till-1", b"abcdefgh")
BODIES = st.dictionaries(st.text(max_size=4), st.text(max_size=30), max_size=3).map(dumps)
JOURNALS = st.lists(BODIES, min_size=1, max_size=8)


def code_of(function, *args) -> str:
    """The code by which `function` refuses, or "" when it takes what it is given."""
    try:
        function(*args)
    except PeerError as error:
        return error.code
    return ""


def written(bodies: list[bytes]) -> list[bytes]:
    chain = START
    frames = []
    for seq, body in enumerate(bodies, 1):
        chain = chain_next(chain, seq, body)
        frames.append(encode_frame(seq, chain, body))
    return frames


@given(st.integers(1, MAX_SEQ), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=300))
def test_a_frame_decodes_to_what_was_encoded(seq, chain, body):
    data = encode_frame(seq, chain, body)

    assert decode_frame(data) == (Frame(seq, chain, body), len(data))


@given(JOURNALS)
def test_a_journal_scans_clean_and_its_links_hold(bodies):
    found = scan(b"".join(written(bodies)), 1, START)

    assert found.tail == CLEAN
    assert [frame.body for frame in found.frames] == bodies
    assert check_links(found.frames, 1, START) is None


@given(JOURNALS, st.data())
def test_a_journal_cut_anywhere_keeps_every_whole_frame_and_the_rest_is_an_incomplete_tail(bodies, data):
    frames = written(bodies)
    whole = b"".join(frames)
    size = data.draw(st.integers(0, len(whole)))
    zeros = data.draw(st.sampled_from([0, 0, 1, 100, 5000]))

    found = scan(whole[:size] + bytes(zeros), 1, START)

    ends = [len(b"".join(frames[:count])) for count in range(len(frames) + 1)]
    kept = [end for end in ends if end <= size]
    # Zeros behind a cut are taken for part of the record when they fill it: then it was cut inside zeros only.
    assert found.end == kept[-1]
    assert len(found.frames) == len(kept) - 1
    assert found.tail == (CLEAN if found.end == size + zeros else INCOMPLETE)


@given(JOURNALS, st.data())
def test_a_changed_byte_costs_at_most_the_frame_that_holds_it(bodies, data):
    frames = written(bodies)
    whole = b"".join(frames)
    at = data.draw(st.integers(0, len(whole) - 1))
    bad = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]

    found = scan(bad, 1, START)
    rescued = [frame.seq for _at, frame in salvage(bad)]

    hit = next(seq for seq in range(1, len(frames) + 1) if at < len(b"".join(frames[:seq])))
    assert found.tail == DAMAGED or (hit == len(frames) and found.tail == INCOMPLETE)
    assert len(found.frames) == hit - 1
    assert rescued == [seq for seq in range(1, len(frames) + 1) if seq != hit]


@given(JOURNALS, st.binary(max_size=400), st.data())
def test_foreign_bytes_between_frames_cost_no_frame(bodies, noise, data):
    frames = written(bodies)
    at = data.draw(st.integers(0, len(frames)))

    rescued = [frame.seq for _at, frame in salvage(b"".join(frames[:at]) + noise + b"".join(frames[at:]))]

    assert rescued == list(range(1, len(frames) + 1))


@given(st.binary(max_size=3000), st.integers(0, 3000))
def test_any_bytes_are_scanned_and_salvaged_without_an_accident(data, offset):
    found = scan(data)

    assert found.end <= len(data)
    for at, frame in salvage(data, offset):
        assert decode_frame(data, at)[0] == frame


@given(JOURNALS)
def test_a_batch_gives_back_its_frames(bodies):
    frames = written(bodies)

    generation, found = decode_batch(encode_batch(b"abcdefgh", frames))

    assert generation == b"abcdefgh"
    assert [frame.body for frame in found] == bodies


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"TBB1" + data))
def test_any_bytes_are_a_batch_or_a_named_refusal(data):
    code = code_of(decode_batch, data)

    assert code.startswith(("batch-", "frame-")) or decode_batch(data)[0] == data[4:12]
