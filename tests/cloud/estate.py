"""An estate for the cloud's tests: enrolled boxes that write real journals, a broker in memory, a channel
that obeys.

The boxes use the real frames, chains, seals, records and pricing; only the wire and the acquirer are played.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from cloud.consumer import Consumer
from cloud.intake_boxes import BoxTable
from cloud.poller import Poller
from cloud.ports import CardChannel, ChannelAnswer, ChannelCall, LateAnswer, Message, PriceVersions
from cloud.publisher import Publisher
from protocol import messages
from protocol.catalogue import Prices
from protocol.seal import open_sealed
from tests.cloud.tills import CATALOGUE, NOON_MS, SHARD, STORE, TAXES, TENANT, Till

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloud.database import Database


class HandClock:
    """A clock that moves when a test says so."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms


class Wire:
    """The broker: what boxes sent, in order, and what was said to them."""

    def __init__(self) -> None:
        self.queue: deque[Message] = deque()
        self.said: list[tuple[str, bytes]] = []
        self._came = asyncio.Event()

    def send(self, topic: str, payload: bytes) -> None:
        self.queue.append(Message(topic, payload))
        self._came.set()

    async def receive(self, limit: int = 64) -> list[Message]:
        while not self.queue:
            self._came.clear()
            await self._came.wait()
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert not retain
        self.said.append((topic, payload))


class Shelf:
    """The shelf of price versions; `is_empty` hides everything on it."""

    def __init__(self) -> None:
        self.is_empty = False
        self.versions = PriceVersions(Prices(CATALOGUE), TAXES)

    async def find(self, tenant: str, catalogue: str, overlay: str, taxes: str) -> PriceVersions | None:
        del tenant
        wanted = (CATALOGUE.hash.hex(), "", TAXES.hash.hex())
        if self.is_empty or (catalogue, overlay, taxes) != wanted:
            return None
        return self.versions


class Channel(CardChannel):
    """A card channel whose books a test reads, and whose next answers a test sets."""

    name = "played"

    def __init__(self) -> None:
        self.recovery: tuple[Any, ...] = ("reverse",)
        self.minimum_delay_ms = 0
        self.answers: deque[str] = deque()
        self.reversals: deque[Any] = deque()
        self.queries: deque[str] = deque()
        self.asked: list[tuple[str, int]] = []
        self.hold: asyncio.Event | None = None
        self._hear: Callable[[LateAnswer], Awaitable[None]]

    async def authorize(self, call: ChannelCall, blob: bytes, remaining_ms: int) -> ChannelAnswer:
        assert remaining_ms > 0
        assert blob
        self.asked.append(("authorize", call.attempt))
        if self.hold is not None:
            await self.hold.wait()
        outcome = self.answers.popleft() if self.answers else "approved"
        if outcome == "broken":
            raise OSError("the line is dead")
        return answer_of(outcome, call.amount_minor)

    async def reverse(self, call: ChannelCall) -> ChannelAnswer:
        self.asked.append(("reverse", call.attempt))
        return ChannelAnswer(self.reversals.popleft() if self.reversals else "reversed")

    async def query(self, call: ChannelCall) -> ChannelAnswer:
        self.asked.append(("query", call.attempt))
        return answer_of(self.queries.popleft() if self.queries else "unknown", call.amount_minor)

    def listen(self, hear: Callable[[LateAnswer], Awaitable[None]]) -> None:
        self._hear = hear

    def say_late(self, attempt: int, about: Any, answer: ChannelAnswer) -> asyncio.Future[None]:
        """Say something unasked; what comes back is done when the cloud says that it has it."""
        return asyncio.ensure_future(self._hear(LateAnswer(TENANT, attempt, about, answer)))

    def count(self, kind: str, attempt: int) -> int:
        return self.asked.count((kind, attempt))


def answer_of(outcome: Any, amount_minor: int) -> ChannelAnswer:
    if outcome == "approved":
        return ChannelAnswer("approved", amount_minor, "A1", "000000000001", "00", token="tok-1")
    if outcome == "wrong-amount":
        return ChannelAnswer("approved", amount_minor + 1, "A1", "000000000001", "00")
    return ChannelAnswer(outcome, response_code="51" if outcome == "declined" else "")


class Estate:
    """A cloud with its boxes, driven step by step."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.wire, self.clock, self.shelf, self.channel = Wire(), HandClock(), Shelf(), Channel()
        self.tills: list[Till] = []
        self.start_cloud()

    def start_cloud(self) -> None:
        """Build the cloud's objects anew over the same database, as after a restart."""
        self.directory = BoxTable(self.database)
        publisher = Publisher(outbound=self.wire, directory=self.directory, clock=self.clock)
        self.consumer = Consumer(
            database=self.database,
            intake=self.wire,
            publisher=publisher,
            directory=self.directory,
            shelf=self.shelf,
            channel=self.channel,
            clock=self.clock,
        )
        self.poller = Poller(database=self.database, consumer=self.consumer, clock=self.clock)

    async def restart_cloud(self) -> None:
        await self.consumer.close()
        self.start_cloud()
        await self.consumer.start()

    async def enrol(self, till: Till | None = None, status: str = "serving") -> Till:
        till = till or Till()
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO box VALUES ($1,$2,$3,$4,$5,$6,'','',$7,$8,$9,$9)",
                TENANT, till.box, STORE, SHARD, till.number, status, till.up_key, till.down_key, NOON_MS,
            )  # fmt: skip
        self.tills.append(till)
        if len(self.tills) == 1:
            await self.consumer.start()
        return till

    async def hear(self, till: Till, lane: str, *sealed: bytes) -> None:
        """Deliver messages of a box together and handle them."""
        for payload in sealed:
            self.wire.send(till.topic("up", lane), payload)
        await self.consumer.step()

    async def settle(self) -> None:
        """Let calls to the channel end and the consumer take their answers, until nothing is under way."""
        for _ in range(200):
            for _ in range(5):
                await asyncio.sleep(0)
            if not self.consumer._deliveries.is_empty or self.wire.queue:
                await self.consumer.step()
            elif not self.consumer._calls._lanes:
                return
        raise AssertionError("the cloud did not come to rest")

    async def pass_time(self, seconds: float) -> None:
        """Move the clock, let the poller look, and handle what is due."""
        self.clock.ms += int(seconds * 1000)
        await self.poller.look()
        await self.settle()

    def told(self, till: Till, lane: str) -> list[dict[str, Any]]:
        """What was said to a box on a lane, opened with its key."""
        topic = till.topic("down", lane)
        decode = messages.decode_receipt if lane == "receipt" else messages.decode_response
        return [
            decode(open_sealed(till.down_key, topic, raw)) for said, raw in self.wire.said if said == topic
        ]

    async def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        return await self.database.fetch(sql, *args)

    async def alarms(self) -> list[str]:
        return sorted(kind for (kind,) in await self.rows("SELECT kind FROM alarm"))

    async def attempt(self, tender: dict[str, Any]) -> str:
        rows = await self.rows("SELECT state FROM payment_attempt WHERE attempt = $1", int(tender["attempt"]))
        return str(rows[0][0])
