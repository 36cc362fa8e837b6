"""Configurations: what boxes say they took into use, against what their fleet pushed to them.

A box says only of documents that its fleet made for it that they are in use, and its versions never fall; the last one
that it took is the one that the cloud shows. A box whose disk was put back from an old copy may have fallen.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from simulators.checker.report import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from simulators.checker.judge import Evidence

COUNTER = "configuration_wrong"
Pushed = tuple[str, int, str]  # box, version, SHA-256 of the document
_SHOWN = """
SELECT d.tenant, d.box, d.version, r.config_version FROM configuration_desired d
JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
JOIN box_report r ON r.tenant = d.tenant AND r.box = d.box WHERE c.state = 'applied'
"""


def judge_configurations(
    evidence: Evidence, database: Path, pushed: Collection[Pushed], put_back: Collection[str]
) -> list[Finding]:
    """Everything wrong. `pushed` is what the operator remembers, `put_back` names the boxes whose disk once forgot."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        shown = db.execute(_SHOWN).fetchall()
    found = [
        Finding(COUNTER, f"{tenant} {box}", f"it runs version {reported}, the cloud thinks it runs {version}")
        for tenant, box, version, reported in shown
        if version != reported
    ]
    highest: dict[tuple[str, str], int] = {}
    for tenant, box, record in _applied(evidence):
        version, key = record["version"], (tenant, box)
        if (box, version, record["hash"]) not in pushed:
            found.append(
                Finding(COUNTER, f"{tenant} {box}", f"version {version} is no document of its fleet")
            )
        if version < highest.get(key, 0) and box not in put_back:
            what = f"version {version} came after {highest[key]}"
            found.append(Finding(COUNTER, f"{tenant} {box}", what))
        highest[key] = max(version, highest.get(key, 0))
    return found


def _applied(evidence: Evidence) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What boxes said that they took into use, in their order; from the replica, which holds all that was pruned.

    What was saved from beyond damage stands there twice.
    """
    seen: set[tuple[str, str, bytes]] = set()
    for (tenant, box, _), frames in evidence.cloud.frames.items():
        for frame in frames:
            key = (tenant, box, frame.body)
            if b'"config_applied"' not in frame.body or key in seen:
                continue
            seen.add(key)
            record = json.loads(frame.body)
            if record["t"] == "config_applied" and record["outcome"] == "applied":
                yield tenant, box, record
