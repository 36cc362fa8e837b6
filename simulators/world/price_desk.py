"""The tenant of a world: changes prices and taxes all the time, at once, urgently or ahead, and publishes them.

She does what the handbook says (docs/how-to/publish-a-catalogue.md), with the product's own code behind its commands.
What each set of versions must cost she works out herself, from the changes that she made: that is what the checker
judges by. After a restore of the cloud, or a refusal, she publishes again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

from cloud.catalogue import store
from cloud.catalogue.importing import Import, import_items
from cloud.catalogue.publishing import Publishing, digest_of, publish
from protocol.facts import Facts
from protocol.item import UNIT, WEIGHT, Item
from protocol.strict_json import dumps
from simulators.checker.pricing import PriceList, ShelfPrice
from simulators.goods import CURRENCY, GOODS, TAX_PPM
from simulators.world.ground import SHARD, STORE, TENANT

if TYPE_CHECKING:
    from simulators.world.cloud import WorldCloud
    from simulators.world.fleet_desk import FleetDesk
    from simulators.world.ground import Ground

SHELF = "shelf"
EVERY_S = (25.0, 160.0)  # between two changes: most sales see none, some see several
AHEAD_S = (20.0, 300.0)  # how long before its time a change is announced
LOOK_S = 20.0  # how often she looks whether boxes sell by what she published
GOODS_AT_ONCE = 4
YEAR_MS = 31_536_000_000
HORIZON_MS = 86_400_000
FACTOR = (0.6, 1.7)  # of a price to the next
TAX_SHIFTS_PPM = (-25_000, 0, 10_000, 55_000)

Key = tuple[str, str, str]  # catalogue, overlay, taxes


def taxes_document(ppm: dict[str, int]) -> dict[str, Any]:
    """A tax table of these rates."""
    return {"v": 1, "mode": "included", "rounding": "line", "rates": ppm}


def item_of(good: Any, price_minor: int) -> Item:
    """A good as the product knows it, at a price."""
    kind = WEIGHT if good.is_weighed else UNIT
    return Item(good.gtin, good.name, price_minor, good.tax_class, kind, good.age_min, Facts(good.category))


class PriceDesk:
    """See the module. `lists` holds what every set of versions must cost, by the hashes that sales name."""

    def __init__(self, ground: Ground, cloud: WorldCloud, desk: FleetDesk) -> None:
        self._ground, self._cloud, self._desk = ground, cloud, desk
        self._chance = ground.seeds.chance("price desk")
        self._prices = [(0, good.gtin, good.price_minor) for good in GOODS]
        self._taxes = [(0, dict(TAX_PPM))]
        self._is_open = True
        self.lists: dict[Key, PriceList] = {}

    def provisioned(self, catalogue: str) -> None:
        """What boxes sell by before they were ever told."""
        text = json.dumps(taxes_document(TAX_PPM), sort_keys=True, separators=(",", ":"))
        self.lists[catalogue, "", hashlib.sha256(text.encode()).hexdigest()] = self._list_at(0)

    async def run(self) -> None:
        """Change prices while shoppers come; look for ever."""
        loop, chance = self._ground.loop, self._chance
        next_s = loop.time() + chance.uniform(*EVERY_S)
        while True:
            await asyncio.sleep(min(LOOK_S, max(next_s - loop.time(), 0)) if self._is_open else LOOK_S)
            if self._is_open and loop.time() >= next_s:
                next_s = loop.time() + chance.uniform(*EVERY_S)
                self._change()
                await self.publish(is_urgent=chance.random() < 0.5)
            elif await self._is_behind():
                await self.publish(is_urgent=False)

    def close(self) -> None:
        """The shop closes: no price changes any more."""
        self._is_open = False

    def lists_as_json(self) -> list[dict[str, Any]]:
        """The lists as the checker reads them from a file."""
        return [
            {"versions": list(key), "prices": dict(found.prices), "tax_ppm": dict(found.tax_ppm)}
            for key, found in self.lists.items()
        ]

    async def publish(self, *, is_urgent: bool) -> None:
        """What `tillbox catalogue import`, `rule` and `publish` do; a restored cloud gets all of it again."""
        now_ms = self._ground.now_ms()
        goods = {good.gtin: good for good in GOODS}
        async with self._cloud.opened() as database:
            for at_ms in sorted({at_ms for at_ms, _, _ in self._prices}):
                items = [item_of(goods[gtin], price) for at, gtin, price in self._prices if at == at_ms]
                await import_items(database, Import(TENANT, SHARD, CURRENCY, from_ms=at_ms), items)
            for at_ms, ppm in self._taxes:
                document = dumps(taxes_document(ppm))
                async with database.transaction() as tx:
                    row = (TENANT, "", "taxes", at_ms, SHARD, digest_of(document), document)
                    await store.put_rule(tx, row)
            has_image = await store.last(database, TENANT, STORE) is not None
            what = Publishing(
                tenant=TENANT,
                store=STORE,
                shard=SHARD,
                currency=CURRENCY,
                source="https://files",
                now_ms=now_ms,
                expires_ms=now_ms + YEAR_MS,
                horizon_ms=HORIZON_MS,
                is_urgent=is_urgent and has_image,
                made_by="anna",
                approved_by="bert",
            )
            done = await publish(database, self._ground.path(SHELF), self._desk.signer, what)
        self._ground.trace.note("prices.published", "cloud", done.number)
        for entry in done.plan:
            self._note(entry, self._list_at(entry["from_ms"] or now_ms))

    def _change(self) -> None:
        """Some goods get another price, sometimes all another tax: now, or in a while."""
        chance, now_ms = self._chance, self._ground.now_ms()
        at_ms = now_ms if chance.random() < 0.6 else now_ms + int(chance.uniform(*AHEAD_S) * 1000)
        latest = self._list_at(at_ms)
        for good in chance.sample(GOODS, chance.randint(1, GOODS_AT_ONCE)):
            price = max(1, int(latest.prices[good.gtin].price_minor * chance.uniform(*FACTOR)))
            self._prices.append((at_ms, good.gtin, price))
        if chance.random() < 0.25:
            shift = chance.choice(TAX_SHIFTS_PPM)
            self._taxes.append((at_ms, {name: max(0, ppm + shift) for name, ppm in TAX_PPM.items()}))

    def _list_at(self, now_ms: int) -> PriceList:
        """What everything must cost at an instant: of each good the price that began last."""
        begun = sorted((row for row in self._prices if row[0] <= now_ms), key=lambda row: row[0])
        price_of = {gtin: price for _, gtin, price in begun}
        ppm: dict[str, int] = {}
        for at_ms, rates in sorted(self._taxes, key=lambda row: row[0]):
            if at_ms <= now_ms:
                ppm = rates
        prices = {
            good.gtin: ShelfPrice(price_of[good.gtin], good.tax_class, good.is_weighed) for good in GOODS
        }
        return PriceList(prices, ppm)

    def _note(self, entry: dict[str, Any], found: PriceList) -> None:
        key = (entry["catalogue"], entry["overlay"], entry["taxes"])
        if self.lists.setdefault(key, found) != found:
            self._ground.loop.failures.append(f"two price lists have the same hashes {key}")

    async def _is_behind(self) -> bool:
        """Whether some box refuses, or holds more than the cloud remembers that it gave."""
        async with self._cloud.opened() as database:
            rows = await store.standings(database, TENANT)
        return any(row.state == "refused" or row.held > row.number for row in rows)
