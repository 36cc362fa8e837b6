"""Ready-made parts for tests: a small shop, a box in its first state, and a driver that plays events at the flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edge.effects import Record
from edge.flows.checkout import decide
from edge.flows.state import Box, Now, Shop
from edge.settings import Settings
from protocol.catalogue import Catalogue, Prices, build
from protocol.facts import Facts
from protocol.identifiers import IdMaker
from protocol.item import Item

APPLE = Item("04011200296908", "Braeburn apples", 299, "Z", "weight", facts=Facts("fruit"))
BREAD = Item("04006381333931", "Rye bread", 249, "Z", "unit", facts=Facts("bakery"))
SOAP = Item("05000112637922", "Hand soap", 120, "A", "unit", facts=Facts("household"))
WINE = Item("03017620422003", "Red wine", 899, "A", "unit", 18, Facts("drinks"))
GIFT = Item("00012345678905", "Carrier bag", 0, "A", "unit", facts=Facts("household"))
ITEMS = [APPLE, BREAD, SOAP, WINE, GIFT]
# 2026-11-22 12:00:00 UTC
NOON_MS = 1_795_348_800_000


def small_shop(items: list[Item] | None = None) -> Shop:
    """A shop that sells `ITEMS` in pounds."""
    image = build(items or ITEMS, "GBP")
    catalogue = Catalogue(image)
    return Shop(Prices(catalogue), "GBP", catalogue.hash.hex())


def idle_box(**settings: Any) -> Box:
    """A linked box in service with nobody before it."""
    return Box(settings=Settings(**settings), shop=small_shop(), is_linked=True)


@dataclass
class Play:
    """Plays events at the flows and keeps everything they said."""

    box: Box = field(default_factory=idle_box)
    records: list[dict[str, Any]] = field(default_factory=list)
    commands: list[Any] = field(default_factory=list)
    now_ms: int = NOON_MS
    ids: IdMaker = field(default_factory=lambda: IdMaker(1))

    def now(self) -> Now:
        """The instant of the next event."""
        return Now(self.now_ms, self.now_ms, lambda: self.ids.make(self.now_ms))

    def play(self, *events: Any) -> Play:
        """Decide each event in turn."""
        for event in events:
            self.now_ms += 10
            self.take(decide(self.box, event, self.now()))
        return self

    def take(self, decision: tuple[Box, list[Any]]) -> None:
        """Keep the outcome of one decision."""
        self.box, effects = decision
        for effect in effects:
            if isinstance(effect, Record):
                body = {"v": 1, "t": effect.t, "at": self.now_ms, "boot": "00000001", **effect.fields}
                self.records.append(body)
            else:
                self.commands.append(effect)

    def told(self, kind: type) -> list[Any]:
        """The commands of one kind, in order."""
        return [command for command in self.commands if isinstance(command, kind)]

    def record_types(self) -> list[str]:
        """The types of all records, in order."""
        return [record["t"] for record in self.records]
