"""Building journals for tests: small bounds, numbered generations, bodies that say who they are."""

from __future__ import annotations

import itertools
import json
from typing import Any

from edge.journal.bounds import Bounds
from edge.journal.journal import Journal
from edge.journal.opening import Birth

SMALL = Bounds(segment_bytes=2000, quota_bytes=2_000_000, reserve_bytes=4096, keep_ms=1000)
_COUNTER = itertools.count(1)


def birth(box: str = "till-1") -> Birth:
    def record(previous: str, previous_seq: int, reason: str) -> bytes:
        return json.dumps(
            {"t": "generation_opened", "previous": previous, "previous_seq": previous_seq, "reason": reason}
        ).encode()

    return Birth("acme", box, lambda: next(_COUNTER).to_bytes(8, "big"), record)


def open_journal(files: Any, directory: object, bounds: Bounds = SMALL, second: object = "") -> Journal:
    return Journal(files, str(directory), birth(), bounds=bounds, second_directory=str(second))


def body(number: int, size: int = 120) -> bytes:
    return (b'{"n":%d,"pad":"' % number).ljust(size, b"x") + b'"}'


def write(journal: Journal, *numbers: int, size: int = 120) -> None:
    """Append and sync each record."""
    for number in numbers:
        journal.append(body(number, size))
        journal.sync()


def numbers(journal: Journal) -> list[int]:
    """The numbers of the records held, in order, without those that tell of generations."""
    found = (json.loads(stored.body) for stored in journal.records())
    return [record["n"] for record in found if "n" in record]


def openings(journal: Journal) -> list[dict[str, Any]]:
    found = (json.loads(stored.body) for stored in journal.records())
    return [record for record in found if record.get("t") == "generation_opened"]
