"""The journal under the enumerator: appending, syncing, rolling, pruning, salvage, one shelf or two.

What must come back: the synced records, each and in order, or more of what was appended; nothing else. A receipt
allows the records up to it to be gone. Beyond the synced ones a hole can remain where a write was torn in the middle:
then the journal must have taken it for damage and opened a new generation, which is counted as a remark.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from edge.journal.bounds import Bounds
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from simulators.crash_states.examine import Broken
from simulators.crash_states.recovered import RecoveredDisk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.crash_states.recording import RecordingDisk
    from simulators.world.disk import MemoryDisk

FIRST, SECOND = "/box/journal", "/second/journal"
BOUNDS = Bounds(segment_bytes=2600, quota_bytes=3_000_000, reserve_bytes=600, keep_ms=1000)
OPENED = b'{"t":"generation_opened"'
MARKER = -1  # the record that is written after a recovery, to see that the journal goes on
HOLED = "a hole in unsynced records was taken for damage"
GROUPS = (1, 2, 1, 8, 1, 3, 1, 1, 5, 1)  # records of each sync: one for a tender, several for basket lines
PRUNE_GROUPS = (2, 1, 2, 3, 2, 1, 2, 4, 1, 2, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Promise:
    """Synced records by count; how many of the first ones are receipted."""

    synced: int
    receipted: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers of the records that came back, in order, and how many of them before a second generation began.

    `is_salvaged`: a generation says that it saves what damage left over.
    """

    numbers: tuple[int, ...]
    in_first: int
    is_salvaged: bool


class JournalWorkload:
    """Groups of records appended and synced, over a restart in the middle; `seed` varies their sizes."""

    bounds = BOUNDS
    is_damaged = False  # whether anything but a power cut happens to the disk

    def __init__(
        self, name: str, *, shelves: int = 1, seed: int = 0, groups: tuple[int, ...] = GROUPS
    ) -> None:
        self.name = name
        self._second = SECOND if shelves == 2 else ""
        self._groups = groups
        chance = Random(seed)  # noqa: S311 - repeatable sizes are wanted, not secrets
        sizes = [chance.randint(90, 420) for _ in range(sum(groups) + 1)]
        self.bodies = [body(number, size) for number, size in enumerate(sizes)]
        self._known = {text: number for number, text in enumerate(self.bodies)} | {MARKER_BODY: MARKER}
        self._later: dict[tuple[tuple[str, bytes], ...], Found | Broken] = {}
        self._recovered = 0
        self.go_on_every = 1  # after each recovery, or after every so manieth only
        self.lost: frozenset[int] = frozenset()

    def found(self) -> Mapping[str, bytes]:
        """See Workload."""
        return {}

    def run(self, disk: RecordingDisk) -> None:
        """See Workload."""
        disk.promise(Promise(0))
        journal = self.open(disk)
        written = self.write(disk, journal, 0, self._groups[: len(self._groups) // 2])
        journal.close()
        journal = self.open(disk)
        self.write(disk, journal, written, self._groups[len(self._groups) // 2 :])
        journal.close()

    def recover(self, disk: RecoveredDisk) -> Found | Broken:
        """See Workload. Then the journal must go on: a record more, the power cut again, and all is there again."""
        journal = self.open(disk)
        found = self._look(journal)
        if isinstance(found, Broken):
            return found
        # Many crash states lead to one and the same disk after their recovery: how that goes on is looked at once.
        key = tuple(sorted(disk.after_cut().items()))
        later = self._later.get(key)
        if later is None:
            self._recovered += 1
            if self._recovered % self.go_on_every:
                return found
            later = self._later[key] = self._go_on(disk, journal)
        if isinstance(later, Broken):
            return later
        if later.numbers != (*found.numbers, MARKER):
            return Broken(
                f"recovered {found.numbers}, but after one record more and a power cut {later.numbers}"
            )
        return found

    def judge(self, came_back: Found, promise: Promise) -> str:
        """See Workload."""
        numbers = came_back.numbers
        missing = [
            n for n in range(promise.receipted, promise.synced) if n not in numbers and n not in self.lost
        ]
        if missing:
            return f"synced records {missing} are gone"
        if not self.is_damaged and set(range(promise.receipted, promise.synced)) - set(
            numbers[: came_back.in_first]
        ):
            return f"nothing was damaged, but synced records are proved no more: {came_back}"
        distinct = list(dict.fromkeys(numbers))
        if distinct != sorted(distinct):
            return f"records came back in another order: {distinct}"
        if not distinct or came_back.is_salvaged:
            return ""  # nothing more to hold, or the journal says that something is missing
        if distinct != [n for n in range(distinct[0], distinct[-1] + 1) if n not in self.lost]:
            return f"records came back with a hole that nobody told of: {distinct}"
        return ""

    def remark(self, came_back: Found) -> str:
        """See Workload."""
        return HOLED if came_back.is_salvaged else ""

    def open(self, disk: MemoryDisk) -> Journal:
        """The journal on a disk. Names of generations are counted on from those that are there."""
        used = [int(path.split("-")[1], 16) for path in disk.entries if ".tbj" in path]
        names = itertools.count(max(used, default=0) + 1)
        birth = Birth("acme", "till-1", lambda: next(names).to_bytes(8, "big"), opening_record)
        return Journal(disk, FIRST, birth, bounds=self.bounds, second_directory=self._second)

    def write(
        self,
        disk: RecordingDisk,
        journal: Journal,
        first: int,
        groups: tuple[int, ...],
        receipted: int = 0,
    ) -> int:
        """Append and sync the next groups of records; the number of the next record."""
        for count in groups:
            self.append(journal, first, first + count)
            first += count
            disk.promise(Promise(first, receipted))
        return first

    def append(self, journal: Journal, first: int, end: int) -> None:
        """Append the records from `first` up to `end`, without it, and sync them."""
        for number in range(first, end):
            journal.append(self.bodies[number])
        journal.sync()

    def _go_on(self, disk: RecoveredDisk, journal: Journal) -> Found | Broken:
        journal.append(MARKER_BODY)
        journal.sync()
        return self._look(self.open(RecoveredDisk(disk.after_cut())))

    def _look(self, journal: Journal) -> Found | Broken:
        numbers: list[int] = []
        seqs: dict[str, int] = {}
        previous, in_first, is_salvaged = None, None, False
        for stored in journal.records():
            last = seqs.get(stored.generation)
            if last is not None and stored.seq != last + 1:
                return Broken(f"seq {stored.seq} follows {last} in generation {stored.generation}")
            if stored.body.startswith(OPENED):
                if stored.seq != 1:
                    return Broken(f"an opening record has seq {stored.seq}")
                opening = json.loads(stored.body)
                in_first = len(numbers) if opening["previous"] and in_first is None else in_first
                is_salvaged = is_salvaged or opening["reason"] == "salvaged"
                if what := _wrong_opening(opening, previous):
                    return Broken(what)
            elif stored.body in self._known:
                numbers.append(self._known[stored.body])
            else:
                return Broken(f"a record that nobody wrote came back: {stored.body[:60]!r}")
            seqs[stored.generation] = stored.seq
            previous = (stored.generation, stored.seq)
        return Found(tuple(numbers), len(numbers) if in_first is None else in_first, is_salvaged)


class PruneWorkload(JournalWorkload):
    """Receipts arrive while records are written; their segments go after the keeping time, several at once."""

    bounds = replace(BOUNDS, segment_bytes=900)

    def __init__(self, name: str, *, shelves: int = 1, seed: int = 0) -> None:
        super().__init__(name, shelves=shelves, seed=seed, groups=PRUNE_GROUPS)

    def run(self, disk: RecordingDisk) -> None:
        """See Workload."""
        disk.promise(Promise(0))
        journal = self.open(disk)
        written = receipted = 0
        for turn, count in enumerate(self._groups):
            written = self.write(disk, journal, written, (count,), receipted)
            if turn % 6 == 5:
                receipted = written - 1
                disk.promise(Promise(written, receipted))
                prune(journal, receipted + 1, turn * 1000)  # the opening record is seq 1
            if turn == len(self._groups) // 2:
                journal.close()
                journal = self.open(disk)
        prune(journal, receipted + 1, 1_000_000)
        journal.close()


class RenewWorkload(JournalWorkload):
    """The way back from a quarantine: what the cloud has not confirmed goes on in a new generation."""

    is_damaged = True  # the records move to another generation, as after damage

    def run(self, disk: RecordingDisk) -> None:
        """See Workload."""
        disk.promise(Promise(0))
        journal = self.open(disk)
        written = self.write(disk, journal, 0, self._groups[:3])
        receipted = written - 1
        prune(journal, receipted + 1, 0)
        written = self.write(disk, journal, written, self._groups[4:7], receipted)
        journal.renew()
        self.write(disk, journal, written, self._groups[7:], receipted)
        journal.close()

    def remark(self, came_back: Found) -> str:
        """See Workload."""
        repeated = len(came_back.numbers) - len(set(came_back.numbers))
        return "renewed records came back twice" if repeated else ""


class SalvageWorkload(JournalWorkload):
    """A bit of one record in the middle flipped while the box was off: all the others come back, at any crash."""

    is_damaged = True

    def __init__(self, name: str, *, shelves: int = 1, seed: int = 0) -> None:
        super().__init__(name, shelves=shelves, seed=seed)
        self._before = sum(GROUPS[:6])
        self._damaged = 6
        self.lost = frozenset({self._damaged}) if shelves == 1 else frozenset()

    def found(self) -> Mapping[str, bytes]:
        """See Workload."""
        disk = RecoveredDisk({})
        journal = self.open(disk)
        for number in range(self._before):
            journal.append(self.bodies[number])
            journal.sync()
        journal.close()
        files = {path: bytes(file.data) for path, file in disk.entries.items()}
        for path, data in files.items():
            place = data.find(self.bodies[self._damaged]) if path.startswith(FIRST) else -1
            if place >= 0:
                files[path] = data[: place + 20] + bytes([data[place + 20] ^ 4]) + data[place + 21 :]
        return files

    def run(self, disk: RecordingDisk) -> None:
        """See Workload."""
        disk.promise(Promise(self._before))
        journal = self.open(disk)
        self.write(disk, journal, self._before, GROUPS[6:])
        journal.close()

    def remark(self, came_back: Found) -> str:
        """See Workload."""
        repeated = len(came_back.numbers) - len(set(came_back.numbers))
        return "salvaged records came back twice" if repeated else ""


class RestartWorkload:
    """The recovery of another workload as a workload: crashes at any operation of a start after a crash."""

    def __init__(self, crashed: JournalWorkload, files: Mapping[str, bytes], promise: Promise) -> None:
        self.name = f"{crashed.name}, restarted"
        self._files, self._promise = files, promise
        self._crashed = crashed
        self.recover, self.judge, self.remark = crashed.recover, crashed.judge, crashed.remark

    def found(self) -> Mapping[str, bytes]:
        """See Workload."""
        return self._files

    def run(self, disk: RecordingDisk) -> None:
        """See Workload."""
        disk.promise(self._promise)
        self._crashed.open(disk)


def prune(journal: Journal, through: int, now_ms: int) -> None:
    """Hand the journal a receipt of the cloud for its newest generation."""
    chain = journal.chain_at(journal.generation, through)
    if chain is None:
        raise AssertionError(f"seq {through} is not held")
    journal.prune(journal.generation, through, chain, now_ms)


def body(number: int, size: int) -> bytes:
    """A record that says its number; no byte of it repeats in step with a sector."""
    pad = "".join(chr(97 + (number * 7 + place * place) % 26) for place in range(size))
    return json.dumps({"t": "note", "n": number, "pad": pad}).encode()


def opening_record(previous: str, previous_seq: int, reason: str) -> bytes:
    """The first record of a generation."""
    fields = {"t": "generation_opened", "previous": previous, "previous_seq": previous_seq, "reason": reason}
    return json.dumps(fields, separators=(",", ":")).encode()


MARKER_BODY = body(MARKER, 60)


def _wrong_opening(record: dict[str, Any], before: tuple[str, int] | None) -> str:
    """Why a new generation does not follow what is held before it, or ""."""
    said = (str(record["previous"]), int(record["previous_seq"]))
    if before is None:
        return ""  # what it followed is pruned, or it is the first
    if record["reason"] == "recovered" and said[0] == before[0] and said[1] <= before[1]:
        return ""  # a renewal that was cut short: the older generation is not closed yet
    return "" if said == before else f"a generation says that it follows {said}, but what is held is {before}"
