"""One replay from file to verdict: plan, installation, boxes, and the facts that the report is made of."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown, PeerError
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

LINE_BYTES_MAX = 65_536  # one line of the boxes' process
END_S = 20.0  # a box that has said "ended" closes its journal and is gone


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
        ended, spent = await _sell(files, estate, plan, tell)
    finally:
        await estate.stop()
    books = read_books(files.cloud / "cloud.db")
    return Facts(plan, sums, ended, books, estate.captured_minor(), estate.broker, spent)


async def _sell(
    files: ReplayFiles, estate: Estate, plan: Plan, tell: Tell
) -> tuple[dict[str, Any], dict[str, int]]:
    """Run the boxes' process to its end; what it said last, and the CPU that each part took meanwhile."""
    with files.log("boxes").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulators.replay.tills",
            str(files.directory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=LINE_BYTES_MAX,
        )
    try:
        await _hear(process, "linked", plan, tell)
        parts = _parts(estate, process.pid)
        before = {part: cpu_ms(pids) for part, pids in parts.items()}
        assert process.stdin is not None, "its input was asked for"
        process.stdin.write(b"go\n")
        ended = await _hear(process, "ended", plan, tell)
        spent = {part: cpu_ms(pids) - before[part] for part, pids in parts.items()}
        async with asyncio.timeout(END_S):
            await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return ended, spent


async def _hear(process: asyncio.subprocess.Process, kind: str, plan: Plan, tell: Tell) -> dict[str, Any]:
    """Listen until the boxes say `kind`; OutcomeUnknown "replay-boxes-ended" when they end or fail before."""
    assert process.stdout is not None, "its output was asked for"
    while line := await process.stdout.readline():
        said: dict[str, Any] = json.loads(line)
        if said["kind"] == kind:
            return said
        if said["kind"] == "progress":
            step = "selling" if said["sales"] < len(plan.sales) else "waiting for receipts"
            tell(step, said["lines"], plan.line_count)
        if said["kind"] == "failed":
            raise OutcomeUnknown("replay-failed", said["error"], "Look at the logs in the data directory.")
    raise OutcomeUnknown(
        "replay-boxes-ended", "The process of the boxes ended before the sales did", "Look at boxes.log."
    )


def _parts(estate: Estate, boxes_pid: int) -> dict[str, list[int]]:
    """Which processes count for which part. The card zone is the cloud's, the secure modules are the boxes'."""
    others = [pid for pid in children_of(estate.cloud_pid) if pid not in estate.broker_pids]
    return {
        "box": [boxes_pid, *children_of(boxes_pid)],
        "broker": estate.broker_pids,
        "cloud": [estate.cloud_pid, *others],
        "simulators": [os.getpid()],
    }
