"""`tillbox demo`: watch an unattended checkout work, or let it work alone and judge its books."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from simulators.checker.report import MUST_BE_ZERO
from simulators.demo.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from simulators.shopper import Memory

T = TypeVar("T")

DEFAULT_SALES = 50
DEFAULT_SEED = 1
# Between two visits when a person watches: time to read the thank-you page.
PAUSE_S = 3.0


@click.command()
@click.option("--headless", is_flag=True, help="No watching: make the sales, judge the books, end.")
@click.option(
    "--sales",
    type=click.IntRange(1, 1_000_000),
    default=DEFAULT_SALES,
    show_default=True,
    help="With --headless.",
)
@click.option(
    "--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Chooses what the shoppers do."
)
@click.option("--boxes", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option(
    "--screen-port", type=click.IntRange(0, 65_535), default=0, help="Loopback port of the screen; 0: any."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this directory."
)
@click.option("--json", "as_json", is_flag=True, help="The last line on standard output is one JSON object.")
@click.option(
    "--no-shopper", is_flag=True, help="Nobody shops by itself: touch the screen, use `tillbox sim`."
)
def demo(  # noqa: PLR0913 - one for each option
    *,
    headless: bool,
    sales: int,
    seed: int,
    boxes: int,
    screen_port: int,
    data: Path | None,
    as_json: bool,
    no_shopper: bool,
) -> None:
    """Run broker, cloud, boxes with all their devices, acquirer and shoppers on this machine."""
    directory = data or Path(tempfile.mkdtemp(prefix="tillbox-"))
    console = Console(stderr=True)
    names = tuple(f"box-{number}" for number in range(1, boxes + 1))
    play = _Play(World(directory.resolve(), names, screen_port), seed, console)
    report: dict[str, Any] = {}
    with suppress(asyncio.CancelledError):
        report = asyncio.run(play.headless(sales) if headless else play.watched(is_alone=no_shopper))
    if headless:
        _tell(report, console, as_json=as_json)
    is_clean = not headless or _is_clean(report)
    if data is None and is_clean:
        shutil.rmtree(directory, ignore_errors=True)
    if not is_clean:
        console.print(
            f"evidence kept in {directory}; again: tillbox demo --headless --sales {sales} --seed {seed}"
        )
        sys.exit(1)


class _Play:
    """One demonstration from start to stop."""

    def __init__(self, world: World, seed: int, console: Console) -> None:
        self._world = world
        self._seed = seed
        self._console = console
        self._choices: dict[str, random.Random] = {}

    def choices(self, name: str) -> random.Random:
        """What the shoppers at one box do, one after the other; the same seed gives the same shoppers."""
        if name not in self._choices:
            self._choices[name] = random.Random(f"{self._seed}/{name}")  # noqa: S311 - shoppers, not keys
        return self._choices[name]

    async def headless(self, sales: int) -> dict[str, Any]:
        """Make the sales and judge the books."""
        async with self._running():
            report = await self._while_all_live(
                _shop_and_judge(self._world, sales, self.choices, self._console)
            )
        return {**report, "seed": self._seed}

    async def watched(self, *, is_alone: bool) -> dict[str, Any]:
        """Run until a person has seen enough."""
        async with self._running():
            await self._while_all_live(_show(self._world, self.choices, self._console, is_alone=is_alone))
        return {}

    async def _while_all_live(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` comes to; DeviceError("process-ended") when the cloud or a box ends before it."""
        working = asyncio.create_task(work)
        ending = asyncio.create_task(self._world.until_one_ends())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                ending.result()
            return await working
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        assert task is not None, "it runs in one"
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            with self._console.status("starting ..."):
                await self._world.start(self._console.print)
            yield
        finally:
            with self._console.status("stopping ..."):
                await self._world.stop()


def _is_clean(report: dict[str, Any]) -> bool:
    """Whether the run was judged, no counter rose and no shopper was stopped by trouble."""
    return bool(report) and not any(report[name] for name in MUST_BE_ZERO) and not report["trouble"]


async def _shop_and_judge(world: World, sales: int, choices: Any, console: Console) -> dict[str, Any]:
    from simulators.checker.judge import judge_run  # noqa: PLC0415 - a watched demonstration judges nothing

    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("shopping", total=sales)
        await world.shop(sales, choices, lambda _: progress.advance(bar))
    with console.status("waiting for receipts and late answers ..."):
        await world.settle()
    evidence = world.write_evidence()
    journals = [lane.directory / "journal" for lane in world.lanes]
    report = judge_run(journals, world.estate.cloud / "cloud.db", world.estate.books, evidence)
    waits = sorted(wait for journal in journals for wait in tender_waits(journal))
    troubles = [f"visit {memory.number}: {memory.trouble}" for memory in world.memories if memory.trouble]
    return {**report, "p50_ms": _percentile(waits, 50), "p99_ms": _percentile(waits, 99), "trouble": troubles}


async def _show(world: World, choices: Any, console: Console, *, is_alone: bool) -> None:
    """Let a person watch until Ctrl-C: one shopper after the other, or none."""
    console.print(
        "\nOpen the screen's address in a browser. Attendant: id [b]anna[/b], PIN [b]2468[/b]. Ctrl-C ends it."
    )
    for lane in world.lanes:
        hand = f"tillbox sim tell {lane.station.control}"
        console.print(
            f"By hand at {lane.name}:", f"  {hand} scanner.scan text=4006381333931", sep="\n", soft_wrap=True
        )
        console.print(
            f"  {hand} scale.put weight_g=480", f"  {hand} reader.present card=visa", sep="\n", soft_wrap=True
        )
    if is_alone:
        await asyncio.Event().wait()

    def saw(memory: Memory) -> None:
        how = f"{memory.ending} by {memory.method}" if memory.method else memory.ending
        console.print(
            f"  sale {memory.order or '-':<18} {len(memory.lines):>2} lines  {memory.total or '-':>8}  {how}"
        )

    while True:
        await world.shop(len(world.lanes), choices, saw)
        await asyncio.sleep(PAUSE_S)


def tender_waits(journal: Path) -> list[int]:
    """Milliseconds from each card tender's intention to its answer, as the box recorded them."""
    from simulators.checker.journal import read_journal  # noqa: PLC0415 - as above

    asked: dict[str, int] = {}
    waits = []
    for entry in read_journal(journal):
        record = json.loads(entry.body)
        if record["t"] == "tender_intended" and record["method"] == "card":
            asked[record["attempt"]] = record["at"]
        elif record["t"] == "tender_result" and record["attempt"] in asked:
            asked_ms = asked.pop(record["attempt"])
            if record["outcome"] != "unknown":  # nobody answered: that is a patience, not an answer
                waits.append(record["at"] - asked_ms)
    return waits


def _percentile(values: list[int], per_cent: int) -> int:
    """The smallest value that at least `per_cent` of all do not pass; 0 for none."""
    if not values:
        return 0
    return values[max(0, -(-len(values) * per_cent // 100) - 1)]


def _tell(report: dict[str, Any], console: Console, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, sort_keys=True))
        return
    for name, value in report.items():
        console.print(f"{name:<24} {value}")
