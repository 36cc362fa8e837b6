"""The process of the boxes: many product boxes on one event loop, each selling what comes next in the plan.

Started by `children.py` as `python -m simulators.replay.tills DIRECTORY NUMBER/COUNT`: every COUNT-th box and sale
is this process's. Speaks JSON lines on standard output: "linked", then, once a line came on standard input,
"progress" several times a second, and "ended" or "failed"; it ends at the second line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from protocol.errors import OutcomeUnknown, TillboxError
from simulators.replay.files import ReplayFiles
from simulators.replay.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.replay.plan import Sale

LINK_S = 60.0  # broker, certificates and secure modules of all boxes, on a cold machine
TELL_S = 0.2  # between two lines of progress
STALLED_S = 30.0  # no receipt for so long means that none will come


def tell(kind: str, **facts: object) -> None:
    """Say one thing to the parent."""
    sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
    sys.stdout.flush()


class Tills:
    """The boxes of one process, and the sales that they share."""

    def __init__(self, files: ReplayFiles, number: int, count: int) -> None:
        self._sales = deque(files.read_sales()[number::count])
        self._lanes = [Lane(directory) for directory in files.boxes()[number::count]]

    async def run(self) -> None:
        """Run the boxes, sell everything, wait for the receipts."""
        running = [asyncio.create_task(lane.run()) for lane in self._lanes]
        selling = asyncio.create_task(self._sell())
        try:
            # A box that ends by itself has failed: its error comes out here.
            ended, _ = await asyncio.wait({selling, *running}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in (selling, *running):
                task.cancel()
            await asyncio.gather(selling, *running, return_exceptions=True)

    async def _sell(self) -> None:
        async with asyncio.timeout(LINK_S):
            for lane in self._lanes:
                await lane.until_in_service()
        tell("linked", sell_s=0, confirm_s=0)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.monotonic()
        telling = asyncio.create_task(self._tell_progress())
        async with asyncio.TaskGroup() as selling:
            for lane in self._lanes:
                selling.create_task(lane.sell(_taken(self._sales)))
        sold = time.monotonic()
        await self._until_receipted()
        telling.cancel()
        confirmed = time.monotonic()
        tell(
            "ended",
            sell_s=sold - began,
            confirm_s=confirmed - began,
            **self._sums(),
            records=sum(lane.box.journal.synced_through for lane in self._lanes),
        )
        await asyncio.to_thread(sys.stdin.readline)  # its CPU time is read before it is gone

    async def _until_receipted(self) -> None:
        """Wait until the cloud confirmed every record; OutcomeUnknown when it stops confirming."""
        left, since = self._unsent(), time.monotonic()
        while left:
            await asyncio.sleep(TELL_S / 10)
            now = self._unsent()
            if now != left:
                left, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED_S:
                raise OutcomeUnknown(
                    "receipts-outstanding",
                    f"{left} records wait for a receipt, and none came for {STALLED_S:.0f} s",
                    "Look at cloud.log in the data directory.",
                )

    async def _tell_progress(self) -> None:
        while True:
            tell("progress", **self._sums(), unsent=self._unsent())
            await asyncio.sleep(TELL_S)

    def _sums(self) -> dict[str, int]:
        return {
            name: sum(getattr(lane.sold, name) for lane in self._lanes)
            for name in ("sales", "lines", "total_minor", "cards")
        }

    def _unsent(self) -> int:
        return sum(lane.box.uplink.unsent for lane in self._lanes)


def _taken(sales: deque[Sale]) -> Iterator[Sale]:
    while sales:
        yield sales.popleft()


def main() -> int:
    """Run from the command line; a known fault is told to the parent."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    os.umask(0o077)
    number, _, count = sys.argv[2].partition("/")
    try:
        asyncio.run(Tills(ReplayFiles(Path(sys.argv[1])), int(number), int(count)).run())
    except (TillboxError, ExceptionGroup) as failed:
        fault = _first_cause(failed)
        if not isinstance(fault, TillboxError):
            raise
        tell("failed", error=str(fault))
        return 1
    return 0


def _first_cause(failed: Exception) -> Exception:
    """The first fault among tasks that ended each other."""
    return _first_cause(failed.exceptions[0]) if isinstance(failed, ExceptionGroup) else failed


if __name__ == "__main__":
    sys.exit(main())
