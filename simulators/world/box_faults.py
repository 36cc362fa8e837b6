"""Faults of a box's machine: its disk and its clocks; and of the cloud's clock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simulators.world.unit_faults import DOWN_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.world.box import BoxSite
    from simulators.world.scene import Scene
    from simulators.world.schedule import Fault

FULL_S = (2.0, 60.0)
FREE_BYTES = (0, 6_000)  # of a full disk: the next record fits, or not even that
CLOCK_S = (10.0, 300.0)
WRONG_YEAR_S = (40.0, 300.0)  # longer than the box is down
HOUR_MS, DAY_MS, YEAR_MS = 3_600_000, 86_400_000, 31_536_000_000
FAR_MS = (30_000, HOUR_MS, 26 * HOUR_MS, 40 * DAY_MS)
OFFSET_MS = 2_000
DRIFT_PPM = (3_472, 10_000)  # five minutes a day, which is a bad crystal, to one second in a hundred
DRIFT_S = (60.0, 1_800.0)
CLOUD_SKEW_MS = 60_000  # a server keeps time better than a till


class BoxFaults:
    """See the module; `acts` names what is done by kind."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.acts: dict[str, Callable[[Fault], None]] = {
            "fsync-error": self._fail_sync,
            "fsync-drops-pages": self._fail_sync,
            "disk-full": self._fill_disk,
            "bit-flip": self._flip_bit,
            "clock-forward": self._jump_clock,
            "clock-back": self._jump_clock,
            "clock-offset": self._jump_clock,
            "clock-wrong-year": self._start_in_wrong_year,
            "clock-drift": self._drift,
            "clock-cloud": self._skew_cloud,
        }

    def heal(self) -> None:
        """Disks have room and sync, clocks are right."""
        self._scene.cloud.clock.skew_ms = 0
        for site in self._scene.sites:
            _repair(site)
            site.crystal.set_right()

    def _fail_sync(self, fault: Fault) -> None:
        site = self._scene.site(fault)
        times = fault.chance.choice((1, 1, 2, 4))
        if site.disk is not None:
            site.disk.sync_fails = times
            site.disk.drops_pages = fault.kind == "fsync-drops-pages"
            self._scene.did(fault, site.name, f"{times} times")

    def _fill_disk(self, fault: Fault) -> None:
        site = self._scene.site(fault)
        free = fault.chance.randint(*FREE_BYTES)
        if site.disk is not None:
            site.disk.fill_up(free)
            self._scene.later(fault, FULL_S, partial(_repair, site))
            self._scene.did(fault, site.name, f"{free} bytes are free")

    def _flip_bit(self, fault: Fault) -> None:
        """One bit of a journal turns, in a record that the cloud has confirmed: others have no second copy."""
        site = self._scene.site(fault)
        if site.flip_bit(fault.chance):
            self._scene.did(fault, site.name)

    def _jump_clock(self, fault: Fault) -> None:
        """A box's clock is wrong for a while: by seconds, hours, days."""
        site, chance = self._scene.site(fault), fault.chance
        far_ms = chance.choice(FAR_MS)
        by_ms = {
            "clock-forward": far_ms,
            "clock-back": -far_ms,
            "clock-offset": chance.randint(-OFFSET_MS, OFFSET_MS),
        }[fault.kind]
        site.crystal.skew_ms = by_ms
        self._scene.later(fault, CLOCK_S, partial(setattr, site.crystal, "skew_ms", 0))
        self._scene.did(fault, site.name, f"by {by_ms / 1000:.1f} s")

    def _start_in_wrong_year(self, fault: Fault) -> None:
        """A box loses its power and its clock with it: it starts as if nobody ever had set it, or as garbage has it."""
        site, chance = self._scene.site(fault), fault.chance
        years = chance.choice((-40, -6, 30))
        site.crystal.skew_ms = years * YEAR_MS
        self._scene.units.crash(self._scene.unit_of(site), chance.uniform(*DOWN_S))
        self._scene.later(fault, WRONG_YEAR_S, partial(setattr, site.crystal, "skew_ms", 0))
        self._scene.did(fault, site.name, f"by {years} years")

    def _drift(self, fault: Fault) -> None:
        """A box's clock runs too fast or too slow, further off with every minute, until it is set again."""
        site = self._scene.site(fault)
        rate_ppm = fault.chance.choice((-1, 1)) * fault.chance.randint(*DRIFT_PPM)
        site.crystal.run_at(rate_ppm)
        self._scene.later(fault, DRIFT_S, site.crystal.set_right)
        self._scene.did(fault, site.name, f"{rate_ppm} ppm")

    def _skew_cloud(self, fault: Fault) -> None:
        clock = self._scene.cloud.clock
        clock.skew_ms = fault.chance.randint(-CLOUD_SKEW_MS, CLOUD_SKEW_MS)
        self._scene.later(fault, CLOCK_S, partial(setattr, clock, "skew_ms", 0))
        self._scene.did(fault, "cloud", f"by {clock.skew_ms / 1000:.1f} s")


def _repair(site: BoxSite) -> None:
    if site.disk is not None:
        site.disk.sync_fails = 0
        site.disk.drops_pages = False
        site.disk.empty()
