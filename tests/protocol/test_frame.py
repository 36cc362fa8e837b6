"""Frames, the chain, recovery scan, salvage and batches, with the golden bytes that fix them for ever."""

from protocol.errors import CallerError
from protocol.frame import (
    CLEAN,
    DAMAGED,
    HEADER_BYTES,
    INCOMPLETE,
    Frame,
    Hello,
    chain_next,
    chain_start,
    check_links,
    decode_batch,
    decode_frame,
    decode_hello,
    encode_batch,
    encode_frame,
    encode_hello,
    salvage,
    scan,
)
from protocol.limits import MAX_BATCH_BYTES, MAX_BODY_BYTES, MAX_SEQ
from tests.protocol.expect import raises

GENERATION = bytes(range(8))
START = chain_start("shop", "till-1", GENERATION)


def journal(count, body=b'{"note":"a record of some length"}', first=1, chain=START):
    """Encoded frames `first` .. `first + count - 1`, linked to `chain`."""
    frames = []
    for seq in range(first, first + count):
        chain = chain_next(chain, seq, body)
        frames.append(encode_frame(seq, chain, body))
    return frames


def changed(data, offset, bit=1):
    """Return `data` with one bit of one byte the other way round."""
    return data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :]


def test_the_chain_of_a_known_journal_has_its_known_bytes():
    assert START.hex() == "349da9d5504ce2dd0d30327fb44e7b20a713af0178afff8d93d4222d6d785cf3"
    assert (
        chain_next(START, 1, b"{}").hex()
        == "039c8567138e1bfb263299bff5e746e982db870f28e8e58c2ff6452ab458ffea"
    )


def test_a_known_frame_has_its_known_bytes():
    chain = chain_next(START, 1, b'{"v":1}')

    data = encode_frame(1, chain, b'{"v":1}')

    assert data.hex() == (
        "00000007e2a171100000000000000001d2751d920864be605319226e9e4f127ac30bc1990a330327"
        "7597a5744269a4637b2276223a317d"
    )
    assert decode_frame(data) == (Frame(1, chain, b'{"v":1}'), 55)


def test_a_known_batch_has_its_known_bytes():
    data = encode_batch(GENERATION, journal(2, b"{}"))

    assert data.hex() == (
        "5442423100010203040506070002000000022586a7a30000000000000001039c8567138e1bfb2632"
        "99bff5e746e982db870f28e8e58c2ff6452ab458ffea7b7d00000002d4340c130000000000000002"
        "b689a20cb65c15df1263b42e380360f7dae01d6eb8805185a757e88bb3b7174a7b7d"
    )


def test_a_known_hello_has_its_known_bytes():
    data = encode_hello(Hello(GENERATION, 258, START))

    assert data.hex() == (
        "54424231000102030405060700000000000000000102349da9d5504ce2dd0d30327fb44e7b20a713"
        "af0178afff8d93d4222d6d785cf3"
    )
    hello = decode_hello(data)
    assert (hello.generation, hello.last_seq, hello.chain, hello.gone_through) == (GENERATION, 258, START, 0)
    assert decode_batch(data) == (GENERATION, [])


def test_a_known_hello_that_tells_what_is_gone_has_its_known_bytes():
    data = encode_hello(Hello(GENERATION, 258, START, 3, bytes(32)))

    assert data.hex() == (
        "54424231000102030405060700000000000000000102349da9d5504ce2dd0d30327fb44e7b20a713"
        "af0178afff8d93d4222d6d785cf3"
        "00000000000000030000000000000000000000000000000000000000000000000000000000000000"
    )
    hello = decode_hello(data)
    assert (hello.last_seq, hello.chain, hello.gone_through, hello.gone_chain) == (258, START, 3, bytes(32))
    assert decode_batch(data) == (GENERATION, [])


def test_the_chain_depends_on_every_part_of_the_identity():
    starts = [
        START,
        chain_start("shop", "till-2", GENERATION),
        chain_start("shoq", "till-1", GENERATION),
        chain_start("shop", "till-1", bytes(8)),
        chain_start("shoptill", "-1", GENERATION),
    ]

    assert len(set(starts)) == len(starts)
    raises("frame-name-wrong", chain_start, "a\x00b", "c", GENERATION)
    raises("frame-generation-length", chain_start, "a", "b", b"short")


def test_a_frame_is_read_from_any_offset_and_any_buffer():
    first, second = journal(2)

    frame, end = decode_frame(memoryview(b"zz" + first + second), 2 + len(first))

    assert frame.seq == 2
    assert end == 2 + len(first) + len(second)
    assert frame.body == b'{"note":"a record of some length"}'


def test_the_bounds_of_a_frame_are_kept_when_writing():
    biggest = encode_frame(MAX_SEQ, START, b"x" * MAX_BODY_BYTES)

    assert decode_frame(biggest)[0].seq == MAX_SEQ
    for seq, chain, body, code in (
        (1, START, b"", "frame-body-length"),
        (1, START, b"x" * (MAX_BODY_BYTES + 1), "frame-body-length"),
        (0, START, b"{}", "frame-seq-wrong"),
        (-1, START, b"{}", "frame-seq-wrong"),
        (MAX_SEQ + 1, START, b"{}", "frame-seq-wrong"),
        (1, START[:31], b"{}", "frame-chain-length"),
    ):
        assert isinstance(raises(code, encode_frame, seq, chain, body), CallerError)


def test_every_changed_bit_of_a_frame_is_noticed():
    data = journal(1, b'{"a":12}')[0]

    for offset in range(len(data)):
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            damaged = changed(data, offset, bit)
            code = "frame-crc-wrong"
            if offset < 4:
                length = int.from_bytes(damaged[:4], "big")
                code = "frame-incomplete" if 8 < length <= MAX_BODY_BYTES else "frame-length-wrong"
                if 0 < length < 8:
                    code = "frame-crc-wrong"

            raises(code, decode_frame, damaged)


def test_every_truncated_frame_is_incomplete():
    data = journal(1)[0]

    for size in range(len(data)):
        raises("frame-incomplete", decode_frame, data[:size])
    raises("frame-incomplete", decode_frame, data, len(data))


def test_a_frame_with_a_right_checksum_and_a_seq_that_cannot_be_is_refused():
    import binascii

    rest = bytes([255] * 8) + START + b"{}"
    data = b"\x00\x00\x00\x02" + binascii.crc32(rest).to_bytes(4, "big") + rest

    raises("frame-seq-wrong", decode_frame, data)


def test_a_whole_journal_scans_clean():
    frames = journal(5)

    found = scan(b"".join(frames), 1, START)

    assert found.tail == CLEAN
    assert found.problem is None
    assert [frame.seq for frame in found.frames] == [1, 2, 3, 4, 5]
    assert found.offsets == [index * len(frames[0]) for index in range(5)]
    assert found.end == 5 * len(frames[0])


def test_an_empty_journal_scans_clean():
    found = scan(b"", 1, START)

    assert (found.tail, found.frames, found.end) == (CLEAN, [], 0)


def test_a_journal_that_does_not_begin_at_one_is_taken_at_its_word():
    data = b"".join(journal(3, first=7, chain=bytes(32)))

    assert [frame.seq for frame in scan(data).frames] == [7, 8, 9]
    assert scan(data, 7, bytes(32)).tail == CLEAN


def test_every_cut_of_the_last_frame_is_an_incomplete_tail():
    frames = journal(3)
    data = b"".join(frames)
    good = len(data) - len(frames[2])

    for size in range(good + 1, len(data)):
        found = scan(data[:size], 1, START)

        assert (found.tail, found.end, len(found.frames)) == (INCOMPLETE, good, 2), size
        assert (found.problem.kind, found.problem.offset, found.problem.seq) == ("cut", good, 3)


def test_every_last_frame_that_ends_in_zeros_is_an_incomplete_tail():
    frames = journal(3)
    data = b"".join(frames)
    good = len(data) - len(frames[2])

    for size in range(good, len(data)):
        for more in (0, 1, 5000):
            found = scan(data[:size] + bytes(len(data) - size + more), 1, START)

            assert (found.tail, found.end, len(found.frames)) == (INCOMPLETE, good, 2), (size, more)


def test_zeros_behind_the_last_frame_are_an_incomplete_tail():
    data = b"".join(journal(2))

    for zeros in (1, 47, 48, 49, 4096, 100000):
        found = scan(data + bytes(zeros), 1, START)

        assert (found.tail, found.end) == (INCOMPLETE, len(data))


def test_every_changed_byte_in_the_middle_is_damage_and_costs_one_frame_only():
    frames = journal(4)
    data = b"".join(frames)
    size = len(frames[0])

    for offset in range(size, 2 * size):
        damaged = changed(data, offset, 0x10)
        found = scan(damaged, 1, START)

        assert (found.tail, found.end, len(found.frames)) == (DAMAGED, size, 1), offset
        assert [frame.seq for _at, frame in salvage(damaged, found.end)] == [3, 4], offset
        assert [frame.seq for _at, frame in salvage(damaged)] == [1, 3, 4], offset


def test_every_changed_byte_of_the_last_frame_is_damage_and_not_an_unfinished_write():
    frames = journal(2)
    data = b"".join(frames)

    for offset in range(len(frames[0]), len(data)):
        found = scan(changed(data, offset, 0x10), 1, START)

        assert (found.tail, found.end) == (DAMAGED, len(frames[0])), offset


def test_a_length_that_runs_past_the_end_is_damage_when_good_frames_follow():
    frames = journal(3)
    data = frames[0] + b"\x00\x00\xff\xff" + frames[1][4:] + frames[2]

    found = scan(data, 1, START)

    assert (found.tail, found.problem.kind) == (DAMAGED, "cut")
    assert [frame.seq for _at, frame in salvage(data, found.end)] == [3]


def test_frames_are_salvaged_behind_lost_and_foreign_bytes():
    frames = journal(6)
    size = len(frames[0])
    noise = bytes([(7 * index) % 251 for index in range(5000)])
    for hole in (
        b"",
        b"\x00",
        bytes(10000),
        noise,
        b"\xff" * 70000,
        b"\x00\x00\x00\x05" * 30,
        frames[2][:60],
    ):
        data = b"".join(frames[:2]) + hole + b"".join(frames[3:])

        found = list(salvage(data))

        assert [frame.seq for _at, frame in found] == [1, 2, 4, 5, 6], hole[:8]
        assert [at for at, _frame in found][2:] == [2 * size + len(hole) + index * size for index in range(3)]


def test_the_smallest_last_frame_is_salvaged():
    data = b"??" + journal(1, b"7")[0]

    assert [(at, frame.body) for at, frame in salvage(data)] == [(2, b"7")]


def test_nothing_is_salvaged_from_noise():
    noise = bytes([(index * index * 31 + index // 7) % 256 for index in range(20000)])

    assert list(salvage(noise)) == []
    assert list(salvage(bytes(20000))) == []
    assert list(salvage(b"")) == []


def test_a_missing_frame_is_a_gap():
    frames = journal(3)

    found = scan(frames[0] + frames[2], 1, START)

    assert (found.tail, found.problem.kind, found.problem.seq) == (DAMAGED, "gap", 2)
    assert found.end == len(frames[0])


def test_a_frame_of_another_history_is_a_fork():
    ours = journal(2)
    theirs = journal(1, b'{"other":1}', first=3, chain=bytes(32))

    found = scan(b"".join(ours + theirs), 1, START)

    assert (found.tail, found.problem.kind, found.problem.seq) == (DAMAGED, "fork", 3)
    assert scan(ours[0], 1, bytes(32)).problem.kind == "fork"


def test_links_are_checked_against_what_is_stored():
    frames = [decode_frame(data)[0] for data in journal(4)]

    assert check_links(frames, 1, START) is None
    assert check_links(frames[2:], 3, frames[1].chain) is None
    assert check_links([], 1, START) is None
    gap = check_links([frames[0], frames[2]], 1, START)
    assert (gap.kind, gap.offset, gap.seq) == ("gap", 1, 2)
    fork = check_links(frames, 1, bytes(32))
    assert (fork.kind, fork.offset, fork.seq) == ("fork", 0, 1)


def test_a_batch_gives_back_its_generation_and_frames():
    frames = journal(3)

    generation, found = decode_batch(encode_batch(GENERATION, frames))

    assert generation == GENERATION
    assert [encode_frame(frame.seq, frame.chain, frame.body) for frame in found] == frames
    assert decode_hello(encode_batch(GENERATION, frames)) is None


def test_a_batch_holds_64_kib_and_the_frame_that_closes_it():
    filler = journal(1, b"x" * (MAX_BATCH_BYTES - HEADER_BYTES))
    last = journal(1, b"y" * MAX_BODY_BYTES)

    _generation, frames = decode_batch(encode_batch(GENERATION, filler + last))

    assert len(frames) == 2
    raises("batch-size-wrong", encode_batch, GENERATION, filler + journal(1) + last)
    raises("batch-size-wrong", encode_batch, GENERATION, [])
    raises("frame-generation-length", encode_batch, b"1234567", journal(1))


def test_a_batch_that_is_not_exactly_one_is_refused():
    data = encode_batch(GENERATION, journal(2))
    hello = encode_hello(Hello(GENERATION, 0, START))
    cut = encode_hello(Hello(GENERATION, 4, START, 4, START))

    for bad, code in (
        (b"", "batch-header-wrong"),
        (b"TBB2" + data[4:], "batch-header-wrong"),
        (data[:13], "batch-header-wrong"),
        (data[:-1], "frame-incomplete"),
        (data + b"\x00", "batch-trailing-bytes"),
        (data[:12] + b"\x00\x01" + data[14:], "batch-trailing-bytes"),
        (data[:12] + b"\x00\x03" + data[14:], "frame-incomplete"),
        (data[:12] + b"\xff\xff" + data[14:], "frame-incomplete"),
        (changed(data, 70), "frame-crc-wrong"),
        (hello[:-1], "batch-hello-wrong"),
        (hello + b"\x00", "batch-hello-wrong"),
        (hello[:14] + b"\xff" + hello[15:], "batch-hello-wrong"),
        (cut[:-1], "batch-hello-wrong"),
        (cut[:61] + b"\x05" + cut[62:], "batch-hello-wrong"),  # more is gone than there was
        (cut[:61] + b"\x00" + cut[62:], "batch-hello-wrong"),  # nothing is gone, and yet it is told
        (b"TBB1" + bytes(200000), "batch-too-large"),
    ):
        raises(code, decode_batch, bad)


def test_a_hello_out_of_bounds_is_not_written():
    for hello, code in (
        (Hello(GENERATION, -1, START), "batch-hello-wrong"),
        (Hello(GENERATION, MAX_SEQ + 1, START), "batch-hello-wrong"),
        (Hello(GENERATION, 1, b""), "batch-hello-wrong"),
        (Hello(GENERATION, 1, START, 1, b""), "batch-hello-wrong"),
        (Hello(b"", 1, START), "frame-generation-length"),
    ):
        raises(code, encode_hello, hello)


def test_a_frame_is_shown_without_its_body():
    assert repr(Frame(3, START, b'{"secret":1}')) == "Frame(seq=3, 12 bytes)"
