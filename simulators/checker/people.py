"""What people remember and hold in their hands, against what the records say.

A shopper's memory counts as she was told it: paid means a completed order with that total, declined and voided mean
that nothing of her money is kept. A printed receipt of a completed order shows its total.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.checker.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulators.checker.money import Captured
    from simulators.checker.sales import Sale, Sales

COUNTER = "memories_contradicted"
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS = _DIGITS + "*~$=U"
_PAPER_ID = re.compile(
    r"(?<![0-9A-Z])([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{4}[0-9A-Z*~$=])"
)
_TOTAL = re.compile(r"^\s*(?:TOTAL|合计)\s+[A-Z]{3}\s+(\d+(?:\.\d+)?)\s*$")


@dataclass(frozen=True, slots=True)
class PeoplesEvidence:
    """Memories as `simulators.shopper.Memory` tells them; the lines on each printer's paper."""

    memories: list[dict[str, Any]] = field(default_factory=list)
    printers: dict[str, list[str]] = field(default_factory=dict)


def read_people(path: Path | None) -> PeoplesEvidence:
    """Read {"memories": [...], "printers": {name: [lines]}}, or a plain list of memories; None is nothing."""
    if path is None:
        return PeoplesEvidence()
    told = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(told, list):
        return PeoplesEvidence(told)
    return PeoplesEvidence(told.get("memories", []), told.get("printers", {}))


def from_paper(text: str) -> int:
    """The id behind its spelling for people; 0 when the check character does not fit."""
    symbols = text.replace("-", "")
    number = 0
    for symbol in symbols[:-1]:
        number = number * 32 + _DIGITS.index(symbol)
    return number if _CHECKS[number % 37] == symbols[-1] else 0


def minor(text: str) -> int:
    """The minor units of a shown amount: every digit of it. -1 for a text without digits."""
    digits = "".join(letter for letter in text if letter.isdigit())
    return int(digits) if digits else -1


def printed_totals(lines: list[str]) -> dict[int, set[int]]:
    """Order -> totals on one printer's paper, slips included."""
    totals: dict[int, set[int]] = {}
    order = 0
    for line in lines:
        named = _PAPER_ID.search(line)
        if named is not None:
            order = from_paper(named[1])
        total = _TOTAL.match(line)
        if total is not None and order:
            totals.setdefault(order, set()).add(minor(total[1]))
    return totals


def judge_people(
    people: PeoplesEvidence, sales: Sales, captured: Captured, cash: dict[int, int]
) -> Iterator[Finding]:
    """Everything that a person knows better. `cash` is what the ledger books of each order's cash."""
    by_order = {order: sale for (_, order), sale in sales.by_order.items()}
    nets = {order: amount for (_, order), amount in captured.by_order.items()}
    on_paper: dict[int, set[int]] = {}
    for lines in people.printers.values():
        for order, totals in printed_totals(lines).items():
            on_paper.setdefault(order, set()).update(totals)
    for order, totals in on_paper.items():
        sale = by_order.get(order)
        if sale is not None and sale.completed and totals != {sale.completed["total_minor"]}:
            what = f"the paper shows {sorted(totals)}, the sale came to {sale.completed['total_minor']}"
            yield Finding(COUNTER, f"order {order}", what)
    for memory in people.memories:
        order = from_paper(memory["order"]) if memory["order"] else 0
        subject = f"visit {memory['number']}, order {memory['order'] or 'none'}"
        for what in _contradictions(memory, by_order.get(order), nets.get(order, 0)):
            yield Finding(COUNTER, subject, what)
        if memory["ending"] == "paid":
            for what in _paid_wrong(
                memory, order, cash, on_paper if people.printers else None, by_order.get(order)
            ):
                yield Finding(COUNTER, subject, what)


def _contradictions(memory: dict[str, Any], sale: Sale | None, net: int) -> Iterator[str]:
    ending, completed = memory["ending"], sale.completed if sale is not None else None
    if ending == "paid" and completed is None:
        yield "she was told paid, and no completed order is hers"
    elif ending == "paid" and completed is not None and minor(memory["total"]) != completed["total_minor"]:
        yield f"she was told {memory['total']}, the order came to {completed['total_minor']}"
    elif ending in ("declined", "voided"):
        if completed is not None:
            yield f"she was told {ending}, and her order is completed"
        if net:
            yield f"she was told {ending}, and {net} of her money is kept"


def _paid_wrong(
    memory: dict[str, Any],
    order: int,
    cash: dict[int, int],
    on_paper: dict[int, set[int]] | None,
    sale: Sale | None,
) -> Iterator[str]:
    if memory["method"] == "cash" and memory["cash_given"]:
        kept = memory["cash_given"] - max(minor(memory["cash_back"]), 0)
        if kept != minor(memory["total"]):
            yield f"she gave {memory['cash_given']}, got {memory['cash_back']} back for {memory['total']}"
        if kept != cash.get(order, 0):
            yield f"{kept} of her cash is in the drawer, the ledger books {cash.get(order, 0)}"
    is_printed = sale is not None and sale.printed[:1] == ["printed"]
    if memory["receipt_wanted"] and on_paper is not None and is_printed and order not in on_paper:
        yield "her receipt was told printed, and no paper shows it"
