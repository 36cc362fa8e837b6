"""The model of a disk that loses power keeps what is synced, and lets everything else happen or not."""

from __future__ import annotations

from random import Random

import pytest

from simulators.crash_states.medium import SECTORS_MAX, torn
from simulators.crash_states.recording import WRITE, Operation, RecordingDisk
from simulators.crash_states.states import SUBSETS_OF_MAX, Contents, prefixes

OLD = {"/d/old": b"before"}


def written(disk: RecordingDisk, path: str, data: bytes, *, is_synced: bool) -> None:
    handle = disk.create(path)
    disk.write(handle, data)
    if is_synced:
        disk.fdatasync(handle)
    disk.close(handle)


def left_behind(disk: RecordingDisk) -> list[dict[str, bytes]]:
    """Every distinct state after all operations, as files."""
    contents = Contents()
    *_, last = prefixes(disk, contents, Random(1))
    return [contents.files(state) for state in sorted({state for _, state in last.states()})]


def test_a_synced_file_may_still_lack_its_name():
    disk = RecordingDisk(OLD)
    written(disk, "/d/new", b"text", is_synced=True)

    found = left_behind(disk)

    assert len(found) == 2
    assert OLD in found
    assert OLD | {"/d/new": b"text"} in found


def test_a_file_whose_name_is_synced_may_still_lack_its_bytes():
    disk = RecordingDisk(OLD)
    written(disk, "/d/new", b"text", is_synced=False)
    disk.sync_directory("/d")

    found = [state["/d/new"] for state in left_behind(disk)]

    assert sorted(found) == [b"", bytes(4), b"text"]


def test_with_both_synced_there_is_one_state():
    disk = RecordingDisk(OLD)
    written(disk, "/d/new", b"text", is_synced=True)
    disk.sync_directory("/d")

    assert left_behind(disk) == [OLD | {"/d/new": b"text"}]


def test_a_rename_does_not_wait_for_the_write_before_it():
    disk = RecordingDisk(OLD)
    written(disk, "/d/new", b"text", is_synced=False)
    disk.rename("/d/new", "/d/old")

    found = left_behind(disk)

    assert {"/d/old": b""} in found
    assert {"/d/old": b"text"} in found
    assert {"/d/old": b"before", "/d/new": bytes(4)} in found
    assert all(set(state) <= {"/d/old", "/d/new"} and state["/d/old"] != b"te" for state in found)


def test_a_removal_comes_back_until_its_directory_is_synced():
    disk = RecordingDisk(OLD)
    disk.unlink("/d/old")

    before = left_behind(disk)
    disk.sync_directory("/d")

    assert before == [{}, OLD]
    assert left_behind(disk) == [{}]


def test_an_emptied_file_may_keep_its_old_bytes_behind_the_new_ones():
    disk = RecordingDisk(OLD)
    written(disk, "/d/old", b"now", is_synced=False)

    found = [state["/d/old"] for state in left_behind(disk)]

    assert sorted(found) == sorted([b"", b"before", b"\0\0\0", b"now", b"nowore"])


def test_what_is_in_a_directory_that_was_not_synced_into_its_parent_is_lost_with_it():
    disk = RecordingDisk({})
    disk.make_directory("/a/b")
    disk.log = [
        operation for operation in disk.log if operation.path != "/a"
    ]  # nobody synced /a, nor made it
    written(disk, "/a/b/new", b"text", is_synced=True)
    disk.sync_directory("/a/b")

    assert left_behind(disk) == [{}]


def test_a_later_write_may_arrive_without_an_earlier_one():
    disk = RecordingDisk(OLD)
    handle = disk.open_append("/d/old")
    disk.write(handle, b"12")
    disk.write(handle, b"34")

    found = {state["/d/old"] for state in left_behind(disk)}

    assert found == {
        b"before" + tail for tail in (b"", b"12", b"\0\0", b"\0\x0034", b"1234", bytes(4), b"12\0\0")
    }


@pytest.mark.parametrize(("offset", "size", "sectors"), [(0, 512, 1), (511, 2, 2), (100, 1000, 3)])
def test_every_subset_of_sectors_of_a_short_write_is_tried_with_both_lengths(offset, size, sectors):
    write = Operation(WRITE, "/d/f", 0, offset=offset, data=b"x" * size)

    found = torn(write, Random(1))

    masks = {outcome.words for outcome in found}
    # Without the last sector the file may end early or not; the whole write itself is no torn one.
    assert len(found) == len(masks) == 2**sectors - 1 + 2 ** (sectors - 1) - 1


def test_of_a_long_write_every_beginning_and_every_single_loss_is_tried():
    count = SECTORS_MAX + 4
    write = Operation(WRITE, "/d/f", 0, data=b"x" * 512 * count)

    found = {outcome.words for outcome in torn(write, Random(1))}

    every = (1 << count) - 1
    for kept in range(1, count):
        assert f"sectors {(1 << kept) - 1:0{count}b}" in found
    for lost in range(count):
        assert f"sectors {every ^ (1 << lost):0{count}b}, whole length" in found


def many_files(count: int) -> RecordingDisk:
    disk = RecordingDisk({})
    for number in range(count):
        disk.open_append(f"/f{number:02d}")
    return disk


def test_every_subset_of_twelve_pending_operations_is_tried():
    *_, last = prefixes(many_files(SUBSETS_OF_MAX), Contents(), Random(1))

    assert len({state for _, state in last.states()}) == 4096
    assert not last.is_sampled


def test_beyond_twelve_subsets_are_sampled_by_the_seed():
    def sample(seed: int) -> list[object]:
        *_, last = prefixes(many_files(SUBSETS_OF_MAX + 2), Contents(), Random(seed))
        assert last.is_sampled
        return [state for _, state in last.states()]

    assert sample(1) == sample(1) != sample(2)
    assert len(set(sample(1))) > 400
