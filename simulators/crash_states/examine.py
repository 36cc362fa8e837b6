"""Recover from every crash state of a workload and judge what came back.

A state is recovered once, however many prefixes can leave it behind; what came back is judged against the promise of
each of these prefixes, as a sync makes the same bytes mean more. Reading order: `recording`, `medium`, `states`, here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from simulators.crash_states.recording import RecordingDisk
from simulators.crash_states.recovered import RecoveredDisk
from simulators.crash_states.states import Contents, Place, prefixes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from simulators.crash_states.states import State

FINDINGS_MAX = 20  # one cause shows in thousands of states; after so many nothing new is learnt


class Workload(Protocol):
    """A program that runs on a disk, its recovery, and what must hold after a crash at any operation."""

    name: str

    def found(self) -> Mapping[str, bytes]:
        """The files that are there, durable, before it runs."""

    def run(self, disk: RecordingDisk) -> None:
        """Run to the end, telling the disk what is promised from each point on."""

    def recover(self, disk: RecoveredDisk) -> Any:
        """Start with the product's code on what a crash left behind; what came back."""

    def judge(self, came_back: Any, promise: Any) -> str:
        """Why that breaks the promise, or ""."""

    def remark(self, came_back: Any) -> str:
        """What to count about a state although nothing is wrong, or ""."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise, with the first place that shows it."""

    workload: str
    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.workload}, {self.place}: {self.what}"


@dataclass(slots=True)
class Report:
    """What was tried. `enumerated` counts choices, `distinct` states, `judged` pairs of state and promise."""

    workload: str
    operations: int = 0
    enumerated: int = 0
    distinct: int = 0
    judged: int = 0
    sampled_prefixes: int = 0
    pending_max: int = 0
    broken: int = 0
    findings: list[Finding] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)


def record(workload: Workload) -> RecordingDisk:
    """Run a workload once."""
    disk = RecordingDisk(workload.found())
    workload.run(disk)
    return disk


def examine(workload: Workload, chance: Random, *, findings_max: int = FINDINGS_MAX) -> Report:
    """Record, enumerate, recover, judge; the end comes early when so many findings are made."""
    return Examination(workload, chance).run(findings_max)


class Examination:
    """One workload's crash states: `came_back` by state, `promised` the last promise that a state was judged by."""

    def __init__(self, workload: Workload, chance: Random) -> None:
        self._workload = workload
        self._chance = chance
        self.disk = record(workload)
        self.contents = Contents()
        self.report = Report(workload.name, len(self.disk.log))
        self.came_back: dict[State, Any] = {}
        self.promised: dict[State, Any] = {}
        self._judged: set[tuple[State, int]] = set()

    def run(self, findings_max: int = FINDINGS_MAX) -> Report:
        """Every state of every prefix."""
        report, promise, promise_at = self.report, None, -1
        for prefix in prefixes(self.disk, self.contents, self._chance):
            if prefix.number in self.disk.promises:
                promise, promise_at = self.disk.promises[prefix.number], prefix.number
            report.sampled_prefixes += prefix.is_sampled
            report.pending_max = max(report.pending_max, len(prefix.pending))
            for outcomes, state in prefix.states():
                report.enumerated += 1
                if (state, promise_at) in self._judged:
                    continue
                self._judged.add((state, promise_at))
                self.promised[state] = promise
                what = self._fault(state, promise)
                if what:
                    report.broken += 1
                    place = Place(prefix.number, prefix.pending, outcomes)
                    report.findings.append(Finding(self._workload.name, place, what))
                    if len(report.findings) >= findings_max:
                        return self._counted()
        return self._counted()

    def _fault(self, state: State, promise: Any) -> str:
        if state not in self.came_back:
            found = self.came_back[state] = _recovered(self._workload, self.contents.files(state))
            remark = "" if isinstance(found, Broken) else self._workload.remark(found)
            if remark:
                self.report.remarks[remark] += 1
        found = self.came_back[state]
        return found.what if isinstance(found, Broken) else self._workload.judge(found, promise)

    def _counted(self) -> Report:
        self.report.distinct, self.report.judged = len(self.came_back), len(self._judged)
        return self.report


@dataclass(frozen=True, slots=True)
class Broken:
    """A recovery that did not come to an end, or whose outcome is wrong whatever was promised."""

    what: str


def _recovered(workload: Workload, files: dict[str, bytes]) -> Any:
    try:
        return workload.recover(RecoveredDisk(files))
    except Exception as error:  # noqa: BLE001 - whatever a recovery raises is what is looked for
        return Broken(f"recovery raised {type(error).__name__}: {error}")
