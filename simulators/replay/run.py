"""One replay from file to verdict: plan, installation, boxes, and the facts that the report is made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown, PeerError
from simulators.replay.children import Children
from simulators.replay.cpu import children_of, cpu_ms
from simulators.replay.estate import Estate
from simulators.replay.invoices import CURRENCY, FileSums, read_invoices
from simulators.replay.ledger import CloudBooks, read_books
from simulators.replay.plan import Plan, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulators.replay.files import ReplayFiles

    Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for."""

    boxes: int
    card_percent: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a replay found out; `ended` is what the boxes said last."""

    plan: Plan
    file: FileSums
    ended: dict[str, Any]
    books: CloudBooks
    captured_minor: int
    broker: str
    cpu_ms: dict[str, int]


async def replay(path: Path, files: ReplayFiles, wishes: Wishes, tell: Tell) -> Facts:
    """Sell a file; `tell(step, lines_done, lines_of)` hears how it goes.

    PeerError for the file, ConfigError when something does not start, OutcomeUnknown "receipts-outstanding" and
    "replay-boxes-ended" when the way to the ledger is broken.
    """
    invoices, sums = read_invoices(path, wishes.limit)
    plan = make_plan(invoices, CURRENCY, wishes.card_percent)
    if not plan.sales:
        raise PeerError("invoices-none", f"{path.name} holds no sale invoice", "Give another file.")
    files.write_sales(plan.sales)
    estate = Estate(files)
    try:
        tell("enrolling boxes", 0, plan.line_count)
        await estate.lay_out(plan.image, wishes.boxes, has_readers=wishes.card_percent > 0)
        await estate.start()
        tell("connecting boxes", 0, plan.line_count)
        processes = min(wishes.boxes, os.cpu_count() or 1)
        ended, spent = await _sell(files, estate, plan, processes, tell)
    finally:
        await estate.stop()
    books = read_books(files.cloud / "cloud.db")
    return Facts(plan, sums, ended, books, estate.captured_minor(), estate.broker, spent)


async def _sell(
    files: ReplayFiles, estate: Estate, plan: Plan, processes: int, tell: Tell
) -> tuple[dict[str, Any], dict[str, int]]:
    """Run the boxes to their end; what they said last, and the CPU that each part took meanwhile."""

    def heard(sales: int, lines: int) -> None:
        step = "selling" if sales < len(plan.sales) else "waiting for receipts"
        tell(step if lines else "connecting boxes", lines, plan.line_count)

    try:
        async with Children(files, processes) as children:
            await children.until("linked", heard)
            parts = _parts(estate, children.pids)
            before = {part: cpu_ms(pids) for part, pids in parts.items()}
            children.go()
            ended = await children.until("ended", heard)
            spent = {part: cpu_ms(pids) - before[part] for part, pids in parts.items()}
            await children.end()
    except* OutcomeUnknown as failed:
        raise failed.exceptions[0] from None
    return ended, spent


def _parts(estate: Estate, boxes: list[int]) -> dict[str, list[int]]:
    """Which processes count for which part. The card zone is the cloud's, the secure modules are the boxes'."""
    others = [pid for pid in children_of(estate.cloud_pid) if pid not in estate.broker_pids]
    return {
        "box": [*boxes, *(child for pid in boxes for child in children_of(pid))],
        "broker": estate.broker_pids,
        "cloud": [estate.cloud_pid, *others],
        "simulators": [os.getpid()],
    }
