"""How long outcomes of money stayed unknown: from the record that says so to the one that settles it.

Times are those of a recorder that saw every record being written, where there was one; else the box's own words, which
are as right as its clock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from simulators.checker.judge import Evidence

CHAIN_DIGITS = 32  # of a record's chain in hexadecimal: enough to name it
SETTLING = {
    "tender_result": ("approved", "declined", "reversed"),
    "reversal_result": ("reversed", "refused"),
}


class Spread(NamedTuple):
    """How many unknown outcomes were resolved, and after how long."""

    total: int
    p50_ms: int
    p99_ms: int
    max_ms: int


def read_written(path: Path | None) -> dict[str, int]:
    """When records were written, by the beginning of their chain; nothing where nobody saw it."""
    if path is None or not path.exists():
        return {}
    return {str(chain): int(at_ms) for chain, at_ms in json.loads(path.read_bytes()).items()}


def resolve_times_ms(evidence: Evidence, written: Mapping[str, int]) -> list[int]:
    """Milliseconds that each outcome was unknown which is not any more, in rising order."""
    begun: dict[tuple[str, str], int] = {}
    ended: dict[tuple[str, str], int] = {}
    for tenant, record, at_ms in _records(evidence, written):
        if record.get("t") not in SETTLING:
            continue
        key = (tenant, record["attempt"])
        if record["outcome"] == "unknown":
            begun[key] = min(begun.get(key, at_ms), at_ms)
        elif record["outcome"] in SETTLING[record["t"]]:
            ended[key] = max(ended.get(key, at_ms), at_ms)
    return sorted(ended[key] - begun[key] for key in begun.keys() & ended.keys())


def spread(times_ms: Sequence[int]) -> Spread:
    """The usual figures of times in rising order; 0 when there are none."""
    if not times_ms:
        return Spread(0, 0, 0, 0)
    last = len(times_ms) - 1
    return Spread(len(times_ms), times_ms[last * 50 // 100], times_ms[-(-last * 99 // 100)], times_ms[-1])


def _records(evidence: Evidence, written: Mapping[str, int]) -> Iterator[tuple[str, dict[str, Any], int]]:
    """(tenant, record, when it was written first) of every record that can be read."""
    seen: dict[tuple[str, bytes], tuple[dict[str, Any], int]] = {}
    tenants = {name[2]: name[0] for name in evidence.cloud.frames}
    found = [
        (name[0], frame.chain, frame.body)
        for name, frames in evidence.cloud.frames.items()
        for frame in frames
    ]
    for journal in evidence.journals:
        found += [
            (tenants.get(held.generation, ""), held.chain, held.body)
            for held in (*journal.records, *journal.beyond)
        ]
    for tenant, chain, body in found:
        try:
            record = json.loads(body)
            at_ms = written.get(chain.hex()[:CHAIN_DIGITS], int(record["at"]))
        except (ValueError, KeyError, TypeError):
            continue  # the verdict tells of it
        before = seen.get((tenant, body))
        seen[tenant, body] = (record, min(at_ms, before[1]) if before else at_ms)
    for (tenant, _), (record, at_ms) in seen.items():
        yield tenant, record, at_ms
