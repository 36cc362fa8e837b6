"""Faults around the fleet: configurations, right and wrong ones, and disks that are put back from an old copy.

An old copy of a journal comes back at an instant at which the cloud confirmed everything that the box knew: what is
lost beyond that with a disk nobody promises (docs/explanation/not-promised.md).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.fleet.configuration import sign
from protocol import topics
from protocol.seal import seal
from simulators.world.box import CONFIGURATION, DOCUMENTS, JOURNAL, VERSIONS
from simulators.world.ground import SHARD, STORE, TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from random import Random
    from typing import Any

    from simulators.world.box import BoxSite
    from simulators.world.fleet_desk import FleetDesk
    from simulators.world.scene import Scene
    from simulators.world.schedule import Fault
    from simulators.world.unit_faults import UnitFaults

COPY_AGE_S = (10.0, 600.0)
TOLD_S = (
    300  # seconds in which every box has told all once, unless it is cut off; then its copy is thrown away
)
TRIAL_S = 120  # a push is on trial by then: between two sales
SICK_S = (12.0, 40.0)  # longer than the product bears a box that is not well
NEXT_VERSIONS = 3  # beyond the last one: what a forger would use

FOLDERS = {
    "old-disk": (JOURNAL, CONFIGURATION, DOCUMENTS, VERSIONS),
    "old-journal": (JOURNAL,),
    "old-configuration": (CONFIGURATION,),
}


class FleetFaults:
    """See the module; `acts` names what is done by kind."""

    def __init__(
        self, scene: Scene, desk: FleetDesk, processes: UnitFaults, settings: dict[str, Any]
    ) -> None:
        self._scene, self._desk, self._processes = scene, desk, processes
        self._settings = settings
        self._tasks: list[asyncio.Task[None]] = []
        self._copied: set[str] = set()
        self.acts: dict[str, Callable[[Fault], None]] = {
            "old-disk": self._begin(self._put_back),
            "old-journal": self._begin(self._put_back),
            "old-configuration": self._begin(self._put_back),
            "configuration-pushed": self._begin(self._push),
            "configuration-sick": self._begin(self._push_sick),
            "configuration-rollback": self._begin(self._roll_back),
            "configuration-wrong-target": self._begin(self._send_wrong),
            "configuration-forged": self._begin(self._send_wrong),
        }

    def heal(self) -> None:
        """What was begun and not done is given up."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, act: Callable[[Fault], Coroutine[Any, Any, None]]) -> Callable[[Fault], None]:
        def begin(fault: Fault) -> None:
            task = self._scene.ground.loop.create_task(act(fault))
            task.add_done_callback(self._note_failure)
            self._tasks.append(task)

        return begin

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._scene.ground.loop.failures.append(f"a fault failed: {task.exception()!r}")

    async def _put_back(self, fault: Fault) -> None:
        """A box dies, and its disk is found as it was some time ago."""
        site, folders = self._scene.site(fault), FOLDERS[fault.kind]
        unit = self._scene.unit_of(site)
        if site.disk is None or site.name in self._copied:
            return
        self._copied.add(site.name)
        copy = site.disk.copy(folders)
        age_s = fault.chance.uniform(*COPY_AGE_S)
        await asyncio.sleep(age_s)
        for _ in range(TOLD_S):
            is_due = JOURNAL not in folders or site.has_told_all
            if is_due and unit.is_alive and self._processes.kill(fault, unit, f"a copy {age_s:.0f} s old"):
                site.put_back_at_start(copy, folders)
                break
            await asyncio.sleep(1)
        self._copied.discard(site.name)

    async def _push(self, fault: Fault) -> None:
        """A new configuration for one box; nothing is wrong with it."""
        site = self._scene.site(fault)
        await self._desk.push([site.name], self._changed(fault.chance))
        self._scene.did(fault, site.name)

    async def _push_sick(self, fault: Fault) -> None:
        """While a box tries a new configuration its disk gets full for too long."""
        site = self._scene.site(fault)
        sick_s = fault.chance.uniform(*SICK_S)
        await self._desk.push([site.name], self._changed(fault.chance))
        for _ in range(TRIAL_S):
            if site.box is not None and site.box.configuration.is_on_trial and site.disk is not None:
                site.disk.fill_up(0)
                self._scene.did(fault, site.name, f"full for {sick_s:.0f} s")
                await asyncio.sleep(sick_s)
                site.disk.empty()
                return
            await asyncio.sleep(1)

    async def _roll_back(self, fault: Fault) -> None:
        """Somebody sends a box an older document of its own again."""
        site = self._scene.site(fault)
        older = (await self._desk.payloads(site.name))[:-1]
        if older:
            self._send(site, fault.chance.choice(older))
            self._scene.did(fault, site.name)

    async def _send_wrong(self, fault: Fault) -> None:
        """A box gets the document of another one, or one that somebody else signed."""
        site, chance = self._scene.site(fault), fault.chance
        versions = len(await self._desk.payloads(site.name)) + chance.randint(1, NEXT_VERSIONS)
        is_forged = fault.kind == "configuration-forged"
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)) if is_forged else self._desk.signer
        box = site.name if is_forged else f"{site.name}-2"
        _, payload = sign(key, self._desk.order(box, self._changed(chance)), box, versions)
        self._send(site, payload)
        self._scene.did(fault, site.name)

    def _send(self, site: BoxSite, payload: bytes) -> None:
        topic = topics.build(SHARD, TENANT, STORE, site.name, topics.DOWN, "cfg")
        self._scene.ground.broker.publish(topic, seal(site.config.down_key, topic, payload), retain=False)

    def _changed(self, chance: Random) -> dict[str, Any]:
        """Settings that differ in what no price depends on."""
        return {
            **self._settings,
            "thanks_ms": chance.randrange(2_000, 6_000),
            "query_interval_ms": chance.randrange(1_000, 3_000),
            "receipt_footer": [f"Number {chance.randrange(1_000_000)}"],
        }
