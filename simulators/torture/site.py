"""One installation under torture: the demonstration's world with a broker and a database of choice, and fault proxies.

A proxy stands between each box and the broker, and one between card zone and acquirer. The last box works in a small
file system of its own where this machine allows it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import OutcomeUnknown
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.cards import host_cases
from simulators.checker.journal import read_directory
from simulators.checker.judge import judge_run
from simulators.demo.estate import Estate, enrol, free_port, lay_out
from simulators.demo.processes import TILLBOX, Process
from simulators.demo.world import LATE_MS, Lane, World
from simulators.fault_proxy import CLEAR, FaultProxy
from simulators.shopper import Page
from simulators.station import Station
from simulators.torture import failing_syncs
from simulators.torture.bad_disk import launcher
from simulators.torture.keeper import Keeper
from simulators.torture.stores import OPEN_ATTEMPTS, STORED, SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.torture.stores import Store

LINKED_S = 90.0  # a broker child that died often comes back after 10 s, a box tries again after 15 s at most
SETTLE_S = 150.0  # a late answer, reversals with their back-off, a backlog sent again after a restore; a slow machine
LOOK_S = 0.2  # between two looks at something that other processes do
SMALL_DISK_BYTES = (
    16 * 1024 * 1024
)  # the journal's reserve twice, a sale, and some segments; filled within a moment
MOUNT_S = 10.0  # mount and umount answer at once
# What takes the card zone a minute in a shop takes seconds here, so that every round sees the whole of it.
QUICK_ZONE = {
    "reversal_first_ms": 300,
    "reversal_max_ms": 3_000,
    "echo_every_ms": 3_000,
    "echo_answer_ms": 2_000,
    "back_off_first_ms": 100,
    "back_off_max_ms": 2_000,
}


@dataclass(slots=True)
class Till:
    """One box with everything around it."""

    lane: Lane
    keeper: Keeper
    proxy: FaultProxy
    work: Path
    syncs_fail: Path  # while this file is there, so do the box's syncs
    disk: str = ""  # why its disk cannot be filled, "" when it can

    @property
    def journal(self) -> Path:
        """Where its journal lies."""
        return self.work / "journal"

    async def reopen(self) -> None:
        """Open the page again when its stream ended although the box lives."""
        lane = self.lane
        if lane.page is None or not lane.page.is_lost or not lane.address:
            return
        await lane.page.close()
        assert lane.client is not None, "a page has its client"
        lane.page = Page(lane.client, lane.address.rstrip("/"))
        await lane.page.open()


class Site:
    """Everything of one round; `start` brings it up, `stop` takes it down whatever happened."""

    def __init__(
        self,
        directory: Path,
        broker: str,
        boxes: int,
        store: Store | None = None,
        *,
        has_libfiu: bool = False,
    ) -> None:
        self.world = World(directory, tuple(f"box-{number}" for number in range(1, boxes + 1)))
        self.directory = directory
        self.tills: list[Till] = []
        self.backup = directory / "backup"
        self.acquirer_proxy: FaultProxy
        self.cloud: Keeper
        self.store: Store = store or SqliteStore(directory / "cloud", self.backup)
        self.has_libfiu = has_libfiu
        self._broker = broker
        self._mounted: list[Path] = []
        self._keeping: list[asyncio.Task[None]] = []

    @property
    def cloud_directory(self) -> Path:
        """The cloud's data directory."""
        return self.world.estate.cloud

    @property
    def sync_pipes(self) -> Path:
        """How the pipes of processes begin whose syncs can be made to fail."""
        return self.directory / "syncs"

    @property
    def broker_port(self) -> int:
        """Where the broker itself listens."""
        return self.world.estate.broker_port

    async def start(self) -> None:
        """Bring everything up in order; the first backup is taken before the first sale."""
        world = self.world
        self.backup.mkdir(parents=True)
        books = self.directory / "acquirer-books.jsonl"
        world.books = Books(books)
        world.acquirer = Acquirer(world.books, HostTimes(late_ms=LATE_MS), host_cases())
        self.acquirer_proxy = FaultProxy("127.0.0.1", await world.acquirer.start())
        world.estate = Estate(self.directory, free_port(), await self.acquirer_proxy.start())
        assert world.estate.books == books, "one place for the books"
        await lay_out(world.estate)
        await self.store.start()
        self._configure()
        log = self.directory / "cloud.log"
        started_by = failing_syncs.launcher(self.sync_pipes, TILLBOX) if self.has_libfiu else TILLBOX
        world.cloud = Process("cloud", ["cloud", "--data", str(self.cloud_directory)], log, started_by)
        await world.cloud.start()
        self.cloud = Keeper(world.cloud, world.cloud.start)
        for name in world.box_names:
            await self._start_till(name, is_last=name == world.box_names[-1])
        await self.back_up()
        await self.linked()
        for keeper in self.keepers:
            self._keeping.append(asyncio.create_task(keeper.run()))

    async def stop(self) -> None:
        """Take everything down; journals on a file system of our own are copied out first."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await self.world.stop()
        for proxy in [till.proxy for till in self.tills]:
            await proxy.stop()
        if hasattr(self, "acquirer_proxy"):
            await self.acquirer_proxy.stop()
        await self.store.stop()
        for place in self._mounted:
            shutil.copytree(place, place.with_name(place.name + "-kept"), dirs_exist_ok=True)
            _umount(place)

    @property
    def keepers(self) -> list[Keeper]:
        """Who keeps cloud and boxes running."""
        return [self.cloud, *(till.keeper for till in self.tills)]

    def broken(self) -> str:
        """Which process does not start any more, "" for none."""
        return ", ".join(keeper.process.name for keeper in self.keepers if keeper.is_broken)

    def heal(self) -> None:
        """Let every link carry again as it should."""
        for proxy in (self.acquirer_proxy, *(till.proxy for till in self.tills)):
            proxy.conditions = CLEAR

    async def back_up(self) -> None:
        """Keep a copy of database and broker store, with the cloud stopped in order."""
        async with self.cloud.held():
            await self.store.back_up()
            _copy_tree(self.cloud_directory / "broker", self.backup / "broker")

    async def linked(self) -> None:
        """Wait until every box runs and hears its cloud; OutcomeUnknown when one does not."""
        for till in self.tills:
            await self._until(_is_linked, till, LINKED_S, "hear the cloud")

    async def settle(self) -> None:
        """Wait until the cloud has every record and no attempt is open; OutcomeUnknown when it takes too long."""
        ends_s = asyncio.get_running_loop().time() + SETTLE_S
        while open_work := await self._open_work():
            if asyncio.get_running_loop().time() > ends_s:
                raise OutcomeUnknown(
                    "not-settled", f"still open after {SETTLE_S:.0f} s: {open_work}", "Look at cloud.log."
                )
            await asyncio.sleep(LOOK_S)

    async def judge(self) -> dict[str, Any]:
        """What the checker says of everything."""
        journals = [till.journal for till in self.tills]
        evidence = await self.store.evidence()
        return judge_run(journals, evidence, self.world.estate.books, self.world.write_evidence())

    def _configure(self) -> None:
        _change(
            self.cloud_directory / "cloud.json",
            lambda told: (
                told | {"database": self.store.url, "broker": told["broker"] | {"run": self._broker}}
            ),
        )
        _change(self.cloud_directory / "cardzone" / "cardzone.json", lambda told: told | QUICK_ZONE)

    async def _start_till(self, name: str, *, is_last: bool) -> None:
        world = self.world
        station = Station(self.directory / "devices" / name)
        await station.start()
        directory = await enrol(world.estate, name, station.bindings)
        proxy = FaultProxy("127.0.0.1", self.broker_port)
        port = await proxy.start()
        _change(directory / "box.json", lambda told: told | {"broker": told["broker"] | {"port": port}})
        work, why = self._small_disk(directory) if is_last else (directory, "it is on the machine's own disk")
        arguments = ["box", "--directory", str(directory), "--work", str(work), "--screen-port", "0"]
        flag = self.directory / f"{name}.syncs-fail"
        process = Process(name, arguments, self.directory / f"{name}.log", launcher(flag))
        lane = Lane(name, station, process, directory)
        world.lanes.append(lane)

        async def bring_up() -> None:
            await world.leave(lane)
            await world.bring_up(lane)

        self.tills.append(Till(lane, Keeper(process, bring_up), proxy, work, flag, why))
        await world.bring_up(lane)

    def _small_disk(self, directory: Path) -> tuple[Path, str]:
        """(where a box works, why that cannot be filled)."""
        place = directory.with_name(f"{directory.name}-small")
        place.mkdir()
        why = _mount(place)
        if why:
            place.rmdir()
            return directory, why
        self._mounted.append(place)
        shutil.copytree(directory / "catalogue", place / "catalogue")
        return place, ""

    async def _until(self, is_so: Any, till: Till, patience_s: float, what: str) -> None:
        ends_s = asyncio.get_running_loop().time() + patience_s
        while not is_so(till):
            if asyncio.get_running_loop().time() > ends_s:
                raise OutcomeUnknown(
                    "not-healed", f"{till.lane.name} does not {what} after {patience_s:.0f} s", ""
                )
            await asyncio.sleep(LOOK_S)

    async def _open_work(self) -> str:
        attempts, stored = await self.store.number(OPEN_ATTEMPTS), await self.store.number(STORED)
        written = sum(_written(till.journal) for till in self.tills)
        told = [f"{attempts} payment attempts"] if attempts else []
        return ", ".join([*told, f"{written - stored} records"] if stored < written else told)


def put_back_broker_store(backup: Path, broker: Path) -> None:
    """Make the copy the broker's directory again; the cloud writes configuration and access anew at its start."""
    shutil.rmtree(broker)
    _copy_tree(backup / "broker", broker)


def _copy_tree(source: Path, sink: Path) -> None:
    shutil.rmtree(sink, ignore_errors=True)
    shutil.copytree(source, sink)


def _is_linked(till: Till) -> bool:
    page = till.lane.page
    return bool(till.lane.process.pid and page is not None and page.view.get("is_linked"))


def _written(journal: Path) -> int:
    """How many records a journal holds or held, summed over its generations."""
    newest: dict[str, int] = {}
    for record in read_directory(journal).records:
        newest[record.generation] = max(newest.get(record.generation, 0), record.seq)
    return sum(newest.values())


def _change(path: Path, change: Any) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text())), ensure_ascii=False, indent=2))


def _mount(place: Path) -> str:
    """Mount a small file system in memory; why not, "" when it is there."""
    program = shutil.which("mount")
    if program is None:
        return "there is no mount"
    options = f"size={SMALL_DISK_BYTES},mode=0700"
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, a path of ours
            [program, "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
            check=False,
            capture_output=True,
            text=True,
            timeout=MOUNT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"mount: {error}"
    return "" if not done.returncode else f"mount: {done.stderr.strip() or 'refused'}"


def _umount(place: Path) -> None:
    program = shutil.which("umount")
    assert program is not None, "whoever can mount can unmount"
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - as above
            [program, "-l", str(place)], check=False, capture_output=True, timeout=MOUNT_S
        )
