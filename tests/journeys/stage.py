"""A whole estate for a journey: demonstration world with quick settings, a customer for each visit, the judge."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from simulators.checker.judge import judge_run
from simulators.checker.report import MUST_BE_ZERO
from simulators.customer import Customer
from simulators.demo.processes import TILLBOX
from simulators.demo.world import World
from simulators.shopper import Memory
from tests.journeys import faulty
from tests.journeys.launching import launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from simulators.demo.world import Lane

# Short patience, so that an unknown outcome ends while a test waits for it.
QUICK = {"unknown_patience_ms": 1_500, "query_interval_ms": 300, "pay_budget_ms": 3_000}
SETTLES_MAX = 5  # records between the settling and the verdict are rare; so many in a row are not
STILL = ("unknown_open", "receipts_outstanding", "sales_open")


class Stage:
    """One estate."""

    def __init__(
        self, directory: Path, boxes: int, launcher: tuple[str, ...], settings: dict[str, Any]
    ) -> None:
        names = tuple(f"box-{number}" for number in range(1, boxes + 1))
        self.world = World(directory, names, settings=settings, launcher=launcher)
        self._visits = 0

    @property
    def lane(self) -> Lane:
        """The first lane."""
        return self.world.lanes[0]

    def customer(self, lane: Lane | None = None, **habits: Any) -> Customer:
        """Someone who comes in; what she remembers is evidence."""
        self._visits += 1
        memory = Memory(self._visits)
        self.world.memories.append(memory)
        return Customer(lane or self.lane, memory, **habits)

    def judge(self) -> dict[str, Any]:
        """What the checker says of everything up to now."""
        world = self.world
        journals = [lane.directory / "journal" for lane in world.lanes]
        return judge_run(
            journals, world.estate.cloud / "cloud.db", world.estate.books, world.write_evidence()
        )

    async def settle_and_judge(self) -> dict[str, Any]:
        """Wait until nothing is under way, then judge; a device that speaks up meanwhile is waited for once more."""
        for _ in range(SETTLES_MAX):
            await self.world.settle()
            report = self.judge()
            if not report["receipts_outstanding"]:
                break
        return report


@asynccontextmanager
async def stage(
    directory: Path, *, boxes: int = 1, launcher: tuple[str, ...] = TILLBOX, **settings: Any
) -> AsyncIterator[Stage]:
    """An estate that is up; everything of it is down afterwards."""
    there = Stage(directory, boxes, launcher, {**QUICK, **settings})
    told: list[str] = []
    try:
        await there.world.start(told.append)
        yield there
    finally:
        await there.world.stop()


class Orders:
    """Tells processes that were started through `faulty` where to die."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()

    @property
    def launcher(self) -> tuple[str, ...]:
        """What starts a `tillbox` that obeys."""
        return launcher(faulty.MODULE, self._directory)

    def give(self, name: str, **told: Any) -> None:
        """Give one box, or the cloud, an order; the file is there whole or not at all."""
        path = self._path(name)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(path)

    def is_open(self, name: str) -> bool:
        """Whether the order was not carried out yet."""
        return self._path(name).exists()

    def take_back(self, name: str) -> None:
        """Forget the order."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"


async def until(is_so: Any, what: str, timeout_s: float = 30.0) -> None:
    """Wait until something is so, and say what was waited for when it is not."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for {what}"
        await asyncio.sleep(0.05)


def wrong(report: dict[str, Any]) -> dict[str, Any]:
    """What of a report must be 0 and is not, with the findings; {} when all is well."""
    found = {name: report[name] for name in (*MUST_BE_ZERO, *STILL) if report[name]}
    return {**found, "findings": report["findings"]} if found else {}


def declared(room: str) -> set[str]:
    """Every fault point that the modules of a room declare; they are imported in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-c", _TELL_POINTS, room], check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stdout))


_TELL_POINTS = """
import importlib, json, pkgutil, sys
from protocol.faults import NAMES
room = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
print(json.dumps(list(NAMES)))
"""
