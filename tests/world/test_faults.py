"""Single kinds of faults: what they do to a clock, a disk, a fleet; worlds in which nothing else goes wrong."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING

import pytest

from simulators.world import fleet_faults, schedule
from simulators.world.box import BoxSite
from simulators.world.box_clock import BoxClock, Crystal
from simulators.world.box_faults import YEAR_MS
from simulators.world.cloud import DATABASE
from simulators.world.disk import MemoryDisk
from simulators.world.run import Outcome, run_seed
from simulators.world.unit_faults import POINTS
from simulators.world.world import Wishes
from tests.journeys.stage import declared

if TYPE_CHECKING:
    from pathlib import Path


# Points that no process of a world passes: the card reader's side is played, and commands pass the rest of these.
NOT_IN_WORLDS = {"secure", "catalogue"}


class Time:
    """A true time that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def crystal(self) -> Crystal:
        return Crystal(lambda: self.now_s, self.now_ms)


def test_a_clock_that_drifts_is_further_off_with_every_minute():
    time = Time()
    crystal = time.crystal()
    clock = BoxClock(crystal)

    crystal.run_at(10_000)
    time.now_s += 100
    after_100_s = clock.utc_ms() - time.now_ms()
    time.now_s += 900

    assert after_100_s == pytest.approx(1_000, abs=1)
    assert clock.utc_ms() - time.now_ms() == pytest.approx(10_000, abs=1)
    assert clock.monotonic_ms() == pytest.approx(1_010_000, abs=1)


def test_a_clock_that_is_set_right_shows_the_time_and_its_monotonic_clock_does_not_go_back():
    time = Time()
    crystal = time.crystal()
    clock = BoxClock(crystal)
    crystal.run_at(10_000)
    time.now_s += 1_000
    before = clock.monotonic_ms()

    crystal.set_right()
    time.now_s += 5

    assert clock.utc_ms() == time.now_ms()
    assert clock.monotonic_ms() - before == pytest.approx(5_000, abs=1)


def test_pages_that_a_failed_sync_dropped_are_read_back_until_the_power_goes():
    disk = MemoryDisk()
    handle = disk.create("journal/a")
    disk.sync_directory("journal")
    disk.write(handle, b"first")
    disk.fdatasync(handle)
    disk.sync_fails, disk.drops_pages = 1, True
    disk.write(handle, b"lost!")

    with pytest.raises(OSError, match=str(errno.EIO)):
        disk.fdatasync(handle)
    disk.write(handle, b"later")
    disk.fdatasync(handle)

    assert disk.read("journal/a") == b"firstlost!later"
    assert disk.survivors(Random(1)) == {"journal/a": b"first" + bytes(5) + b"later"}


def test_a_world_may_crash_a_process_at_every_fault_point_that_is_passed_in_it():
    beginnings = tuple(beginning for kind in POINTS.values() for beginning in kind)

    left = {name for name in declared("edge") | declared("cloud") if not name.startswith(beginnings)}

    assert {name.partition(".")[0] for name in left} <= NOT_IN_WORLDS


def world_of(monkeypatch: pytest.MonkeyPatch, *kinds: str, keep: Path | None = None) -> Outcome:
    """A small world in which only these kinds of faults come, and often."""
    monkeypatch.setattr(schedule, "SORTS", (kinds,))
    monkeypatch.setattr(schedule, "WEIGHTS", (1,))
    monkeypatch.setattr(fleet_faults, "COPY_AGE_S", (30.0, 60.0))
    return run_seed(1, Wishes(boxes=2, hours=0.2), keep)


def test_a_box_that_starts_in_a_wrong_year_loses_nothing(monkeypatch):
    live, far_off = BoxSite.live, []

    async def noted(site: BoxSite) -> None:
        far_off.append(abs(site.crystal.skew_ms) > YEAR_MS)
        await live(site)

    monkeypatch.setattr(BoxSite, "live", noted)

    outcome = world_of(monkeypatch, "clock-wrong-year")

    assert outcome.wrongs == []
    assert sum(far_off) > outcome.faults["clock-wrong-year"] / 2 > 1


def test_what_the_acquirer_shall_do_with_a_purchase_that_never_comes_is_not_counted(monkeypatch):
    monkeypatch.setattr(schedule, "SORTS", (("channel-silent",),))
    monkeypatch.setattr(schedule, "WEIGHTS", (1,))

    outcome = run_seed(1, Wishes(boxes=1, hours=0.05, card_share=0.0))

    assert outcome.deeds
    assert outcome.faults["channel-silent"] == 0


@pytest.mark.parametrize("kind", ["old-disk", "old-journal"])
def test_a_box_whose_disk_is_an_old_copy_is_quarantined_brought_back_and_nothing_is_lost(monkeypatch, kind):
    outcome = world_of(monkeypatch, kind)

    assert outcome.wrongs == []
    assert outcome.faults[kind] > 1
    assert 1 < outcome.points["box.released"] <= outcome.faults[kind]


def test_a_fleet_whose_configurations_are_pushed_forged_and_put_back_runs_what_it_should(
    monkeypatch, tmp_path
):
    kinds = [kind for kind in schedule.KINDS if kind.startswith("configuration-")]

    outcome = world_of(monkeypatch, *kinds, "old-configuration", keep=tmp_path)

    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        became = dict(database.execute("SELECT state, count(*) FROM configuration_document GROUP BY state"))
        refused = {reason for (reason,) in database.execute("SELECT detail FROM alarm")}
    assert outcome.wrongs == []
    assert {*kinds, "old-configuration"} <= set(outcome.faults)
    assert became["applied"] > 2
    assert became["reverted"] >= 1
    assert {"signature-wrong", "wrong-target"} & refused
