"""Carries out the schedule of a world: each fault at its time, by the table of who does which kind.

Each kind does its harm and, where it lasts, ends by itself; `heal` ends all. `ground.counts` tells what was really
done, by kind, message faults by message; `Scene.deeds` tells it fault by fault.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from simulators.world.box_faults import BoxFaults
from simulators.world.fleet_faults import FleetFaults
from simulators.world.network_faults import NetworkFaults
from simulators.world.schedule import CHANNEL
from simulators.world.unit_faults import UnitFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.world.fleet_desk import FleetDesk
    from simulators.world.scene import Scene
    from simulators.world.schedule import Fault


class Faults:
    """See the module."""

    def __init__(
        self, scene: Scene, desk: FleetDesk, settings: dict[str, Any], faults: Sequence[Fault]
    ) -> None:
        self._scene, self._faults = scene, faults
        self._armed: list[str] = []  # what the acquirer shall do with a purchase, in this order
        processes = UnitFaults(scene)
        fleet = FleetFaults(scene, desk, processes, settings)
        self._parts = (fleet, NetworkFaults(scene), processes, BoxFaults(scene))
        self._acts: dict[str, Callable[[Fault], None]] = dict.fromkeys(CHANNEL, self._answer_badly)
        for part in self._parts:
            self._acts |= part.acts

    async def run(self) -> None:
        """Let everything go wrong that is to go wrong."""
        loop = self._scene.ground.loop
        self._scene.began_s = loop.time()
        for fault in self._faults:
            await asyncio.sleep(self._scene.began_s + fault.at_s - loop.time())
            self._acts[fault.kind](fault)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._scene.is_healed = True
        for part in self._parts:
            part.heal()
        left = self._scene.acquirer.cases_left
        for kind in self._armed[len(self._armed) - left :]:
            self._scene.ground.counts[kind] -= 1  # no purchase met it

    def _answer_badly(self, fault: Fault) -> None:
        case = fault.chance.choice(CHANNEL[fault.kind])
        self._scene.acquirer.use_next(case)
        self._armed.append(fault.kind)
        self._scene.did(fault, "acquirer", f"case {case}")
