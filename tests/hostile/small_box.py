"""A small box for hostile cases: the real agent, flows, journal and identity on a real disk, with clocks in our hand.

Only the cloud's side is played: what the box asks is kept, what it is told is posted.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge import recall
from edge.acts import Acts
from edge.agent import Agent
from edge.flows.state import Box
from edge.journal.commit import Committer
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from edge.settings import Settings
from protocol.records import decode_record, encode_record
from tests.builders import NOON_MS, small_shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.flows.state import Shop
    from protocol.identifiers import IdMaker

WAIT_S = 20.0  # for anything that must happen: far above what it takes on a loaded machine


class HandClock:
    """Two clocks that move when a test says so."""

    def __init__(self, utc_ms: int = NOON_MS) -> None:
        self.utc = utc_ms
        self.monotonic = 1_000

    def utc_ms(self) -> int:
        return self.utc

    def monotonic_ms(self) -> int:
        return self.monotonic

    async def sleep_ms(self, delay_ms: int) -> None:
        self.monotonic += delay_ms
        await asyncio.sleep(0)


@dataclass
class Told:
    """The cloud as the box sees it: what it was asked."""

    asked: list[tuple[str, int, bytes]] = field(default_factory=list)

    def synced(self) -> None:
        """Records became durable."""

    def ask(self, kind: str, payment: int, attempt: int, frame: bytes, blob: str, budget_ms: int) -> None:
        del payment, blob, budget_ms
        self.asked.append((kind, attempt, frame))

    def publish_state(self) -> None:
        """Nobody reads it here."""


class Cards:
    """A secure module whose card is always there; it seals nothing that a test would read."""

    def __init__(self) -> None:
        self.forgotten: list[int] = []

    async def arm(self, amount_minor: int, currency: str) -> None:
        """Any amount."""

    async def disarm(self) -> None:
        """Nothing to do."""

    async def seal(self, attempt: int, amount_minor: int, currency: str) -> tuple[str, str, str]:
        del attempt, amount_minor, currency
        return "ab" * 32, "476173******0119", "visa"

    async def stored(self, attempt: int) -> str:
        del attempt
        return "AAAA"

    async def forget(self, attempt: int) -> None:
        self.forgotten.append(attempt)


class Glass:
    """A screen that keeps the newest look."""

    def __init__(self) -> None:
        self.look: Callable[[], dict[str, Any]] = dict

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        self.look = look


class SmallBox:
    """One box over one directory; building it again over the same directory is a restart."""

    def __init__(
        self, directory: Path, *, shop: Shop | None = None, clock: HandClock | None = None, **settings: Any
    ) -> None:
        self.clock = clock or HandClock()
        self.journal = Journal(
            OsFiles(), str(directory / "journal"), Birth("acme", "till-1", self._generation, self._opening)
        )
        self.committer = Committer(self.journal, lambda: None, lambda _: None)
        self.cloud, self.cards, self.glass = Told(), Cards(), Glass()
        records = recall.recent_records(self.journal)
        self.ids: IdMaker = recall.id_maker(1, records)
        box = Box(settings=Settings(**settings), shop=shop or small_shop(), is_linked=True)
        self.recalled = recall.recall(box, records)
        self.acts = Acts(uplink=self.cloud, cards=self.cards)
        self.agent = Agent(
            box=self.recalled,
            clock=self.clock,
            new_id=lambda: self.ids.make(self.clock.utc_ms()),
            boot="00000001",
            records=self.committer,
            frame_of=self.journal.frame,
            acts=self.acts,
            screen=self.glass,
        )

    @property
    def box(self) -> Box:
        return self.agent.box

    @property
    def view(self) -> dict[str, Any]:
        return self.glass.look()

    def names(self) -> list[tuple[str, int, str]]:
        """The open lines as the shopper sees them: (name, quantity, gtin)."""
        sale = self.box.sale
        return (
            [] if sale is None else [(one.name, one.quantity, one.gtin) for one in sale.basket.open_lines()]
        )

    async def play(self, *events: Any) -> None:
        """Handle events one by one, and everything that their effects post."""
        for event in events:
            self.agent.post(event)
            await self.settle()

    async def settle(self) -> None:
        """Until no act runs and no event waits."""
        for _ in range(1_000):
            while self.agent._events:
                await self.agent.handle(self.agent._events.popleft())
            if not self.acts._tasks:
                return
            await asyncio.sleep(0)
        raise AssertionError("the box did not come to rest")

    def records(self, *types: str) -> list[dict[str, Any]]:
        """What stands in the journal, in order."""
        found: list[dict[str, Any]] = [decode_record(one.body) for one in self.journal.records()]
        return [record for record in found if not types or record["t"] in types]

    def ids_made(self) -> list[int]:
        """Every id in the journal, in the order of its first appearance."""
        seen: dict[int, None] = {}
        for record in self.records():
            for name in ("order", "payment", "attempt"):
                if record.get(name):
                    seen[int(record[name])] = None
        return list(seen)

    async def close(self) -> None:
        await self.committer.sync()
        await self.acts.stop()
        await self.committer.close()

    @staticmethod
    def _generation() -> bytes:
        return b"\x01" * 8

    def _opening(self, previous: str, previous_seq: int, reason: str) -> bytes:
        told = {"previous": previous, "previous_seq": previous_seq, "reason": reason}
        return encode_record(
            {"v": 1, "t": "generation_opened", "at": self.clock.utc_ms(), "boot": "00000001", **told}
        )


@contextlib.asynccontextmanager
async def small_box(directory: Path, **options: Any) -> AsyncIterator[SmallBox]:
    """A box for one test."""
    made = SmallBox(directory, **options)
    try:
        yield made
    finally:
        await made.close()
