"""How fast crash states are recovered with the product's code and judged: a process for each core, all in memory.

A state is recovered once, however many crashes lead to it; the row with the bar counts these distinct ones only.
Images of the catalogue are mapped, so they lie in real files; they are the smallest part.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from simulators.bench.crash_workloads.standard import journals, whole_files
from simulators.bench.rows import Row
from simulators.crash_states.examine import Report, Workload, examine, record
from simulators.crash_states.states import Contents, prefixes

SEEDS = 6  # sizes of the journals' records: some fifteen thousand states, ten seconds
GO_ON_EVERY = 32  # of the recovered journals so manieth writes on and loses power again; in the tests each
BAR_PER_MINUTE = 100_000
A_MINUTE_S = 60
FLOOR = "crash states only enumerated, a minute"


@dataclass(frozen=True, slots=True)
class Work:
    """What one seed gave, from when to when on the clock that all processes share, and its time on a core."""

    reports: list[Report]
    began: float
    ended: float
    busy_s: float


async def measure(work: Path) -> list[Row]:
    """States a minute, what they consist of, and how many broke a promise."""
    return await asyncio.to_thread(_measure, str(work))


def _measure(work: str) -> list[Row]:
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        done = pool.map(partial(_of_one_seed, work), range(SEEDS), chunksize=1)
    floor = _enumerated_per_minute(journals()[0])
    minutes = (max(one.ended for one in done) - min(one.began for one in done)) / A_MINUTE_S
    core_minutes = sum(one.busy_s for one in done) / A_MINUTE_S
    reports = [report for one in done for report in one.reports]
    distinct, enumerated = sum(r.distinct for r in reports), sum(r.enumerated for r in reports)
    broken = sum(report.broken for report in reports)
    return [
        Row("crash-states", distinct / minutes, "/min", BAR_PER_MINUTE, floor, FLOOR, is_at_least=True),
        Row("crash-states-one-core", distinct / core_minutes, "/min", None, floor, FLOOR),
        Row("crash-states-tried", distinct, "states", None, enumerated, "with repeats"),
        Row("crash-states-broken", broken, "states", 0, 0, "no promise is broken"),
    ]


def _of_one_seed(work: str, seed: int) -> Work:
    began, busy = time.monotonic(), time.process_time()
    workloads: list[Workload] = []
    for journal in journals(seed):
        journal.go_on_every = GO_ON_EVERY
        workloads.append(journal)
    if not seed:  # they are the same for every seed
        workloads += whole_files(Path(work) / "catalogue")
    reports = [examine(workload, _chance(seed)) for workload in workloads]
    return Work(reports, began, time.monotonic(), time.process_time() - busy)


def _enumerated_per_minute(workload: Workload) -> float:
    disk = record(workload)
    contents = Contents()
    began = time.perf_counter()
    count = sum(1 for prefix in prefixes(disk, contents, _chance(1)) for _ in prefix.states())
    return count / (time.perf_counter() - began) * A_MINUTE_S


def _chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable samples are wanted, not secrets
