"""The workloads that the tests and the bench enumerate, by name."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from simulators.bench.crash_workloads.journal import (
    JournalWorkload,
    PruneWorkload,
    RenewWorkload,
    RestartWorkload,
    SalvageWorkload,
)
from simulators.bench.crash_workloads.versions import VersionsWorkload
from simulators.bench.crash_workloads.whole_files import CatalogueWorkload, DocumentsWorkload, SlotsWorkload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulators.crash_states.examine import Examination, Workload


def journals(seed: int = 0) -> list[JournalWorkload]:
    """Everything a journal does; the seed varies the sizes of its records."""
    return [
        JournalWorkload("journal", seed=seed),
        JournalWorkload("journal on two shelves", shelves=2, seed=seed),
        PruneWorkload("pruning", seed=seed),
        PruneWorkload("pruning on two shelves", shelves=2, seed=seed),
        RenewWorkload("renewal", seed=seed),
        RenewWorkload("renewal on two shelves", shelves=2, seed=seed),
        SalvageWorkload("salvage", seed=seed),
        SalvageWorkload("salvage from the other shelf", shelves=2, seed=seed),
    ]


def whole_files(scratch: Path) -> list[Workload]:
    """Files that are replaced as a whole."""
    return [DocumentsWorkload(), SlotsWorkload(), CatalogueWorkload(scratch), VersionsWorkload()]


def restarts(
    examined: Examination, workload: JournalWorkload, count: int, seed: int = 0
) -> Iterator[Workload]:
    """The starts after `count` seeded crash states of an examined workload, to be crashed themselves."""
    states = sorted(examined.came_back)
    for state in Random(seed).sample(states, min(count, len(states))):  # noqa: S311 - repeatable, not secret
        yield RestartWorkload(workload, examined.contents.files(state), examined.promised[state])
