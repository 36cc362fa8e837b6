"""The journal, looked at from outside: no lock is held, nothing is written, a running box goes on.

What counts as damage, and why an unfinished last record does not, is decided by `edge/journal/recovery`.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.diagnosis.finding import broken, good, warning
from edge.journal.bounds import DAY_MS, MIB, QUOTA_BYTES
from edge.journal.files import OsFiles, join
from edge.journal.receipts import RECEIPTS_NAME, decode_receipts
from edge.journal.recovery import read_generations
from edge.journal.segment import HEAD_BYTES
from edge.journal.shelf import LOCK_NAME, Shelf
from protocol.frame import chain_start, scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.config import BoxConfig
    from edge.diagnosis.finding import Finding
    from edge.journal.receipts import Receipts
    from edge.journal.recovery import Generation

READ_TRIES = 3  # a running box may replace a file between the listing and the reading
NEARLY_FULL = QUOTA_BYTES // 10 * 8
PROBE_NAME = "doctor.probe"
OLD_MS = DAY_MS  # a day without a receipt is no lost packet any more
MINUTE_MS = 60_000


@dataclass(slots=True)
class History:
    """What a journal directory holds."""

    generations: list[Generation] = field(default_factory=list)
    receipts: Receipts = field(default_factory=lambda: decode_receipts(None))
    used_bytes: int = 0
    unconfirmed: int = 0
    oldest_unconfirmed_ms: int = 0
    newest_ms: int = 0
    receipts_saved_ms: int = 0
    devices: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name -> last state since the start, reason

    @property
    def records(self) -> int:
        """How many records are held."""
        return sum(found.end_seq - found.oldest_seq + 1 for found in self.generations)


def is_held(journal: Path) -> bool:
    """Whether a running box holds this journal; the lock is tried for an instant, shared, and never made."""
    try:
        handle = os.open(journal / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def look_into(journal: Path) -> History:
    """Read a journal; OSError when it cannot be read."""
    for tries_left in reversed(range(READ_TRIES)):
        try:
            return _look(journal)
        except FileNotFoundError:
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _look(journal: Path) -> History:
    shelf = Shelf(OsFiles(), str(journal))
    found = History(receipts=decode_receipts(shelf.load_receipts()))
    found.generations = read_generations(shelf, found.receipts)
    found.used_bytes = sum(shelf.size(name) for name in shelf.names())
    saved = journal / RECEIPTS_NAME
    found.receipts_saved_ms = saved.stat().st_mtime_ns // 1_000_000 if saved.exists() else 0
    for generation in found.generations:
        through = found.receipts.through.get(generation.generation, 0)
        found.unconfirmed += max(generation.end_seq - max(through, generation.oldest_seq - 1), 0)
        for place, segment in enumerate(generation.segments):
            is_old = segment.end_seq <= through and place + 1 < len(generation.segments)
            if not is_old:  # one file at a time: a journal may be larger than the memory of the machine
                data = shelf.read(segment.name)[HEAD_BYTES : segment.length]
                for frame in scan(data).frames:
                    if frame.seq <= generation.end_seq:
                        _note(found, frame.body, is_confirmed=frame.seq <= through)
    return found


def _note(found: History, body: bytes, *, is_confirmed: bool) -> None:
    try:
        record: dict[str, Any] = json.loads(body)
        at_ms = int(record["at"])
    except (ValueError, KeyError, TypeError):
        return
    found.newest_ms = max(found.newest_ms, at_ms)
    if not is_confirmed and not found.oldest_unconfirmed_ms:
        found.oldest_unconfirmed_ms = at_ms
    if record.get("t") == "box_started":
        found.devices.clear()
    elif record.get("t") == "device_changed":
        found.devices[str(record.get("device"))] = (str(record.get("state")), str(record.get("reason")))


def check_journal(history: History, config: BoxConfig, now_ms: int) -> Iterator[Finding]:
    """Damage, owner, room, and what the cloud has not confirmed."""
    if not history.generations:
        yield good("journal", "empty: the box has not sold yet")
        return
    newest = history.generations[-1]
    for found in history.generations:
        if found.is_damaged:
            what = f"generation {found.generation} is damaged after record {found.end_seq}"
            saved = f"{len(found.beyond)} records beyond it can be saved"
            mend = f"Keep a copy of the directory, then start the box: it opens a new generation ({saved})."
            yield broken("journal", "journal-damaged", what, mend)
        start = chain_start(config.tenant, config.box, bytes.fromhex(found.generation))
        first = found.segments[0] if found.segments else None
        if first is not None and first.name.first_seq == 1 and first.chain_before != start:
            what = (
                f"generation {found.generation} was written by another box than {config.tenant}/{config.box}"
            )
            yield broken("journal", "journal-of-another-box", what, "Set the right --work directory.")
    if history.used_bytes > NEARLY_FULL:
        what = f"{history.used_bytes // MIB} of {QUOTA_BYTES // MIB} MiB are used"
        yield warning("journal", "journal-nearly-full", what, "Bring the box online.")
    told = (
        f"{len(history.generations)} generation(s), {history.records} records, the last is {newest.end_seq}"
    )
    yield good("journal", f"{told}, {history.used_bytes // 1024} KiB")
    yield from _check_sent(history, now_ms)


def _check_sent(history: History, now_ms: int) -> Iterator[Finding]:
    if not history.unconfirmed:
        yield good("replica", "the cloud has confirmed every record")
        return
    age_ms = max(now_ms - history.oldest_unconfirmed_ms, 0)
    what = f"{history.unconfirmed} records without a noted receipt, the oldest {_age(age_ms)} old"
    if age_ms > OLD_MS:
        yield warning("replica", "replica-behind", what, "Check network, broker and cloud (below).")
    else:
        yield good("replica", f"{what} (receipts are noted by the segment and at the end)")


def check_second(second: str, journal: Path, told: tuple[str, str]) -> Iterator[Finding]:
    """A copy that is not written, or lies on the same device, protects from nothing; `told` by the box that runs."""
    path = OsFiles()
    if told[0] == "degraded":
        mend = "Mend that disk or its mount, then restart the box."
        yield broken("second journal", "journal-degraded", f"one copy is not written: {told[1]}", mend)
    elif path.size(second) < 0:
        what = f"{second} is not there"
        yield broken("second journal", "second-journal-missing", what, "Mount the second device.")
    elif os.stat(second).st_dev == journal.parent.stat().st_dev:  # noqa: PTH116 - the option is a plain text
        what = f"{second} lies on the same device as the journal"
        yield broken("second journal", "second-journal-same-device", what, "Mount the second device there.")
    elif trouble := _not_a_place(second):
        what = f"{second} takes no file ({trouble})"
        yield broken("second journal", "second-journal-not-writable", what, "Check its mount and owner.")
    else:
        room = path.free_bytes(second) // MIB
        yield good("second journal", f"on a device of its own, {room} MiB free")


def _not_a_place(directory: str) -> str:
    """Why no file can be made in a directory; "" when one can."""
    files = OsFiles()
    probe = join(directory, PROBE_NAME)
    try:
        files.close(files.create(probe))
        files.unlink(probe)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _age(age_ms: int) -> str:
    if age_ms < 60 * MINUTE_MS:
        return f"{age_ms // MINUTE_MS} min"
    return f"{age_ms // (60 * MINUTE_MS)} h" if age_ms < 2 * DAY_MS else f"{age_ms // DAY_MS} days"
