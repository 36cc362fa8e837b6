"""One world: boxes, cloud, card zone, acquirer, broker and shoppers on one loop, from one seed.

`World.run` builds it, lets it live, heals it, waits until it is settled and writes the evidence into a directory.
Who judges is `run`; what goes wrong meanwhile is `faults`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.catalogue import Catalogue, build
from protocol.faults import set_hook
from protocol.strict_json import dumps
from simulators.checker.unknowns import CHAIN_DIGITS
from simulators.goods import CURRENCY, GOODS, TAX_PPM
from simulators.world.box import BoxSite, Provision
from simulators.world.cloud import SHELF, WorldCloud
from simulators.world.customer import Customer
from simulators.world.faults import Faults
from simulators.world.files import WorldFiles
from simulators.world.fleet_desk import FleetDesk
from simulators.world.price_desk import PriceDesk, item_of, taxes_document
from simulators.world.scene import Deed, Scene
from simulators.world.schedule import plan
from simulators.world.units import Unit, Units
from simulators.world.wire import Wire
from simulators.world.zone import CardZone

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.world.ground import Ground
    from simulators.world.schedule import Fault

WRITTEN = "written.json"  # what the recorder saw
PRICES = "prices.json"  # what each set of versions must cost
HOUR_S = 3_600.0
START_S = 5.0  # links are up and boxes in service
SETTLE_S = 1_800.0  # every receipt, late answer and reversal of a healed world, ten times over
SETTLE_LOOK_S = 5.0
QUIET_S = 40.0  # beyond the acquirer's latest answer: nothing may come after the books are judged


@dataclass(frozen=True, slots=True)
class Wishes:
    """What kind of world: how many boxes, for how long, and what goes wrong in it: `only` those faults, by number."""

    boxes: int = 3
    hours: float = 1.0
    has_faults: bool = True
    sales_an_hour: int = 120  # of each box
    card_share: float = 0.35
    only: tuple[int, ...] | None = None


@dataclass(slots=True)
class World:
    """See the module."""

    ground: Ground
    wishes: Wishes
    sites: list[BoxSite] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    desk: FleetDesk | None = None
    prices: PriceDesk | None = None
    visits: int = 0
    restless: list[str] = field(default_factory=lambda: ["the world goes on"])  # who is not at rest yet

    async def run(self) -> None:
        """All of it, once."""
        ground = self.ground
        units = Units(ground)
        before = set_hook(units.passed)
        try:
            zone, cloud = CardZone(ground), WorldCloud(ground, self._wire("cloud"))
            desk = self.desk = FleetDesk(ground, cloud, units)
            prices = self.prices = PriceDesk(ground, cloud, desk)
            await self._build(units, zone, cloud, desk)
            await prices.publish(is_urgent=False)
            scene = Scene(ground, units, self.sites, cloud, zone.acquirer, self.deeds)
            faults = Faults(scene, desk, _settings(), self._plan())
            await asyncio.sleep(START_S)
            at_desk = ground.loop.create_task(desk.run(self.sites))
            at_prices = ground.loop.create_task(prices.run())
            await self._live(faults)
            prices.close()
            await self._settle(units, cloud, desk)
            await _end(at_prices)
            await _end(at_desk)
            await units.stop()
            await zone.acquirer.stop()
            zone.books.close()
            await asyncio.sleep(START_S)  # the last connections hear that they are over
        finally:
            set_hook(before)
        self._write_evidence()

    async def _build(self, units: Units, zone: CardZone, cloud: WorldCloud, desk: FleetDesk) -> None:
        directory = self._lay_out()
        keys = self.ground.seeds.chance("message keys")
        boxes = [
            Provision(
                directory=directory,
                name=f"box-{number}",
                number=number,
                card_zone_key=zone.public_key,
                signer=desk.public_key,
                up_key=keys.randbytes(32),
                down_key=keys.randbytes(32),
            )
            for number in range(1, self.wishes.boxes + 1)
        ]
        await cloud.enrol([(box.name, box.number, box.up_key, box.down_key) for box in boxes])
        await desk.push([box.name for box in boxes], _settings())
        await zone.start_acquirer()
        for box in boxes:
            site = BoxSite(self.ground, self._wire(box.name), box)
            site.files = WorldFiles(self.ground, cloud)
            self.sites.append(site)
            units.add(Unit("box", box.name, site.live))
            chance = self.ground.seeds.chance(f"shopper {box.name}")
            self.customers.append(Customer(site, chance, self.ground.trace, self.wishes.card_share))
        units.add(Unit("cloud", "cloud", cloud.live))
        units.add(Unit("zone", "zone", zone.live))

    def _plan(self) -> list[Fault]:
        wishes = self.wishes
        faults = plan(self.ground.seeds, wishes.hours * HOUR_S) if wishes.has_faults else []
        return faults if wishes.only is None else [fault for fault in faults if fault.number in wishes.only]

    def _lay_out(self) -> Path:
        """The files that boxes and cloud read: catalogue, settings, taxes."""
        directory, shelf = self.ground.path("provision"), self.ground.path(SHELF)
        (directory / "catalogue").mkdir(parents=True)
        shelf.mkdir()
        image = build([item_of(good, good.price_minor) for good in GOODS], CURRENCY)
        assert self.prices is not None, "it opens first"
        self.prices.provisioned(Catalogue(image).hash.hex())
        (directory / "catalogue" / "active.tbc").write_bytes(image)
        (directory / "settings.json").write_text(json.dumps(_settings()))
        (shelf / "goods.tbc").write_bytes(image)
        (shelf / "goods.taxes.json").write_bytes(dumps(_taxes()))
        return directory

    def _wire(self, name: str) -> Wire:
        chance = self.ground.seeds.chance(f"wire {name}")
        return Wire(name, self.ground.loop, chance, self.ground.counts)

    async def _live(self, faults: Faults) -> None:
        """Shoppers come until the time is over; faults come and go beside them."""
        end_s = self.ground.loop.time() + self.wishes.hours * HOUR_S
        trouble = self.ground.loop.create_task(faults.run())
        async with asyncio.TaskGroup() as queues:
            for customer in self.customers:
                queues.create_task(self._queue(customer, end_s))
        await _end(trouble)
        faults.heal()

    async def _queue(self, customer: Customer, end_s: float) -> None:
        """One visit after the other, as many an hour as were wished for."""
        loop, every_s = self.ground.loop, HOUR_S / self.wishes.sales_an_hour
        next_s = loop.time()
        while loop.time() < end_s:
            self.visits += 1
            await customer.visit(self.visits)
            next_s = max(next_s + every_s, loop.time())
            await asyncio.sleep(next_s - loop.time())

    async def _settle(self, units: Units, cloud: WorldCloud, desk: FleetDesk) -> None:
        """Wait until nothing is under way, then until nothing more can come."""
        loop = self.ground.loop
        end_s = loop.time() + SETTLE_S
        await asyncio.sleep(QUIET_S)
        while self.restless and loop.time() < end_s:
            await asyncio.sleep(SETTLE_LOOK_S)
            self.restless = [unit.name for unit in units.all if not unit.is_alive]
            self.restless += [f"{site.name} is not done" for site in self.sites if not _is_calm(site)]
            self.restless += [*desk.under_way(), *await cloud.under_way()]

    def _write_evidence(self) -> None:
        for site in self.sites:
            assert site.disk is not None, "every box was started"
            target = self.ground.path("journals") / site.name
            target.mkdir(parents=True)
            for path, file in site.disk.entries.items():
                folder, _, name = path.rpartition("/")
                if folder.endswith("/journal"):
                    (target / name).write_bytes(file.data)
        written = {
            chain.hex()[:CHAIN_DIGITS]: at_ms for site in self.sites for chain, at_ms in site.written.items()
        }
        self.ground.path(WRITTEN).write_text(json.dumps(written), encoding="utf-8")
        memories = [memory.as_json() for customer in self.customers for memory in customer.memories]
        printers = {site.name: site.paper.lines for site in self.sites}
        assert self.prices is not None, "it has run"
        self.ground.path(PRICES).write_text(json.dumps(self.prices.lists_as_json()), encoding="utf-8")
        people = json.dumps({"memories": memories, "printers": printers}, ensure_ascii=False)
        self.ground.path("memories.json").write_text(people, encoding="utf-8")


async def _end(task: asyncio.Task[None]) -> None:
    """End a task; what it raised before is raised here."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _is_calm(site: BoxSite) -> bool:
    """Whether this box has told everything and waits for no answer about money."""
    box = site.box
    if box is None or box.uplink.unsent or box.agent.box.reversing or site.is_quarantined:
        return False
    sale = box.agent.box.sale
    return sale is None or sale.phase not in ("authorizing", "unknown")


def _taxes() -> dict[str, Any]:
    return taxes_document(TAX_PPM)


def _settings() -> dict[str, Any]:
    """A shop with short patience, so that every way out of an unknown outcome is walked within an hour."""
    return {
        "thanks_ms": 4_000,
        "inactivity_ms": 20_000,
        "more_time_ms": 10_000,
        "pay_budget_ms": 8_000,
        "query_interval_ms": 2_000,
        "unknown_patience_ms": 15_000,
        "taxes": _taxes(),
    }
