"""Looks for a planted bug: seed after seed, until a world shows it that is clean without it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from simulators.world.many import INHERITING, in_pool
from simulators.world.run import run_seed
from tests.world.planted.patching import Planted, applied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEEDS_MAX = 200


class Found(NamedTuple):
    """How many seeds it took (those tried in vain when it was not found), and what told of it."""

    name: str
    found: bool
    seeds: int
    shown_by: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is printed."""
        return {"name": self.name, "found": self.found, "seeds": self.seeds}


def is_shown_at(bug: Planted, seed: int) -> set[str]:
    """The named counters that tell of the bug in this world; none when the world is not clean without it either."""
    with applied((*bug.ground, *bug.patches)):
        told = set(run_seed(seed, bug.wishes).wrongs) & set(bug.shown_by)
    if not told:
        return set()
    with applied(bug.ground):
        return told if run_seed(seed, bug.wishes).is_clean else set()


def search(bug: Planted, seeds_max: int = SEEDS_MAX) -> Found:
    """Try seeds 1, 2, 3 ... until one shows the bug."""
    for seed in range(1, seeds_max + 1):
        told = is_shown_at(bug, seed)
        if told:
            return Found(bug.name, found=True, seeds=seed, shown_by=tuple(sorted(told)))
    return Found(bug.name, found=False, seeds=seeds_max)


def search_all(bugs: Sequence[Planted], seeds_max: int, jobs: int) -> Iterator[Found]:
    """Search for each, `jobs` at a time, as they are found or not."""
    global _bugs  # noqa: PLW0603 - patches cannot be sent to another process, but a fork has them
    _bugs = bugs
    return in_pool(_search_at, ((place, seeds_max) for place in range(len(bugs))), jobs, INHERITING)


_bugs: Sequence[Planted] = ()


def _search_at(place: int, seeds_max: int) -> Found:
    logging.disable(logging.CRITICAL)  # a world is made of faults; findings count, not what is said of them
    return search(_bugs[place], seeds_max)
