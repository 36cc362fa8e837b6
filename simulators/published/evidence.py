"""What the measuring commands printed, told apart by its shape: worlds, planted bugs, torture, rows of the bench."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES_MAX = 64 << 20  # a night of worlds with a hash for each seed is a megabyte


@dataclass(slots=True)
class Evidence:
    """What was measured; None or empty where nobody measured it."""

    world: dict[str, Any] | None = None
    torture: dict[str, Any] | None = None
    planted: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the bench, by name


def read_evidence(files: list[Path]) -> Evidence:
    """Read what `tillbox world`, `world --planted`, `torture` and `bench` printed with --json.

    The last line of a file counts: that is where these commands put their object.
    CallerError "evidence-unreadable", "evidence-unknown".
    """
    evidence = Evidence()
    for file in files:
        _take(evidence, file, _last_line(file))
    return evidence


def _last_line(file: Path) -> Any:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"it is longer than {FILE_BYTES_MAX} bytes")
        return json.loads(file.read_text(encoding="utf-8").strip().rpartition("\n")[2])
    except (OSError, ValueError) as fault:
        raise CallerError(
            "evidence-unreadable",
            f"{file} holds no JSON of a measuring command: {fault}",
            "Give files that hold what `tillbox world`, `torture` or `bench` printed with --json",
        ) from fault


def _take(evidence: Evidence, file: Path, told: Any) -> None:
    if isinstance(told, dict) and "box_hours" in told:
        evidence.world = told
    elif isinstance(told, dict) and "kills" in told:
        evidence.torture = told
    elif _is_list_with(told, "found"):
        evidence.planted = told
    elif _is_list_with(told, "floor_name"):
        evidence.rows.update({row["name"]: row for row in told})
    else:
        raise CallerError(
            "evidence-unknown",
            f"{file} is no output of a command that measures",
            "Give what `tillbox world`, `world --planted`, `torture` or `bench` printed with --json",
        )


def _is_list_with(told: Any, name: str) -> bool:
    return (
        isinstance(told, list) and bool(told) and all(isinstance(one, dict) and name in one for one in told)
    )
