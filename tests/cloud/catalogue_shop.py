"""One tenant with its shelf, for tests: imports, publishes, says what a box is told, and takes what it answers."""

from __future__ import annotations

from dataclasses import replace

from cloud.catalogue import store
from cloud.catalogue.announcer import PublicationAnnouncer
from cloud.catalogue.handlers import PublicationAnswers
from cloud.catalogue.importing import Import, import_items
from cloud.catalogue.publishing import Publishing, digest_of, publish
from cloud.catalogue_shelf import DirectoryShelf
from cloud.intake import LaneMessage
from cloud.intake_boxes import BoxTable
from protocol.configuration import unpack
from protocol.facts import Facts
from protocol.item import Item
from protocol.messages import encode_publication_answer
from protocol.pricing.tax import TaxTable
from protocol.publication import decode_publication, signed_part
from protocol.seal import open_sealed
from protocol.strict_json import dumps
from tests.cloud.estate import HandClock
from tests.cloud.test_fleet_configuration import KEY, Broker, Fleet
from tests.cloud.tills import SHARD, STORE, TENANT

DAY_MS = 86_400_000
BREAD = Item("04006381333931", "Rye bread", 249, "Z", facts=Facts("food/bakery", "Miller", ("organic",)))
SOAP = Item("05000112637922", "Hand soap", 120, "A", levels=(("member", 99),))
TABLE = TaxTable("included", "line", {"A": 200_000, "Z": 0})
TAXES = dumps(TABLE.document())


class Shop:
    """One tenant with its shelf: imports, publishes, and says what a box is told."""

    def __init__(self, database, directory):
        self.database, self.directory = database, directory
        self.fleet = Fleet(database)
        self.clock, self.broker = HandClock(), Broker()
        self.announcer = PublicationAnnouncer(
            database=database, outbound=self.broker, directory=BoxTable(database), clock=self.clock
        )
        self.shelf = DirectoryShelf(directory)

    async def sells(self, *items, **changed):
        return await import_items(self.database, replace(Import(TENANT, SHARD, "GBP"), **changed), items)

    async def taxed(self, document=TAXES, from_ms=0, shop=""):
        async with self.database.transaction() as tx:
            row = (TENANT, shop, "taxes", from_ms, SHARD, digest_of(document), document)
            await store.put_rule(tx, row)

    async def publish(self, shop=STORE, **changed):
        now = self.clock.ms
        what = Publishing(TENANT, shop, SHARD, "GBP", "https://cloud:8884", now, now + DAY_MS, 30 * DAY_MS)
        return await publish(self.database, self.directory, KEY, replace(what, **changed))

    def told(self, box, shop=STORE):
        topic = f"tb1/{SHARD}/{TENANT}/{shop}/{box}/down/ver"
        payload = open_sealed(Fleet.down_key(box), topic, self.broker.retained[topic])
        signature, document = unpack(payload)
        KEY.public_key().verify(signature, signed_part(document))
        return decode_publication(document)

    async def answers(self, box, number, outcome, reason="", held=None):
        found = await BoxTable(self.database).find(TENANT, box)
        assert found is not None
        answer = {
            "v": 1,
            "number": number,
            "outcome": outcome,
            "reason": reason,
            "catalogue": "",
            "overlay": "",
        }
        payload = encode_publication_answer({**answer, "held": number if held is None else held})
        async with self.database.transaction() as tx:
            await PublicationAnswers().take(tx, [LaneMessage(found, "ver", payload)], self.clock.ms)

    async def standing(self, box):
        return next(row for row in await store.standings(self.database, TENANT) if row.box == box)

    async def price(self, entry, gtin=BREAD.gtin):
        found = await self.shelf.find(TENANT, entry["catalogue"], entry["overlay"], entry["taxes"])
        assert found is not None
        item = found.find(gtin)
        return None if item is None else item.unit_price_minor


def replace_price(item, price_minor):
    fields = list(item.fields())
    fields[2] = price_minor
    return Item(*fields)
