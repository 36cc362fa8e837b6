"""A till for the cloud's tests: one box that writes a real journal, with the real frames, chains, seals and prices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cloud.ledger.rules import utc_day
from protocol import messages, topics
from protocol.basket import Line
from protocol.catalogue import Catalogue, build
from protocol.facts import Facts
from protocol.frame import (
    Hello,
    chain_next,
    chain_start,
    decode_frame,
    encode_batch,
    encode_frame,
    encode_hello,
)
from protocol.item import Item
from protocol.pricing.engine import ENGINE, price_basket
from protocol.pricing.tax import TaxTable
from protocol.records import encode_record
from protocol.seal import seal

NOON_MS = 1_795_348_800_000
TENANT, STORE = "acme", "north"
SHARD = topics.shard_of(TENANT)
BREAD = Item("04006381333931", "Rye bread", 249, "A", "unit", facts=Facts("bakery"))
APPLE = Item("04011200296908", "Apples", 299, "Z", "weight", facts=Facts("fruit"))
CATALOGUE = Catalogue(build([BREAD, APPLE], "GBP"))
TAXES = TaxTable("included", "line", {"A": 200_000, "Z": 0})


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
            "business_day": utc_day(self.at_ms),
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

    def hello(self, last_seq: int, chain: bytes, gone_through: int = 0) -> bytes:
        gone_chain = self.chain_at(gone_through) if gone_through else b""
        return self.seal(
            "evt", encode_hello(Hello(self.generation, last_seq, chain, gone_through, gone_chain))
        )

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
