"""The operator of a world: pushes configurations, and walks the way back with each box that is in quarantine.

She does what the handbook says (docs/how-to/recover-a-box.md), with the product's own code behind its commands: stops
the box, renews its journal, releases it in the cloud, starts it; and pushes again what a restored cloud forgot. A box
in quarantine on which nobody put an old copy is a finding, and so is one with a version that no forgetful cloud gave.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cloud.fleet import store
from cloud.fleet.configuration import Push, push
from simulators.world.ground import SHARD, TENANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.world.box import BoxSite
    from simulators.world.cloud import WorldCloud
    from simulators.world.ground import Ground
    from simulators.world.units import Unit, Units

LOOK_S = 15.0  # how often she looks at the list of boxes
COMES_AFTER_S = (20.0, 240.0)  # somebody has to go to the shop
TRIES_AGAIN_S = 30.0  # a disk that is full or does not sync
YEAR_MS = 31_536_000_000
BOXES = """
SELECT b.box, b.status, COALESCE(d.version, 0), COALESCE(r.config_version, 0) FROM box b
LEFT JOIN configuration_desired d ON d.tenant = b.tenant AND d.box = b.box
LEFT JOIN box_report r ON r.tenant = b.tenant AND r.box = b.box WHERE b.tenant = $1
"""


class FleetDesk:
    """See the module; `signer` is the key whose public half boxes are enrolled with."""

    def __init__(self, ground: Ground, cloud: WorldCloud, units: Units) -> None:
        self.signer = Ed25519PrivateKey.from_private_bytes(ground.seeds.chance("signer").randbytes(32))
        self.pushed: set[tuple[str, int, str]] = set()  # box, version, digest of every document
        self._ground, self._cloud, self._units = ground, cloud, units
        self._settings: dict[str, Any] = {}
        self._chance = ground.seeds.chance("fleet desk")
        self._errands: dict[str, asyncio.Task[None]] = {}

    @property
    def public_key(self) -> bytes:
        """What boxes check configurations with."""
        return self.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def under_way(self) -> list[str]:
        """To which boxes somebody is on the way."""
        return [f"{box} is being renewed" for box in self._errands]

    def order(self, box: str, settings: dict[str, Any]) -> Push:
        """A push of these settings, as of now."""
        now_ms = self._ground.now_ms()
        return Push(TENANT, "", {**settings, "store_lines": [box]}, now_ms, now_ms + YEAR_MS)

    async def push(self, boxes: Sequence[str], settings: dict[str, Any]) -> None:
        """What `tillbox fleet push` does."""
        self._settings = settings
        async with self._cloud.opened() as database:
            for box in boxes:
                done = await push(database, self.signer, self.order(box, settings), [(box, SHARD)])
                self.pushed.update((one.box, one.version, one.digest) for one in done)

    async def payloads(self, box: str) -> list[bytes]:
        """All documents that were ever pushed to a box, oldest first."""
        sql = "SELECT payload FROM configuration_document WHERE tenant = $1 AND box = $2 ORDER BY version"
        async with self._cloud.opened() as database:
            return [bytes(payload) for (payload,) in await database.fetch(sql, TENANT, box)]

    async def run(self, sites: Sequence[BoxSite]) -> None:
        """Look after the boxes for ever."""
        async with asyncio.TaskGroup() as ways:
            while True:
                await asyncio.sleep(LOOK_S)
                async with self._cloud.opened() as database:
                    rows = await database.fetch(BOXES, TENANT)
                states = {row[0]: row[1:] for row in rows}
                for site in sites:
                    status, desired, reported = states[site.name]
                    is_out = site.is_quarantined or status == "quarantined"
                    if is_out and site.name not in self._errands:
                        self._errands[site.name] = ways.create_task(self._bring_back(site))
                    if reported > desired:
                        await self._push_again(site)

    async def _push_again(self, site: BoxSite) -> None:
        """The cloud was restored, and does not know a push of its own any more."""
        if not self._cloud.restored:
            self._ground.loop.failures.append(f"{site.name} has a configuration that nobody pushed")
        await self.push([site.name], self._settings)

    async def _bring_back(self, site: BoxSite) -> None:
        unit = next(unit for unit in self._units.all if unit.name == site.name)
        if not site.put_back:
            self._ground.loop.failures.append(f"{site.name} is in quarantine, and its disk is its own")
        await asyncio.sleep(self._chance.uniform(*COMES_AFTER_S))
        await self._renew(site, unit)
        async with self._cloud.opened() as database, database.transaction() as tx:
            await store.release(tx, TENANT, site.name, "an old copy of its disk", self._ground.now_ms())
        self._ground.trace.note("box.released", site.name)
        self._units.let_go(unit)
        await asyncio.sleep(LOOK_S)  # until it is on its feet, its last words count
        del self._errands[site.name]

    async def _renew(self, site: BoxSite, unit: Unit) -> None:
        await self._units.hold(unit)
        is_renewed = await self._units.use_tool(unit, site.renew)
        while not is_renewed:
            await asyncio.sleep(TRIES_AGAIN_S)
            is_renewed = await self._units.use_tool(unit, site.renew)
