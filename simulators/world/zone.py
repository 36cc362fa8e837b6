"""The card zone and its acquirer in the world: the product's own zone, store, links and socket server, in memory.

The acquirer is the simulator that the demonstration uses; it never dies. What it does is `acquirer.use_next`'s
business, set by the faults.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cloud.cardzone.keys import Keys, make_keys, public_key_hex
from cloud.cardzone.link import LinkTimes
from cloud.cardzone.links import Endpoint, Links
from cloud.cardzone.reversals import Reversals, ReversalTimes
from cloud.cardzone.server import Server
from cloud.cardzone.store import Store
from cloud.cardzone.zone import Zone
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.cards import host_cases
from simulators.world.process import PRESENT

if TYPE_CHECKING:
    from cloud.cardzone.iso8583 import Fields
    from simulators.world.ground import Ground

ACQUIRER_PORT = 7000
SOCKET = "zone.sock"
LATE_MS = 20_000  # beyond every budget of box and zone: a late answer finds nobody waiting
ANSWER_MS = 80  # of a quick acquirer


class CardZone:
    """Both of them; `live` is one life of the zone's process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._chance = ground.seeds.chance("zone keys")
        self._keys_at = ground.path("keys")
        make_keys(self._keys_at, self._chance.randbytes)
        self.public_key = public_key_hex(self._keys_at)
        self.books = Books(ground.path("books.jsonl"))
        self.acquirer = Acquirer(self.books, HostTimes(ANSWER_MS, LATE_MS), host_cases())

    async def start_acquirer(self) -> None:
        """Open the acquirer for business."""
        await self.acquirer.start(port=ACQUIRER_PORT)

    async def live(self) -> None:
        """Serve until the process dies: what `cloud.cardzone.main` puts together, with this world's time."""
        ground = self._ground
        store = Store(ground.path("zone.store"))
        process = PRESENT.get()
        assert process is not None, "a zone lives in a process"
        process.cut_with(store.close)
        keys = Keys(self._keys_at, self._chance.randbytes)

        async def on_answer(fields: Fields) -> None:
            await zone.take(fields)

        endpoints = [Endpoint("acquirer", "acquirer", ACQUIRER_PORT)]
        links = Links(endpoints, LinkTimes(), ground.de7_now, on_answer)
        zone = Zone(store, links, keys, ground.de7_now)
        reversals = Reversals(store, links, keys, zone.settled, ReversalTimes())
        zone.attach(reversals)
        await zone.recover()
        server = await Server(zone, store, keys, links).listen(ground.path(SOCKET))
        async with server, asyncio.TaskGroup() as group:
            group.create_task(links.run())
            group.create_task(reversals.run())
