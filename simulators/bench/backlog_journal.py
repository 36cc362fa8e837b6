"""Fills the journal of a stopped box with sales, as its flows would have written them while the cloud was away.

The box's own journal code writes them, so that its next start finds nothing but its own history. Cash only: what a box
sells without its cloud. Selling ten thousand times by touch would take a quarter of an hour.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from edge.main import Options, open_journal
from protocol.basket import Line
from protocol.catalogue import Catalogue
from protocol.identifiers import IdMaker
from protocol.pricing.engine import ENGINE, price_basket
from protocol.records import encode_record
from simulators.goods import CURRENCY, GOODS

if TYPE_CHECKING:
    from edge.config import BoxConfig
    from edge.journal.journal import Journal
    from protocol.pricing.tax import TaxTable

BOOT = "0badc10d"
DAY_MS = 86_400_000
SPAN_MS = DAY_MS  # the sales are spread over the last day
SALES_A_SYNC = 50  # some 150 KB of records wait in memory, far below what a journal lets wait
PIECES = [good for good in GOODS if not good.is_weighed and not good.age_min]
LINES_A_SALE = 3
STAFF_GIVEN_MINOR = 5_000


def fill(config: BoxConfig, options: Options, image: bytes, taxes: TaxTable, sales: int) -> int:
    """Write so many sales behind what the journal holds, durably; how many records they are."""
    journal = open_journal(config, options, BOOT)
    writer = _Writer(journal, IdMaker(config.box_number), Catalogue(image).hash.hex(), taxes)
    now_ms = options.machine.clock.utc_ms()
    first_seq = journal.last_seq
    for number in range(sales):
        writer.at_ms = now_ms - SPAN_MS + SPAN_MS * number // sales
        writer.sell(number)
        if number % SALES_A_SYNC == 0:
            journal.sync()
    journal.sync()
    written = journal.last_seq - first_seq
    journal.close()
    return written


class _Writer:
    """Writes one sale after the other."""

    def __init__(self, journal: Journal, ids: IdMaker, catalogue: str, taxes: TaxTable) -> None:
        self.at_ms = 0
        self._journal = journal
        self._ids = ids
        self._catalogue = catalogue
        self._taxes = taxes

    def sell(self, number: int) -> None:
        """One sale of three things, paid in cash."""
        order = self._id()
        self._write(
            "sale_opened",
            order=order,
            currency=CURRENCY,
            engine=ENGINE,
            catalogue=self._catalogue,
            overlay="",
            promotions="",
            taxes=self._taxes.hash.hex(),
            priced_at=self.at_ms,
            language="en",
        )
        lines = [_line(place, number) for place in range(1, LINES_A_SALE + 1)]
        for line in lines:
            self._write("line_added", order=order, line=line.number, **_fields(line))
        self._pay(order, lines)

    def _pay(self, order: str, lines: list[Line]) -> None:
        priced = price_basket(lines, self._taxes)
        tender = {"payment": self._id(), "attempt": self._id(), "method": "cash"}
        intended = {**tender, "amount_minor": priced.total_minor}
        shown = {"masked": "", "brand": ""}
        self._write("tender_intended", order=order, currency=CURRENCY, blob_digest="", **intended, **shown)
        del tender["method"]
        self._write(
            "tender_result",
            order=order,
            outcome="approved",
            amount_minor=priced.total_minor,
            tendered_minor=STAFF_GIVEN_MINOR,
            change_minor=STAFF_GIVEN_MINOR - priced.total_minor,
            **dict.fromkeys(("approval_code", "rrn", "response_code", "reason", "token"), ""),
            **tender,
            **shown,
        )
        self._write("fulfilment_result", order=order, state="delivered", lines_failed=[])
        names = ("tax_class", "ppm", "net_minor", "tax_minor")
        self._write(
            "sale_completed",
            order=order,
            total_minor=priced.total_minor,
            net_minor=priced.net_minor,
            tax_minor=priced.tax_minor,
            tax_rows=[dict(zip(names, row, strict=True)) for row in priced.tax_rows],
            tenders=[intended],
            line_count=len(lines),
            currency=CURRENCY,
            business_day=_day(self.at_ms),
        )
        self._write("receipt_printed", order=order, copy=0, outcome="printed", digest="")

    def _write(self, t: str, /, **fields: Any) -> None:
        record = {"v": 1, "t": t, "at": self.at_ms, "boot": BOOT, **fields}
        self._journal.append(encode_record(record))

    def _id(self) -> str:
        return str(self._ids.make(self.at_ms))


def _line(place: int, number: int) -> Line:
    good = PIECES[(number + place) % len(PIECES)]
    quantity = 1 + number % 2
    return Line(place, good.gtin, good.name, "unit", quantity, 0, good.price_minor, good.tax_class)


def _fields(line: Line) -> dict[str, Any]:
    names = ("gtin", "name", "kind", "quantity", "weight_g", "unit_price_minor", "tax_class", "amount_minor")
    return {**{name: getattr(line, name) for name in names}, "source": "scan"}


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
