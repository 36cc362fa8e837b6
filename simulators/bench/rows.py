"""One row of the bench: what was measured, the bar it has to meet, and the floor that the same run was compared with.

A floor is the same work without tillbox: it tells what the machine itself takes, so that ratios travel.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """`bar` None: nothing to meet, only told. `value` None: not measured here, and `floor_name` says why."""

    name: str
    value: float | None
    unit: str
    bar: float | None = None
    floor: float | None = None
    floor_name: str = ""
    is_at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if self.bar is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.bar if self.is_at_least else self.value <= self.bar

    def as_json(self) -> dict[str, Any]:
        """The row as machines read it."""
        told = asdict(self)
        del told["is_at_least"]
        return {**told, "value": _rounded(self.value), "met": self.met, "floor": _rounded(self.floor)}

    def in_words(self) -> tuple[str, ...]:
        """The row as cells of a table."""
        sign = "≥" if self.is_at_least else "≤"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        bar = "" if self.bar is None else f"{sign} {self.bar:g}"
        floor = "" if self.floor is None else f"{_rounded(self.floor):g}"
        value = "-" if self.value is None else f"{_rounded(self.value):g}"
        return self.name, value, self.unit, bar, verdict, floor, self.floor_name


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The smallest of the values that at least `per_cent` of them do not pass."""
    ordered = sorted(values)
    place = -(-len(ordered) * per_cent // 100)
    return ordered[max(0, int(place) - 1)]


def _rounded(value: float | None) -> float | None:
    """Three digits are more than any run repeats."""
    return None if value is None else float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
