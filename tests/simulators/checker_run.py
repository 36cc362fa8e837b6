"""One small run for the checker's tests, made by the real parts: journal, consumer, ledger, books, printer.

What is played: the broker (`tests/cloud/estate.py`) and the wire to the acquirer. Tests then tamper with one thing.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cloud.database import open_database
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from edge.peripherals.escpos import PaperSettings, opening, render
from protocol.identifiers import to_paper
from protocol.money import format_amount
from protocol.receipt import ReceiptSettings, Sale, Tender, build_receipt
from protocol.receipt_labels import LANGUAGES
from protocol.records import encode_record
from simulators.acquirer.books import Books
from simulators.checker.cloud_side import read_cloud
from simulators.checker.journal import read_directory
from simulators.checker.judge import Evidence, judge
from simulators.checker.money import read_net
from simulators.checker.people import PeoplesEvidence
from simulators.checker.pricing import PriceList, ShelfPrice
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.shopper import Memory
from tests.cloud.estate import Channel, Estate
from tests.cloud.tills import APPLE, BREAD, NOON_MS, TENANT, Till

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.ports import ChannelAnswer, ChannelCall
    from simulators.checker.report import Report

PRICES = PriceList(
    {
        BREAD.gtin: ShelfPrice(BREAD.unit_price_minor, "A", is_weighed=False),
        APPLE.gtin: ShelfPrice(APPLE.unit_price_minor, "Z", is_weighed=True),
    },
    {"A": 200_000, "Z": 0},
)


class BookedChannel(Channel):
    """The estate's channel, with the real acquirer's books behind it."""

    def __init__(self, books: Books) -> None:
        super().__init__()
        self.books = books

    async def authorize(self, call: ChannelCall, blob: bytes, remaining_ms: int) -> ChannelAnswer:
        answer = await super().authorize(call, blob, remaining_ms)
        if answer.outcome == "approved":
            rrn = self.books.next_rrn()
            self.books.capture(purchase(call.tenant, call.attempt), rrn, "A1", answer.amount_minor)
        return answer

    async def reverse(self, call: ChannelCall) -> ChannelAnswer:
        answer = await super().reverse(call)
        if answer.outcome == "reversed":
            asked = purchase(call.tenant, call.attempt)
            original = "0200" + asked["11"] + asked["7"] + "0" * 22
            self.books.undo({**asked, "t": "0400", "90": original})
        return answer


def purchase(tenant: str, attempt: int) -> dict[str, str]:
    stan = f"{attempt // 256 % 1_000_000:06d}"
    named = {"62": f"{tenant}/{attempt}", "2": "4111111111111111", "49": "826"}
    return {"t": "0200", "41": "TERM0001", "42": "M1", "11": stan, "7": "1122150000", **named}


class JournalTill(Till):
    """A till whose records go through the real journal, on disk."""

    def open_in(self, directory: Path) -> None:
        names = iter(range(1, 1000))

        def opened(previous: str, previous_seq: int, reason: str) -> bytes:
            told = {"v": 1, "t": "generation_opened", "at": self.at_ms, "boot": "00000001"}
            return encode_record(
                {**told, "previous": previous, "previous_seq": previous_seq, "reason": reason}
            )

        birth = Birth(TENANT, self.box, lambda: next(names).to_bytes(8, "big"), opened)
        self.directory = directory
        self.journal = Journal(OsFiles(), str(directory), birth)
        self.generation = bytes.fromhex(self.journal.generation)
        self.frames = self.journal.frames(self.journal.generation, 1)

    def write_body(self, body: bytes) -> bytes:
        seq = self.journal.append(body)
        self.journal.sync()
        self.frames.append(self.journal.frame(seq))
        return self.frames[-1]


class Run:
    """A box, a cloud, an acquirer and people; `report` is the checker's verdict over all of it."""

    def __init__(self, directory: Path) -> None:
        self.database = directory / "cloud.db"
        self.books_file = directory / "books.jsonl"
        self.books = Books(self.books_file)
        self.till = JournalTill()
        self.till.open_in(directory / "journal")
        self.printer = PrinterSim(PrinterSimSettings())
        self.memories: list[dict[str, Any]] = []

    async def start(self) -> Run:
        self.estate = Estate(await open_database(f"sqlite:///{self.database}"))
        self.estate.channel = BookedChannel(self.books)
        self.estate.start_cloud()
        await self.estate.enrol(self.till)
        return self

    async def stop(self) -> None:
        await self.estate.consumer.close()
        await self.estate.database.close()
        self.till.journal.close()
        self.books.close()

    async def pay(self, order: str, priced: Any) -> dict[str, Any]:
        """Pay an order by card as far as the answer's record."""
        tender = self.till.intend(order, priced.total_minor)
        await self.estate.hear(self.till, "req", self.till.request("pay", tender))
        await self.estate.settle()
        outcome = self.estate.told(self.till, "res")[-1]["outcome"]
        self.till.result(tender, outcome)
        return tender

    async def card_sale(self) -> str:
        """A whole sale by card, with receipt and memory; the replica is not delivered yet."""
        order, priced = self.till.open_sale()
        tender = await self.pay(order, priced)
        self.till.complete(order, priced, tender)
        self.print(order, priced, Tender("card", priced.total_minor, masked="476173******0119"))
        self.remember(order, "paid", priced.total_minor, method="card", receipt_wanted=True)
        return order

    def cash_sale(self) -> str:
        """A whole sale in cash, with memory."""
        order, priced = self.till.open_sale(quantity=1, weight_g=335)
        tender = self.till.intend(order, priced.total_minor, "cash")
        self.till.result(tender)
        self.till.complete(order, priced, tender)
        given = priced.total_minor + 100
        self.remember(order, "paid", priced.total_minor, method="cash", cash_given=given, cash_back="1.00")
        return order

    async def declined_sale(self) -> str:
        """A sale given up after the card was declined."""
        self.estate.channel.answers.append("declined")
        order, priced = self.till.open_sale()
        await self.pay(order, priced)
        self.till.write("sale_voided", order=order, reason="shopper")
        self.remember(order, "declined", priced.total_minor, method="card")
        return order

    def voided_sale(self) -> str:
        """A sale given up before anything was paid."""
        order, priced = self.till.open_sale()
        self.till.write("sale_voided", order=order, reason="shopper")
        self.remember(order, "voided", priced.total_minor)
        return order

    async def deliver(self) -> None:
        """Bring the replica up to date."""
        await self.estate.hear(self.till, "evt", self.till.batch())
        await self.estate.settle()

    def remember(self, order: str, ending: str, total_minor: int, **more: Any) -> None:
        memory = Memory(len(self.memories) + 1, order=to_paper(int(order)), ending=ending, **more)
        memory.total = format_amount(total_minor, "GBP")
        self.memories.append(memory.as_json())

    def print(self, order: str, priced: Any, tender: Tender, language: str = "en") -> None:
        """Let the real receipt come out of the simulated printer."""
        sale = Sale(int(order), "GBP", [], "2026-11-22 12:00", "till-1")
        settings = ReceiptSettings(LANGUAGES[language], ["Corner Shop"], [])
        paper = PaperSettings()
        self.printer.receive(opening(paper))
        for piece in render(build_receipt(sale, priced, [tender], settings), paper):
            self.printer.receive(piece)
        self.till.write("receipt_printed", order=order, copy=0, outcome="printed", digest="")

    def tamper(self, sql: str, *values: Any) -> None:
        """Change the cloud's database behind its back; exactly one row."""
        with closing(sqlite3.connect(self.database)) as db:
            assert db.execute(sql, values).rowcount == 1
            db.commit()

    def report(self) -> Report:
        """Let the checker judge what lies on disk now."""
        return judge(self.evidence())

    def evidence(self) -> Evidence:
        """What lies on disk now."""
        people = PeoplesEvidence(json.loads(json.dumps(self.memories)), {"till-1": self.printer.text()})
        journals = [read_directory(self.till.directory)]
        return Evidence(journals, read_cloud(self.database), read_net(self.books_file), people, PRICES)


__all__ = ["NOON_MS", "PRICES", "TENANT", "Run", "purchase"]
