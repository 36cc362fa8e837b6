"""One seed from beginning to verdict: the world runs in a directory of its own, the checker judges what it left."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.checker import configuration
from simulators.checker.judge import JOURNAL, judge, read_evidence
from simulators.checker.unknowns import read_written, resolve_times_ms
from simulators.world.broker import Broker
from simulators.world.cloud import DATABASE
from simulators.world.ground import Ground
from simulators.world.loop import WorldLoop
from simulators.world.seeds import Seeds
from simulators.world.trace import Trace
from simulators.world.world import PRICES, WRITTEN, Wishes, World

if TYPE_CHECKING:
    from simulators.world.scene import Deed

MEMORY_DIRECTORY = Path("/dev/shm")  # noqa: S108 - files in memory where there are any: SQLite is the only one to use them

COUNTERS = (
    "lost",
    "charged_twice",
    "charged_without_sale",
    "priced_wrong",
    "ledger_imbalance",
    "goods_without_money",
    "memories_contradicted",
    "evidence_damaged",
    configuration.COUNTER,
)
UNSETTLED, ENDED = "unsettled", "ended_by_itself"  # the world's own findings, beside the checker's


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to."""

    seed: int
    trace: str
    box_hours: float
    faults: dict[str, int]
    points: dict[str, int]
    report: dict[str, Any]
    failures: list[str]
    restless: list[str]  # who did not come to rest
    deeds: tuple[Deed, ...] = ()
    resolved_ms: tuple[int, ...] = ()  # how long each outcome was unknown that is known now

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrongs

    @property
    def wrongs(self) -> list[str]:
        """The names of everything that is wrong: counters, and the world's own findings."""
        # A bit that turned in a journal is damage indeed; what was damaged must be no sale's only evidence, and others
        # count that. The cloud's replica is damaged by no fault.
        damaged = {
            finding["subject"]
            for finding in self.report["findings"]
            if finding["counter"] == "evidence_damaged"
        }
        is_harmless = self.faults.get("bit-flip") and damaged <= {JOURNAL}
        harmless = {"evidence_damaged"} if is_harmless else set()
        found = [name for name in COUNTERS if self.report[name] and name not in harmless]
        return [
            *found,
            *([UNSETTLED] if self.restless else []),
            *([ENDED] if self.failures else []),
        ]


def run_seed(seed: int, wishes: Wishes, keep: Path | None = None) -> Outcome:
    """Run one world and have it judged; its evidence stays in `keep` where that is given."""
    directory = keep or Path(tempfile.mkdtemp(prefix=_prefix(), dir=_root()))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return _run(seed, wishes, directory)
    finally:
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)


def clear_up() -> None:
    """Remove what worlds of this process have in temporary directories: it is about to be ended in the middle."""
    for directory in _root().glob(_prefix() + "*"):
        shutil.rmtree(directory, ignore_errors=True)


def _root() -> Path:
    return MEMORY_DIRECTORY if MEMORY_DIRECTORY.is_dir() else Path(tempfile.gettempdir())


def _prefix() -> str:
    return f"tillbox-world-{os.getpid()}-"


def _run(seed: int, wishes: Wishes, directory: Path) -> Outcome:
    seeds = Seeds(seed)
    loop = WorldLoop(seeds.chance("loop"))
    trace = Trace(loop.time)
    ground = Ground(loop, seeds, trace, Broker(loop, trace), directory)
    ground.broker.counts = ground.counts
    world = World(ground, wishes)
    gc.disable()  # worth a tenth of the time, and finalizers run when the seed says, not when memory says
    try:
        loop.run_until_complete(world.run())
    finally:
        loop.close()
        gc.enable()
        gc.collect()
    report, resolved_ms = _judge(directory, world)
    return Outcome(
        seed=seed,
        trace=trace.digest(),
        box_hours=wishes.boxes * wishes.hours,
        faults=dict(sorted(ground.counts.items())),
        points=dict(sorted(trace.counts.items())),
        report=report,
        failures=loop.failures,
        restless=world.restless,
        deeds=tuple(world.deeds),
        resolved_ms=resolved_ms,
    )


def _judge(directory: Path, world: World) -> tuple[dict[str, Any], tuple[int, ...]]:
    """(the checker's report, the times of unknown outcomes) of what a world left behind."""
    journals, database = sorted((directory / "journals").iterdir()), directory / DATABASE
    evidence = read_evidence(
        journals,
        database,
        directory / "books.jsonl",
        directory / "memories.json",
        lists=directory / PRICES,
    )
    report = judge(evidence).as_json()
    assert world.desk is not None, "the world has run"
    put_back = [site.name for site in world.sites if site.put_back]
    wrong = configuration.judge_configurations(evidence, database, world.desk.pushed, put_back)
    report[configuration.COUNTER] = len(wrong)
    report["findings"] += [finding._asdict() for finding in wrong]
    report["records_held"] = report["receipts_outstanding"]
    times_ms = resolve_times_ms(evidence, read_written(directory / WRITTEN))
    return report, tuple(times_ms)
