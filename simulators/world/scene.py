"""What faults act on, and the book in which is written what they really did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.acquirer.host import Acquirer
    from simulators.world.box import BoxSite
    from simulators.world.cloud import WorldCloud
    from simulators.world.ground import Ground
    from simulators.world.schedule import Fault
    from simulators.world.units import Unit, Units
    from simulators.world.wire import Wire

CRASH_AT = "crash-at "  # before the name of a fault point: how often a process crashed there


class Deed(NamedTuple):
    """A fault that happened: to whom, and what it was in particular."""

    number: int
    at_s: float
    kind: str
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.number:>4}  {self.at_s:>8.1f} s  {self.kind:<28}{self.who:<12}{self.what}".rstrip()


@dataclass(slots=True)
class Scene:
    """See the module. `is_healed`: nothing may go wrong any more, also not what was begun before."""

    ground: Ground
    units: Units
    sites: list[BoxSite]
    cloud: WorldCloud
    acquirer: Acquirer
    deeds: list[Deed] = field(default_factory=list)
    began_s: float = 0.0
    is_healed: bool = False

    def did(self, fault: Fault, who: str, what: str = "", *, is_counted: bool = True) -> None:
        """A fault was done."""
        if is_counted:
            self.ground.counts[fault.kind] += 1
        self.ground.trace.note("fault", who, f"{fault.number} {fault.kind} {what}")
        self.deeds.append(Deed(fault.number, self.ground.loop.time() - self.began_s, fault.kind, who, what))

    def later(self, fault: Fault, span_s: tuple[float, float], act: Callable[[], None]) -> None:
        """Have `act` called after a while that the fault's own generator decides."""
        self.ground.loop.call_later(fault.chance.uniform(*span_s), act)

    def site(self, fault: Fault) -> BoxSite:
        """A box that the fault chooses."""
        return fault.chance.choice(self.sites)

    def unit(self, fault: Fault, *kinds: str) -> Unit:
        """A process of these kinds that the fault chooses."""
        return fault.chance.choice([unit for unit in self.units.all if unit.kind in kinds])

    def unit_of(self, site: BoxSite) -> Unit:
        """The process of a box."""
        return next(unit for unit in self.units.all if unit.name == site.name)

    @property
    def wires(self) -> list[Wire]:
        """The ways of all clients to the broker."""
        return [*(site.wire for site in self.sites), self.cloud.wire]
