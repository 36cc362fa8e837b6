"""Folds records into sales: what each shopper's order came to, as the boxes wrote it down.

Records come from the cloud's replica first (it holds what a box has pruned), then from the journals. A record saved
from beyond damage stands twice, under two numbers; the same body is counted once. How a tender ended stays: a disk that
was put back from an old copy forgot it, and may say otherwise in a later generation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


SETTLED = ("approved", "declined", "reversed")  # outcomes after which a box waits no more


@dataclass(slots=True)
class Tender:
    """One attempt as the box knows it; `outcome` is "" until it wrote one."""

    method: str
    amount_minor: int
    outcome: str = ""
    tendered_minor: int = 0
    change_minor: int = 0
    is_replicated: bool = False  # the cloud holds everything that was written about it
    generation: str = ""  # where its outcome was written

    @property
    def kept_cash_minor(self) -> int:
        """What stays in the drawer."""
        return self.amount_minor if self.method == "cash" and self.outcome == "approved" else 0


@dataclass(slots=True)
class Sale:
    """One order."""

    tenant: str
    box: str
    order: int
    is_opened: bool = False
    versions: tuple[str, str, str] | None = None  # catalogue, overlay, taxes that its opening names
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    voided_lines: set[int] = field(default_factory=set)
    tenders: dict[int, Tender] = field(default_factory=dict)
    completed: dict[str, Any] | None = None
    is_voided: bool = False
    printed: list[str] = field(default_factory=list)  # outcomes of receipts

    @property
    def open_lines(self) -> list[dict[str, Any]]:
        """The lines that the shopper pays for, by number."""
        return [line for number, line in sorted(self.lines.items()) if number not in self.voided_lines]

    @property
    def is_open(self) -> bool:
        """Neither completed nor given up."""
        return self.is_opened and self.completed is None and not self.is_voided

    @property
    def is_declined(self) -> bool:
        """Given up after the last tender was declined."""
        last = [tender.outcome for tender in self.tenders.values()][-1:]
        return self.is_voided and self.completed is None and last == ["declined"]

    def card_tenders_minor(self) -> int:
        """What the completion record says was paid by other means than cash."""
        tenders = self.completed["tenders"] if self.completed else []
        return sum(tender["amount_minor"] for tender in tenders if tender["method"] != "cash")


class Sales:
    """All sales of a run, by (tenant, order)."""

    def __init__(self) -> None:
        self.by_order: dict[tuple[str, int], Sale] = {}
        self.order_of_attempt: dict[tuple[str, int], int] = {}
        self.unreadable = 0
        self._seen: set[tuple[str, str, bytes]] = set()

    def take(
        self, tenant: str, box: str, bodies: Iterable[bytes], *, is_replica: bool, generation: str = ""
    ) -> None:
        """Take records of one generation of a box in the order of writing; those taken before change nothing."""
        for body in bodies:
            key = (tenant, box, body)
            if key not in self._seen:
                self._seen.add(key)
                try:
                    record = {**json.loads(body), "generation": generation}
                    self._take(tenant, box, record, is_replica=is_replica)
                except (ValueError, KeyError, TypeError):
                    self.unreadable += 1

    def _take(self, tenant: str, box: str, record: dict[str, Any], *, is_replica: bool) -> None:
        rule = _RULES.get(record["t"])
        if rule is None:
            return
        order = int(record["order"])
        sale = self.by_order.setdefault((tenant, order), Sale(tenant, box, order))
        rule(sale, record)
        if "attempt" in record:
            attempt = int(record["attempt"])
            self.order_of_attempt[tenant, attempt] = order
            sale.tenders[attempt].is_replicated = is_replica


def _opened(sale: Sale, record: dict[str, Any]) -> None:
    sale.is_opened = True
    sale.versions = (record["catalogue"], record["overlay"], record["taxes"])


def _line_added(sale: Sale, record: dict[str, Any]) -> None:
    sale.lines[record["line"]] = record


def _line_voided(sale: Sale, record: dict[str, Any]) -> None:
    sale.voided_lines.add(record["line"])


def _intended(sale: Sale, record: dict[str, Any]) -> None:
    sale.tenders.setdefault(int(record["attempt"]), Tender(record["method"], record["amount_minor"]))


def _resulted(sale: Sale, record: dict[str, Any]) -> None:
    tender = sale.tenders[int(record["attempt"])]
    if tender.outcome in SETTLED and tender.generation != record["generation"]:
        return
    tender.outcome, tender.generation = record["outcome"], record["generation"]
    tender.tendered_minor, tender.change_minor = record["tendered_minor"], record["change_minor"]


def _reversal_resulted(sale: Sale, record: dict[str, Any]) -> None:
    if record["outcome"] == "reversed":
        sale.tenders[int(record["attempt"])].outcome = "reversed"


def _completed(sale: Sale, record: dict[str, Any]) -> None:
    sale.completed = record


def _voided(sale: Sale, record: dict[str, Any]) -> None:
    del record
    sale.is_voided = True


def _printed(sale: Sale, record: dict[str, Any]) -> None:
    sale.printed.append(record["outcome"])


_RULES = {
    "sale_opened": _opened,
    "line_added": _line_added,
    "line_voided": _line_voided,
    "tender_intended": _intended,
    "tender_result": _resulted,
    "reversal_result": _reversal_resulted,
    "sale_completed": _completed,
    "sale_voided": _voided,
    "receipt_printed": _printed,
}
