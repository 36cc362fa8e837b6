"""Every way an unsynced write of several frames can be torn: the recovery scan finds the synced frames, or more.

A sector of 512 bytes arrives whole or shows what was there before, zeros behind the old end; any subset of the sectors
of a write may arrive, and the file may end behind the last one or at its full length. The whole journal is tried the
same way in `tests/crash_states`, on CPython only.
"""

from protocol.frame import CLEAN, DAMAGED, INCOMPLETE, chain_next, chain_start, encode_frame, salvage, scan

SECTOR = 512
SYNCED = 3
START = chain_start("shop", "till-1", bytes(8))


def written(sizes):
    """Encoded frames with bodies of these sizes, linked to START."""
    frames, chain = [], START
    for seq, size in enumerate(sizes, 1):
        body = b'{"pad":"' + bytes(97 + (seq * 7 + at * at) % 26 for at in range(size)) + b'"}'
        chain = chain_next(chain, seq, body)
        frames.append(encode_frame(seq, chain, body))
    return frames


def torn(before, write):
    """Yield what a file may hold when `write` behind `before` was under way: each subset of sectors, both lengths.

    With it comes how much arrived: "all", "a beginning" or "some".
    """
    cuts = [len(before)]
    while cuts[-1] < len(before) + len(write):
        cuts.append(min((cuts[-1] // SECTOR + 1) * SECTOR, len(before) + len(write)))
    count = len(cuts) - 1
    for mask in range(1 << count):
        data = bytearray(before) + bytearray(len(write))
        end = len(before)
        for place in range(count):
            if mask >> place & 1:
                end = cuts[place + 1]
                data[cuts[place] : end] = write[cuts[place] - len(before) : end - len(before)]
        kind = "all" if mask == (1 << count) - 1 else "some" if mask & (mask + 1) else "a beginning"
        yield kind, bytes(data)
        yield kind, bytes(data[:end])


def check(frames, kind, data):
    """The scan of `data` gives a beginning of `frames`, with all that were synced, and judges the rest."""
    found = scan(data, 1, START)
    kept = b"".join(frames[: len(found.frames)])
    assert data[: found.end] == kept
    assert len(found.frames) >= SYNCED
    assert found.tail == CLEAN if found.end == len(data) else found.tail in (INCOMPLETE, DAMAGED)
    assert len(found.frames) == len(frames) or kind != "all"
    beyond = [encode_frame(frame.seq, frame.chain, frame.body) for _, frame in salvage(data, found.end)]
    assert all(frame in frames for frame in beyond)
    assert not beyond or found.tail == DAMAGED


def test_a_group_of_frames_torn_anywhere_leaves_the_synced_frames_and_nothing_that_was_not_written():
    for sizes in (
        [90, 150, 200, 300, 120, 400, 80],
        [30, 20, 10, 1000, 20, 900],
        [5, 5, 5, 5, 5, 5, 5, 5, 5],
    ):
        frames = written(sizes)
        before, write = b"".join(frames[:SYNCED]), b"".join(frames[SYNCED:])
        tried = 0

        for kind, data in torn(before, write):
            check(frames, kind, data)
            tried += 1

        assert tried >= 4


def test_of_a_torn_single_frame_nothing_comes_back_and_a_beginning_of_it_is_never_damage():
    for size in (10, 400, 1100, 2500):
        frames = written([60, 70, 80, size])
        before = b"".join(frames[:SYNCED])

        for kind, data in torn(before, frames[SYNCED]):
            found = scan(data, 1, START)

            assert len(found.frames) == (SYNCED + 1 if kind == "all" else SYNCED)
            # With a sector missing before its end it cannot be told from a synced frame that was damaged.
            judged = (INCOMPLETE, DAMAGED) if kind == "some" else (INCOMPLETE,)
            assert found.tail == CLEAN if found.end == len(data) else found.tail in judged
            assert list(salvage(data, found.end)) == []
