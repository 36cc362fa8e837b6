"""How many hours of a box a core lives through in a second of ours, and where that second goes.

Worlds as `tillbox world` makes them, with everything that goes wrong, on one core, 120 sales an hour at each box. The
profile comes from a world of its own: watching costs more than half of the time, so only its shares are told.
"""

from __future__ import annotations

import asyncio
import cProfile
import logging
import multiprocessing
import pstats
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.bench.rows import Row

if TYPE_CHECKING:
    from simulators.world.run import Outcome

SEEDS = (1, 2)
HOURS, BOXES = 1.0, 3
PROFILED_HOURS = 0.25  # of one world: the shares of a longer one are the same
BAR_BOX_HOURS = 8
FLOOR = "box-hours/s of a loop that only turns as often, on one core"

# Where time goes: the first of these that a file's path contains. What is in none is Python's own.
PLACES = (
    ("box", "/edge/"),
    ("cloud", "/cloud/"),
    ("protocol", "/protocol/"),
    ("simulators", "/simulators/"),
    ("event-loop", "/asyncio/"),
)
SQLITE = "sqlite"


async def measure(work: Path) -> list[Row]:
    """Box-hours and sales a second, and the shares of that time."""
    del work
    return await asyncio.to_thread(_measure)


def _measure() -> list[Row]:
    fresh = multiprocessing.get_context("spawn")  # the first import of everything is not the world's time
    with fresh.Pool(1) as pool:
        lived = pool.map(_live, SEEDS, chunksize=len(SEEDS))
        shares, turns = pool.apply(_profile)
    cpu_s = sum(one_cpu_s for one_cpu_s, _ in lived)
    rate = BOXES * HOURS * len(SEEDS) / cpu_s
    floor = BOXES * PROFILED_HOURS / _bare_loop_s(turns)
    sales = sum(sales for _, sales in lived) / cpu_s
    return [
        Row("world", rate, "box-h/s", BAR_BOX_HOURS, floor, FLOOR, is_at_least=True),
        Row("world-sales", sales, "paid/s"),
        *[Row(f"world-share-{name}", share * 100, "%") for name, share in shares],
    ]


def _live(seed: int) -> tuple[float, int]:
    """CPU seconds of one world, and the sales that were paid in it."""
    began_s = time.process_time()
    outcome = _run(seed, HOURS)
    return time.process_time() - began_s, int(outcome.report["sales_paid"])


def _run(seed: int, hours: float) -> Outcome:
    from simulators.world.run import run_seed  # noqa: PLC0415 - the bench's other parts do without the product
    from simulators.world.world import Wishes  # noqa: PLC0415 - as above

    logging.disable(logging.CRITICAL)
    return run_seed(seed, Wishes(boxes=BOXES, hours=hours))


def _profile() -> tuple[list[tuple[str, float]], int]:
    """The shares of the time by place, the largest first; and how many callbacks the loop ran."""
    profile = cProfile.Profile()
    profile.runcall(_run, SEEDS[0], PROFILED_HOURS)
    entries: dict[Any, Any] = vars(pstats.Stats(profile))["stats"]
    spent: Counter[str] = Counter()
    turns = 0
    for (file, _, name), (_, calls, own_s, _, _) in entries.items():
        spent[_place(file, name)] += own_s
        if name == "_run" and file.endswith("events.py"):
            turns = calls
    total = sum(spent.values())
    return [(place, own_s / total) for place, own_s in spent.most_common()], turns


def _place(file: str, name: str) -> str:
    if SQLITE in file or SQLITE in name:
        return SQLITE
    return next((place for place, part in PLACES if part in Path(file).as_posix()), "python")


def _bare_loop_s(turns: int) -> float:
    """CPU seconds of a loop that runs so many callbacks which do nothing but call the next."""

    async def turn() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    began_s = time.process_time()
    asyncio.run(turn())
    return time.process_time() - began_s
