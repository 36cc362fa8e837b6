"""An estate for the cloud's tests: enrolled boxes that write real journals, a broker in memory, a channel
that obeys.

The boxes use the real frames, chains, seals, records and pricing; only the wire and the acquirer are played.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.consumer import Consumer
from cloud.intake_boxes import BoxTable
from cloud.poller import Poller
from cloud.ports import CardChannel, ChannelAnswer, ChannelCall, LateAnswer, Message, PriceVersions
from cloud.publisher import Publisher
from protocol import messages, topics
from protocol.basket import Line
from protocol.catalogue import Catalogue, Prices, build
from protocol.frame import chain_next, chain_start, decode_frame, encode_batch, encode_frame, encode_hello
from protocol.item import Item
from protocol.pricing.engine import ENGINE, price_basket
from protocol.pricing.tax import TaxTable
from protocol.records import encode_record
from protocol.seal import open_sealed, seal

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.database import Database

NOON_MS = 1_795_348_800_000
TENANT, STORE = "acme", "north"
SHARD = topics.shard_of(TENANT)
BREAD = Item("04006381333931", "Rye bread", 249, "A", "unit", 0, "bakery")
APPLE = Item("04011200296908", "Apples", 299, "Z", "weight", 0, "fruit")
CATALOGUE = Catalogue(build([BREAD, APPLE], "GBP"))
TAXES = TaxTable("included", "line", {"A": 200_000, "Z": 0})


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
        self._hear: Callable[[LateAnswer], None]

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

    def listen(self, hear: Callable[[LateAnswer], None]) -> None:
        self._hear = hear

    def say_late(self, attempt: int, about: Any, answer: ChannelAnswer) -> None:
        self._hear(LateAnswer(TENANT, attempt, about, answer))

    def count(self, kind: str, attempt: int) -> int:
        return self.asked.count((kind, attempt))


def answer_of(outcome: Any, amount_minor: int) -> ChannelAnswer:
    if outcome == "approved":
        return ChannelAnswer("approved", amount_minor, "A1", "000000000001", "00", token="tok-1")
    if outcome == "wrong-amount":
        return ChannelAnswer("approved", amount_minor + 1, "A1", "000000000001", "00")
    return ChannelAnswer(outcome, response_code="51" if outcome == "declined" else "")


@dataclass
class Till:
    """One box: its journal, its keys, and sales that it writes."""

    box: str = "till-1"
    number: int = 1
    generation: bytes = b"\x01" * 8
    at_ms: int = NOON_MS
    frames: list[bytes] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    last_id: int = 1000

    def __post_init__(self) -> None:
        self.up_key = hashlib.sha256(f"up {self.box}".encode()).digest()
        self.down_key = hashlib.sha256(f"down {self.box}".encode()).digest()
        self.chain = chain_start(TENANT, self.box, self.generation)

    def topic(self, direction: str, lane: str) -> str:
        return topics.build(SHARD, TENANT, STORE, self.box, direction, lane)

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id * 65536 + self.number * 256

    def write(self, kind: str, /, **fields: Any) -> bytes:
        """Append a record to the journal and return its frame."""
        record = {"v": 1, "at": self.at_ms, "boot": "00000001", **fields, "t": kind}
        self.bodies.append(record)
        return self.write_body(encode_record(record))

    def write_body(self, body: bytes) -> bytes:
        seq = len(self.frames) + 1
        self.chain = chain_next(self.chain, seq, body)
        self.frames.append(encode_frame(seq, self.chain, body))
        return self.frames[-1]

    def rechain(self) -> None:
        """Drop the chain of frames that a test took away."""
        bodies = [decode_frame(frame)[0].body for frame in self.frames]
        self.frames = []
        self.chain = chain_start(TENANT, self.box, self.generation)
        for body in bodies:
            self.write_body(body)

    def body_of(self, seq: int) -> bytes:
        return decode_frame(self.frames[seq - 1])[0].body

    def open_sale(self, quantity: int = 2, weight_g: int = 450, **changed: Any) -> tuple[str, Any]:
        """Open a sale of bread and apples; return its order and what it costs."""
        order = str(self.new_id())
        versions = {"catalogue": CATALOGUE.hash.hex(), "taxes": TAXES.hash.hex(), **changed}
        self.write(
            "sale_opened",
            order=order,
            currency="GBP",
            engine=ENGINE,
            overlay="",
            promotions="",
            priced_at=self.at_ms,
            language="en",
            **versions,
        )
        lines = [
            Line(1, BREAD.gtin, BREAD.name, "unit", quantity, 0, BREAD.unit_price_minor, "A"),
            Line(2, APPLE.gtin, APPLE.name, "weight", 1, weight_g, APPLE.unit_price_minor, "Z"),
        ]
        for line in lines:
            self.add_line(order, line)
        return order, price_basket(lines, TAXES)

    def add_line(self, order: str, line: Line, **changed: Any) -> None:
        fields = {name: getattr(line, name) for name in _LINE_FIELDS}
        self.write("line_added", **{"order": order, "line": line.number, **fields, **changed})

    def intend(self, order: str, amount_minor: int, method: str = "card") -> dict[str, Any]:
        """Write a tender's intention; return its fields, with the frame and the card."""
        payment, attempt = str(self.new_id()), str(self.new_id())
        card = b"card of " + attempt.encode() if method == "card" else b""
        frame = self.write(
            "tender_intended",
            order=order,
            payment=payment,
            attempt=attempt,
            method=method,
            amount_minor=amount_minor,
            currency="GBP",
            blob_digest=hashlib.sha256(card).hexdigest() if card else "",
            masked="476173******0119" if card else "",
            brand="visa" if card else "",
        )
        return {
            "order": order,
            "payment": payment,
            "attempt": attempt,
            "method": method,
            "amount_minor": amount_minor,
            "frame": frame,
            "card": card,
        }

    def result(self, tender: dict[str, Any], outcome: str = "approved", **changed: Any) -> None:
        amount = tender["amount_minor"] if outcome == "approved" else 0
        cash = tender["method"] == "cash"
        fields = {
            "order": tender["order"],
            "payment": tender["payment"],
            "attempt": tender["attempt"],
            "outcome": outcome,
            "amount_minor": amount,
            "tendered_minor": amount + 100 if cash else 0,
            "change_minor": 100 if cash and amount else 0,
            "approval_code": "",
            "rrn": "",
            "response_code": "",
            "reason": "",
            "masked": "" if cash else "476173******0119",
            "brand": "" if cash else "visa",
            "token": "",
        }
        self.write("tender_result", **{**fields, **changed})

    def complete(self, order: str, priced: Any, tender: dict[str, Any], **changed: Any) -> None:
        """Write that the goods were delivered and the sale is complete."""
        self.write("fulfilment_result", order=order, state="delivered", lines_failed=[])
        fields = {
            "order": order,
            "total_minor": priced.total_minor,
            "net_minor": priced.net_minor,
            "tax_minor": priced.tax_minor,
            "tax_rows": [
                {"tax_class": row[0], "ppm": row[1], "net_minor": row[2], "tax_minor": row[3]}
                for row in priced.tax_rows
            ],
            "tenders": [{name: tender[name] for name in ("payment", "attempt", "method", "amount_minor")}],
            "line_count": len(priced.lines),
            "currency": "GBP",
            "business_day": "2026-11-22",
        }
        self.write("sale_completed", **{**fields, **changed})

    def cash_sale(self, **changed: Any) -> str:
        """Write a whole sale paid in cash."""
        order, priced = self.open_sale(**changed)
        tender = self.intend(order, priced.total_minor, "cash")
        self.result(tender)
        self.complete(order, priced, tender)
        return order

    def batch(self, first: int | None = None, last: int | None = None) -> bytes:
        """The sealed batch of frames `first` to `last`, by default what was not sent yet."""
        first = self.sent + 1 if first is None else first
        last = len(self.frames) if last is None else last
        self.sent = max(self.sent, last)
        return self.seal("evt", encode_batch(self.generation, self.frames[first - 1 : last]))

    def hello(self, last_seq: int, chain: bytes) -> bytes:
        return self.seal("evt", encode_hello(self.generation, last_seq, chain))

    def chain_at(self, seq: int) -> bytes:
        return (
            chain_start(TENANT, self.box, self.generation)
            if seq == 0
            else decode_frame(self.frames[seq - 1])[0].chain
        )

    def request(self, kind: str, tender: dict[str, Any], deadline_ms: int = 0, **changed: Any) -> bytes:
        frame = tender["frame"] if kind == "pay" else b""
        if kind == "reverse":
            frame = self.write(
                "reversal_intended", **{k: tender[k] for k in ("order", "payment", "attempt")}, reason="test"
            )
        request = {
            "v": 1,
            "kind": kind,
            "payment": tender["payment"],
            "attempt": tender["attempt"],
            "frame": messages.pack_bytes(frame) if frame else "",
            "blobs": {"card": messages.pack_bytes(tender["card"])} if kind == "pay" else {},
            "deadline_ms": deadline_ms or self.at_ms + 30_000,
        }
        return self.seal("req", messages.encode_request({**request, **changed}))

    def seal(self, lane: str, payload: bytes) -> bytes:
        return seal(self.up_key, self.topic("up", lane), payload)


_LINE_FIELDS = (
    "gtin",
    "name",
    "kind",
    "quantity",
    "weight_g",
    "unit_price_minor",
    "tax_class",
    "amount_minor",
    "source",
)


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
            if self.consumer._offers or self.consumer._backlog or self.wire.queue:
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
