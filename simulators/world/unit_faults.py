"""Faults of processes: crashes at named fault points or at any instant, pauses, and a cloud whose database is old.

Which point a crash waits for is decided from the table of all that its kind of process passes. A process that does
not come by in time dies all the same.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from protocol.faults import NAMES
from simulators.world.scene import CRASH_AT

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.world.scene import Scene
    from simulators.world.schedule import Fault
    from simulators.world.units import Unit

DOWN_S = (0.5, 25.0)  # a process is started again: at once, or after somebody came
ARMED_S = 60.0  # a crash that did not find its fault point happens where the process is
AT_ONCE = 0.1  # of all crashes wait for no point
PASSINGS = (1, 1, 2, 5, 20)  # the crash comes at one of these: the first is most often one of an idle process
PAUSE_S = (1.0, 40.0)
SLOW_INBOX = 4  # messages that wait for a client that stands still
BACKUP_AGE_S = (10.0, 900.0)

# The beginnings of the points' names, by the kind of process that passes them.
POINTS = {
    "box": ("agent.", "config.", "configuration.", "files.", "journal.", "uplink.", "versions."),
    "cloud": ("catalogue.announced", "consumer.", "fleet.configuration_", "payments."),
    "zone": ("cardzone.",),
}


class UnitFaults:
    """See the module; `acts` names what is done by kind."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._armed: dict[tuple[str, str], Fault] = {}
        self._passings: dict[int, int] = {}  # until a crash, by the number of its fault
        self._is_backed_up = False
        scene.units.at_point = self._at_point
        self.acts: dict[str, Callable[[Fault], None]] = {
            "crash-box": self._crash,
            "crash-cloud": self._crash,
            "crash-zone": self._crash,
            "pause": self._pause,
            "slow-consumer": self._slow,
            "old-database": self._restore_database,
        }

    def heal(self) -> None:
        """Nobody is about to crash any more, whoever stands still goes on."""
        self._armed.clear()
        for unit in self._scene.units.all:
            if unit.process is not None:
                self._scene.ground.loop.resume(unit.process)

    def kill(self, fault: Fault, unit: Unit, what: str) -> bool:
        """Crash a process now, and start it again after a while; False when it is dead already."""
        down_s = fault.chance.uniform(*DOWN_S)
        if unit.is_alive and not self._scene.is_healed:
            self._scene.units.crash(unit, down_s)
            self._scene.did(fault, unit.name, what)
            return True
        return False

    def _crash(self, fault: Fault) -> None:
        kind = fault.kind.partition("-")[2]
        unit = self._scene.unit(fault, kind)
        point = fault.chance.choice(sorted(name for name in NAMES if name.startswith(POINTS[kind])))
        if fault.chance.random() < AT_ONCE or (unit.name, point) in self._armed:
            self.kill(fault, unit, "at once")
            return
        self._armed[unit.name, point] = fault
        self._passings[fault.number] = fault.chance.choice(PASSINGS)
        self._scene.ground.loop.call_later(ARMED_S, self._give_up, unit, point, fault)

    def _at_point(self, unit: Unit, name: str) -> bool:
        fault = self._armed.get((unit.name, name)) if self._armed else None
        if fault is None:
            return False
        self._passings[fault.number] -= 1
        if self._passings[fault.number]:
            return False
        del self._armed[unit.name, name]
        self._scene.ground.trace.counts[CRASH_AT + name] += 1
        return self.kill(fault, unit, f"at {name}")

    def _give_up(self, unit: Unit, point: str, fault: Fault) -> None:
        if self._armed.get((unit.name, point)) is fault:
            del self._armed[unit.name, point]
            self.kill(fault, unit, f"at once, {point} did not come")

    def _pause(self, fault: Fault) -> None:
        unit = self._scene.unit(fault, "box", "cloud", "zone")
        if unit.is_alive:
            self._stop(fault, unit)

    def _slow(self, fault: Fault) -> None:
        """A client stands still while its inbox is small: what does not fit is lost."""
        unit = self._scene.unit(fault, "box", "cloud")
        sites = [site for site in self._scene.sites if site.name == unit.name]
        link = sites[0].link if sites else self._scene.cloud.link
        if link is not None and link.session is not None and unit.is_alive:
            link.session.bound = SLOW_INBOX
            self._stop(fault, unit)

    def _stop(self, fault: Fault, unit: Unit) -> None:
        assert unit.process is not None, "it is alive"
        loop = self._scene.ground.loop
        loop.pause(unit.process)
        self._scene.later(fault, PAUSE_S, partial(loop.resume, unit.process))
        self._scene.did(fault, unit.name)

    def _restore_database(self, fault: Fault) -> None:
        """The cloud's database is replaced by a copy that is minutes old, as after a disaster."""
        unit = self._scene.unit(fault, "cloud")
        if self._is_backed_up or not unit.is_alive:
            return
        self._scene.cloud.back_up()
        self._is_backed_up = True
        self._scene.later(fault, BACKUP_AGE_S, partial(self._fall_back, fault, unit))

    def _fall_back(self, fault: Fault, unit: Unit) -> None:
        self._is_backed_up = False
        age_s = self._scene.ground.loop.time() - self._scene.began_s - fault.at_s
        if self.kill(fault, unit, f"a copy {age_s:.0f} s old"):
            self._scene.cloud.restore()
        else:
            self._scene.cloud.forget_backup()
