"""The whole checkout running on this machine: acquirer, cloud, boxes, the devices around them, and shoppers.

Devices, acquirer and shoppers live in this process; cloud and boxes are processes of their own, as in a shop.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from protocol.errors import ConfigError, OutcomeUnknown
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.cards import host_cases
from simulators.demo.estate import (
    STAFF_ID,
    STAFF_PIN,
    Estate,
    enrol,
    free_port,
    import_goods,
    lay_out,
    publish_goods,
)
from simulators.demo.processes import TILLBOX, Process
from simulators.shopper import Habits, Memory, Page, Shopper, Staff
from simulators.station import Station

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

SETTLE_S = 60.0  # all receipts in and every unknown resolved: the longest late answer and two reversal rounds
SETTLE_LOOK_S = 0.2
# A late answer of the simulated acquirer: after the box has given up, before the books are judged.
LATE_MS = 9_000


@dataclass(slots=True)
class Lane:
    """One box with the devices around it and the page in front of it."""

    name: str
    station: Station
    process: Process
    directory: Path
    address: str = ""
    page: Page | None = None
    client: httpx.AsyncClient | None = None


@dataclass(slots=True)
class World:
    """Everything of one demonstration; `start` brings it up in order, `stop` takes it down in reverse."""

    directory: Path
    box_names: tuple[str, ...] = ("box-1",)
    screen_port: int = 0
    # Settings of the boxes that differ from the demonstration's, and what starts their and the cloud's processes.
    settings: dict[str, Any] = field(default_factory=dict)
    launcher: tuple[str, ...] = TILLBOX
    lanes: list[Lane] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    estate: Estate = field(init=False)
    cloud: Process = field(init=False)
    acquirer: Acquirer = field(init=False)
    books: Books = field(init=False)

    async def start(self, tell: Callable[[str], None]) -> None:
        """Bring everything up; `tell` hears one line a step.

        ConfigError("demo-directory-taken"): the directory holds a demonstration, whose ports and boxes are its own.
        """
        if (self.directory / "cloud").exists() or (self.directory / "boxes").exists():
            raise ConfigError(
                "demo-directory-taken",
                f"{self.directory} holds a demonstration already",
                "Choose a new directory, or remove that one.",
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        self.estate = Estate(self.directory, free_port(), free_port())
        self.books = Books(self.estate.books)
        self.acquirer = Acquirer(self.books, HostTimes(late_ms=LATE_MS), host_cases())
        await self.acquirer.start(port=self.estate.acquirer_port)
        tell(f"acquirer    ISO 8583 on 127.0.0.1:{self.estate.acquirer_port}")
        await lay_out(self.estate)
        await import_goods(self.estate)
        log = self.directory / "cloud.log"
        self.cloud = Process("cloud", ["cloud", "--data", str(self.estate.cloud)], log, self.launcher)
        await self.cloud.start()
        tell(f"cloud       broker on 127.0.0.1:{self.estate.broker_port}, files in {self.estate.cloud}")
        for name in self.box_names:
            await self._start_lane(name, tell)
        tell(f"catalogue   publication {await publish_goods(self.estate)} fetched and sold by")

    async def stop(self) -> None:
        """Take everything down."""
        for lane in self.lanes:
            await self.leave(lane)
            await lane.process.stop()
            await lane.station.stop()
        if hasattr(self, "cloud"):
            await self.cloud.stop()
        if hasattr(self, "acquirer"):
            await self.acquirer.stop()
            self.books.close()

    async def shop(
        self,
        sales: int,
        choices: Callable[[str], random.Random],
        saw: Callable[[Memory], None],
        habits: Habits | None = None,
    ) -> None:
        """Let shoppers make this many visits, spread over the boxes; `saw` hears of each when it ends."""
        numbers = iter(range(1, sales + 1))

        async def queue(lane: Lane) -> None:
            assert lane.page is not None, "the lane was started"
            shopper = Shopper(
                station=lane.station,
                page=lane.page,
                staff=Staff(STAFF_ID, STAFF_PIN),
                choices=choices(lane.name),
                clock_ms=lambda: time.monotonic() * 1000,
                habits=habits,
            )
            for number in numbers:
                memory = await shopper.visit(number)
                self.memories.append(memory)
                saw(memory)

        async with asyncio.TaskGroup() as queues:
            for lane in self.lanes:
                queues.create_task(queue(lane))

    async def bring_up(self, lane: Lane) -> dict[str, Any]:
        """Start a lane's box and open its page; the first view."""
        ready = await lane.process.start()
        lane.address = ready["screen"]
        origin = lane.address.rstrip("/")
        lane.client = httpx.AsyncClient(base_url=origin, timeout=10.0)
        lane.page = Page(lane.client, origin)
        await lane.page.open()
        return lane.page.view

    async def leave(self, lane: Lane) -> None:
        """Close a lane's page."""
        if lane.page is not None:
            await lane.page.close()
        if lane.client is not None:
            await lane.client.aclose()

    async def until_one_ends(self) -> None:
        """Wait until the cloud or a box ends by itself; DeviceError("process-ended") says which, and how."""
        processes = [self.cloud, *(lane.process for lane in self.lanes)]
        waits = {asyncio.create_task(process.wait()): process for process in processes}
        try:
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        raise waits[ended.pop()].ended()

    async def settle(self) -> None:
        """Wait until the cloud has every record and no attempt is open; OutcomeUnknown when it takes too long."""
        deadline = time.monotonic() + SETTLE_S
        while open_work := self._open_work():
            if time.monotonic() > deadline:
                raise OutcomeUnknown(
                    "not-settled", f"still open after {SETTLE_S:.0f} s: {open_work}", "Look at cloud.log."
                )
            await asyncio.sleep(SETTLE_LOOK_S)

    def write_evidence(self) -> Path:
        """What people remember and what the printers printed, for the checker; the file's path."""
        evidence: dict[str, Any] = {
            "memories": [memory.as_json() for memory in self.memories],
            "printers": {lane.name: lane.station.printer.text() for lane in self.lanes},
        }
        path = self.directory / "memories.json"
        path.write_text(json.dumps(evidence, ensure_ascii=False, indent=1))
        return path

    async def _start_lane(self, name: str, tell: Callable[[str], None]) -> None:
        station = Station(self.directory / "devices" / name)
        await station.start()
        directory = await enrol(self.estate, name, station.bindings)
        if self.settings:
            path = directory / "settings.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | self.settings, ensure_ascii=False))
        arguments = ["box", "--directory", str(directory), "--screen-port", str(self.screen_port)]
        process = Process(name, arguments, self.directory / f"{name}.log", self.launcher)
        lane = Lane(name, station, process, directory)
        self.lanes.append(lane)
        await self.bring_up(lane)
        assert lane.page is not None, "it was just opened"
        await lane.page.until(lambda view: view["is_linked"], SETTLE_S)
        tell(f"{name}       shopper's screen at {lane.address}")

    def _open_work(self) -> str:
        """What is still on its way: records, attempts or reversals; "" when nothing is."""
        with sqlite3.connect(f"file:{self.estate.cloud / 'cloud.db'}?mode=ro", uri=True) as cloud:
            attempts = cloud.execute(
                "SELECT count(*) FROM payment_attempt WHERE state IN ('intended', 'requested', 'unknown', 'reversing')"
            ).fetchone()[0]
            stored = cloud.execute("SELECT coalesce(sum(through), 0) FROM replica_position").fetchone()[0]
        written = sum(_last_seqs(lane.directory / "journal") for lane in self.lanes)
        told = []
        if attempts:
            told.append(f"{attempts} payment attempts")
        if stored < written:
            told.append(f"{written - stored} records")
        return ", ".join(told)


def _last_seqs(journal: Path) -> int:
    """How many records a journal holds, summed over its generations."""
    from simulators.checker.journal import read_journal  # noqa: PLC0415 - only a settled run looks into journals

    newest: dict[str, int] = {}
    for record in read_journal(journal):
        newest[record.generation] = max(newest.get(record.generation, 0), record.seq)
    return sum(newest.values())
