"""Many worlds at once: each seed in a process that is free, their outcomes in the order in which they end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from simulators.world.run import Outcome, clear_up, run_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from simulators.world.world import Wishes

T = TypeVar("T")

FRESH, INHERITING = "spawn", "fork"


def run_many(seeds: Iterable[int], wishes: Wishes, jobs: int) -> Iterator[tuple[Outcome, float]]:
    """(Outcome, CPU seconds) of each seed."""
    return in_pool(run_timed, ((seed, wishes) for seed in seeds), jobs)


def in_pool(
    work: Callable[..., T], items: Iterable[tuple[Any, ...]], jobs: int, how: str = FRESH
) -> Iterator[T]:
    """What `work` returns for the arguments of each item, as it comes; no more items are taken than `jobs` at a time.

    `how` the processes begin: from nothing, or, with INHERITING, with everything that this one has in memory.
    """
    begin = multiprocessing.get_context(how)
    waiting = iter(items)
    with ProcessPoolExecutor(jobs, mp_context=begin, initializer=_end_with_parent) as pool:
        running: set[Future[T]] = set()
        while True:
            running |= {pool.submit(work, *item) for item in islice(waiting, jobs - len(running))}
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)


def _end_with_parent() -> None:
    """A command that was killed leaves no world behind that lives on for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a pool's process has one"

    def follow() -> None:
        parent.join()
        clear_up()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def run_timed(seed: int, wishes: Wishes, keep: Path | None = None) -> tuple[Outcome, float]:
    """One world and the CPU seconds that it took; its evidence stays in `keep` where that is given."""
    # A world is made of faults; its findings count, not what the product says of them.
    logging.disable(logging.CRITICAL)
    began_s = time.process_time()
    outcome = run_seed(seed, wishes, keep)
    return outcome, time.process_time() - began_s
