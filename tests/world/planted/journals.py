"""Bugs of the box's journal: syncing, recovery, pruning, and what is told to the outbox."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from edge.journal import journal, recovery, segment, shelf
from edge.journal.bounds import Bounds
from edge.journal.files import REPLACEMENT_SUFFIX
from protocol.faults import fault
from protocol.frame import INCOMPLETE
from simulators.world import schedule
from tests.world.planted.patching import (
    DAMAGED,
    ENDED,
    GOODS,
    LEDGER,
    LONGER,
    LOST,
    PEOPLE,
    UNSETTLED,
    WITHOUT_SALE,
    Patch,
    Planted,
)

# A world of minutes never fills a segment of 4 MiB nor ends a week: here a segment is some records long, and what was
# confirmed goes at once. So it is not promised to a cloud that forgets; in these worlds none does.
SHORT = (
    Patch(journal, "Bounds", partial(Bounds, segment_bytes=1_024, keep_ms=0)),
    Patch(schedule, "WEIGHTS", (1, 0, 0)),
)
ANY = (LOST, PEOPLE, WITHOUT_SALE, GOODS, LEDGER, UNSETTLED, DAMAGED, ENDED)


def _writes_only(self: Any, data: bytes) -> None:
    self.files.write(self._handle, data)
    fault(shelf.WRITTEN)


def _replaces_without_directory(files: Any, path: str, data: bytes) -> None:
    temporary = path + REPLACEMENT_SUFFIX
    handle = files.create(temporary)
    files.write(handle, data)
    files.fdatasync(handle)
    files.close(handle)
    files.rename(temporary, path)
    fault("files.replacement_renamed")


def _replaces_without_sync(files: Any, path: str, data: bytes) -> None:
    temporary = path + REPLACEMENT_SUFFIX
    handle = files.create(temporary)
    files.write(handle, data)
    files.close(handle)
    files.rename(temporary, path)
    fault("files.replacement_renamed")
    files.sync_directory(str(Path(path).parent))


def _drops_the_file(name: Any, data: bytes, until: int | None = None) -> Any:
    read = _read_segment(name, data, until)
    if read is None or read[1] != INCOMPLETE:
        return read
    return _read_segment(name, data[: segment.HEAD_BYTES], until)


_read_segment = segment.read_segment


def _saves_nothing(self: Any, end_seq: int, damage: bytes, later: Any) -> list[Any]:
    del self, end_seq, damage, later
    return []


def _prunes_everything(self: Any, generation: str, through: int, chain: bytes, now_ms: int) -> None:
    found = self._held.find(generation)
    if found is not None:
        through, chain = found.end_seq, found.segments[-1].end_chain if found.segments else chain
    _prune(self, generation, through, chain, now_ms)


_prune = journal.Journal.prune


def _goes_on_at_once(self: Any, job: Any) -> None:
    self._job = None
    job.give_up_failed_shelves()
    for one in self._shelves:
        one.failure = ""
    self._account(job.frames, job.fresh)


# Four times as many faults: what needs a crash at one of many places comes sooner.
HARSH = (Patch(schedule, "EVERY_S", (1.0, 9.0)),)

BUGS = (
    Planted(
        "missing-fsync",
        "records are written and never synced",
        ANY,
        (Patch(shelf.Shelf, "append", _writes_only),),
        LONGER,
    ),
    Planted(
        "missing-directory-sync",
        "a new segment is synced, its name in the directory is not",
        ANY,
        (Patch(shelf, "replace_file", _replaces_without_directory),),
        ground=HARSH,
    ),
    Planted(
        "renamed-before-synced",
        "a new segment takes its name before its bytes are on the disk",
        ANY,
        (Patch(shelf, "replace_file", _replaces_without_sync),),
        ground=HARSH,
    ),
    Planted(
        "failed-fsync-ignored",
        "a failed sync is accounted for like a good one",
        ANY,
        (Patch(journal.Journal, "end_sync", _goes_on_at_once),),
        LONGER,
    ),
    Planted(
        "torn-tail-costs-the-file",
        "recovery throws away what lies before a torn tail",
        ANY,
        (Patch(recovery, "read_segment", _drops_the_file),),
        LONGER,
    ),
    Planted(
        "nothing-salvaged",
        "recovery throws away what lies beyond damage",
        ANY,
        (Patch(recovery._Walk, "_beyond", _saves_nothing),),
        ground=HARSH,
    ),
    Planted(
        "pruned-past-the-receipt",
        "a receipt counts for everything written so far",
        ANY,
        (Patch(journal.Journal, "prune", _prunes_everything),),
        LONGER,
        SHORT,
    ),
)
