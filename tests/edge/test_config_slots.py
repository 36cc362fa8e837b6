"""Two slots for configuration: stage, promote on trial, confirm or revert; at every power cut one whole version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.config_slots import DOCUMENT_BYTES_MAX, REFUSED_MAX, TRIAL_STARTS_MAX, ConfigSlots
from edge.journal.files import OsFiles
from protocol.errors import CallerError, DeviceError
from tests.edge.disk import FailingFiles, MemoryDisk, PowerCut

if TYPE_CHECKING:
    from pathlib import Path


def slots(directory: Path, files: OsFiles | None = None) -> ConfigSlots:
    return ConfigSlots(files or OsFiles(), str(directory))


def apply(config: ConfigSlots, version: int) -> None:
    config.stage(version, b"version %d" % version)
    config.promote()
    config.confirm()


def test_a_new_box_has_no_configuration(tmp_path: Path) -> None:
    config = slots(tmp_path)

    assert config.load_active() == (0, b"")
    assert config.started()
    assert (config.active_version, config.staged_version) == (0, 0)


def test_a_staged_version_waits_until_it_is_promoted(tmp_path: Path) -> None:
    config = slots(tmp_path)
    apply(config, 1)
    config.stage(2, b"two")

    again = slots(tmp_path)

    assert again.load_active() == (1, b"version 1")
    assert again.staged_version == 2
    assert again.promote() == b"two"
    assert slots(tmp_path).load_active() == (2, b"two")


def test_a_reverted_version_is_refused_and_a_higher_one_is_taken(tmp_path: Path) -> None:
    config = slots(tmp_path)
    apply(config, 1)
    config.stage(2, b"two")
    config.promote()

    assert config.revert("link-lost") == (1, b"version 1")

    again = slots(tmp_path)
    assert again.refusal(2) == "link-lost"
    assert again.refusal(1) == "rollback"
    assert again.refusal(3) == ""
    assert again.staged_version == 0
    with pytest.raises(CallerError, match="config-not-staged"):
        again.promote()
    apply(again, 3)
    assert again.load_active() == (3, b"version 3")


def test_the_first_version_reverts_to_none(tmp_path: Path) -> None:
    config = slots(tmp_path)
    config.stage(1, b"one")
    config.promote()

    assert config.revert("health") == (0, b"")
    assert slots(tmp_path).load_active() == (0, b"")


def test_a_box_that_starts_too_often_on_trial_is_told_to_revert(tmp_path: Path) -> None:
    config = slots(tmp_path)
    config.stage(1, b"one")
    config.promote()

    starts = [slots(tmp_path).started() for _ in range(TRIAL_STARTS_MAX + 1)]

    assert starts == [True] * TRIAL_STARTS_MAX + [False]


def test_nothing_is_staged_over_the_way_back_from_a_trial(tmp_path: Path) -> None:
    config = slots(tmp_path)
    apply(config, 1)
    config.stage(2, b"two")
    config.promote()

    with pytest.raises(CallerError, match="config-on-trial"):
        config.stage(3, b"three")

    assert config.revert("health")[0] == 1
    with pytest.raises(CallerError, match="config-not-on-trial"):
        config.revert("again")


def test_old_and_oversized_versions_are_not_staged(tmp_path: Path) -> None:
    config = slots(tmp_path)
    apply(config, 5)

    with pytest.raises(CallerError, match="config-refused"):
        config.stage(5, b"again")
    with pytest.raises(CallerError, match="config-too-large"):
        config.stage(6, bytes(DOCUMENT_BYTES_MAX + 1))


def test_refusals_are_remembered_up_to_a_bound(tmp_path: Path) -> None:
    config = slots(tmp_path)

    for version in range(1, REFUSED_MAX + 3):
        config.refuse(version, "expired")

    assert slots(tmp_path).refusal(REFUSED_MAX + 2) == "expired"
    assert len(config.state.refused) == REFUSED_MAX


def test_a_damaged_slot_falls_back_to_the_other(tmp_path: Path) -> None:
    config = slots(tmp_path)
    apply(config, 1)
    apply(config, 2)
    (tmp_path / config.state.active).write_bytes(b"damaged")

    again = slots(tmp_path)

    assert again.load_active() == (1, b"version 1")
    assert again.refusal(2) == "slot-damaged"
    assert slots(tmp_path).load_active() == (1, b"version 1")


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"v":1}', b"\xff\xfe"])
def test_a_damaged_state_is_no_configuration_not_a_crash(tmp_path: Path, damage: bytes) -> None:
    apply(slots(tmp_path), 1)
    (tmp_path / "slots.json").write_bytes(damage)

    assert slots(tmp_path).load_active() == (0, b"")


def test_a_failing_disk_changes_nothing(tmp_path: Path) -> None:
    files = FailingFiles()
    config = slots(tmp_path, files)
    apply(config, 1)
    config.stage(2, b"two")
    files.sync_fails = 1

    with pytest.raises(DeviceError, match="config-write-failed"):
        config.promote()

    assert config.load_active() == slots(tmp_path).load_active() == (1, b"version 1")


def live(disk: MemoryDisk) -> tuple[int, set[int]]:
    """Run through the life of versions until the power goes: the last version told in force, and all allowed."""
    told, possible = 0, {0}
    try:
        config = ConfigSlots(disk, "/c")
        for version in (1, 2, 3):
            config.stage(version, b"version %d" % version)
            possible = {told, version}
            config.promote()
            if version == 2:
                told = 2
                possible = {2, 1}
                config.revert("health")
                told = 1
            else:
                told = version
                possible = {version}
                config.confirm()
            possible = {told}
    except PowerCut:
        pass
    return told, possible


def test_a_power_cut_at_every_operation_leaves_one_whole_version_in_force() -> None:
    disk = MemoryDisk()
    live(disk)
    for cut_at in range(disk.operations + 1):
        cut = MemoryDisk(cut_at)
        _, possible = live(cut)
        for seed in range(10):
            version, document = ConfigSlots(cut.after_power_cut(seed), "/c").load_active()

            assert version in possible, (cut_at, seed)
            assert document == (b"version %d" % version if version else b"")
