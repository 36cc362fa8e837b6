"""How a box is, as far as the cloud can tell: enrolment, configuration, and its last reading with the reading's age.

Pure. A reading is never shown without its age, and one that is too old is called stale: a box that lost its power a
minute ago looks well in its last words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloud.fleet.store import BoxRow

# A box that is linked tells its state every 30 s; the third that fails to come is no slow line any more.
STALE_MS = 90_000
_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Configured:
    """What a box should run (0: nothing was ever pushed), what became of that, and what it says that it runs."""

    desired: int = 0
    state: str = ""
    reason: str = ""
    group: str = ""
    answered_ms: int = 0
    applied: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a box said last. `unsent` counts records of its written journal that the cloud does not hold."""

    is_online: bool
    heard_ms: int
    unsent: int
    oldest_unsent_ms: int
    devices: dict[str, str] = field(default_factory=dict)
    software: str = ""
    unknown_open: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """One box. `reading` is None for a box that was never heard."""

    box: BoxRow
    configured: Configured
    reading: Reading | None

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """Everything, for a machine: the box's own fields, `configuration`, `reading` or null."""
        told: dict[str, Any] = self.box._asdict()
        told["configuration"] = {name: getattr(self.configured, name) for name in Configured.__slots__}
        told["reading"] = None
        if self.reading is not None:
            fields = {name: getattr(self.reading, name) for name in Reading.__slots__}
            fields |= {"age_ms": age_ms(self.reading, now_ms), "is_stale": is_stale(self.reading, now_ms)}
            told["reading"] = fields
        return told

    def line(self, now_ms: int) -> str:
        """One line of a list, columns parted by tabs."""
        box = self.box
        name = f"{box.tenant}/{box.store}/{box.box}"
        columns = [name, str(box.box_number), box.status, configured_words(self.configured)]
        return "\t".join([*columns, reading_words(self.reading, now_ms)])

    def rows(self, now_ms: int) -> list[tuple[str, str]]:
        """Name and value of everything, for a person."""
        rows = [(name, str(value)) for name, value in self.box._asdict().items()]
        rows += [
            ("configuration", configured_words(self.configured)),
            ("reading", reading_words(self.reading, now_ms)),
        ]
        if self.reading is not None:
            rows += [(f"device {name}", state) for name, state in sorted(self.reading.devices.items())]
            rows += [("software", self.reading.software), ("unknown_open", str(self.reading.unknown_open))]
        return rows


def age_ms(reading: Reading, now_ms: int) -> int:
    """How old a reading is."""
    return max(0, now_ms - reading.heard_ms)


def is_stale(reading: Reading, now_ms: int) -> bool:
    """Whether a box that did not sign off has been silent for too long."""
    return reading.is_online and age_ms(reading, now_ms) >= STALE_MS


def configured_words(configured: Configured) -> str:
    """Desired and applied version, with the last answer."""
    if not configured.desired:
        return f"configuration {configured.applied or 'none'}"
    answer = configured.state + (f": {configured.reason}" if configured.reason else "")
    return f"configuration {configured.desired} {answer}, runs {configured.applied or 'none'}"


def reading_words(reading: Reading | None, now_ms: int) -> str:
    """The last reading in one line; its age always, and STALE when it proves nothing any more."""
    if reading is None:
        return "never heard"
    age = span_words(age_ms(reading, now_ms))
    if not reading.is_online:
        words = [f"away for {age}"]
    elif is_stale(reading, now_ms):
        words = [f"STALE, last heard {age} ago"]
    else:
        words = [f"online, heard {age} ago"]
    oldest = f", the oldest for {span_words(reading.oldest_unsent_ms)}" if reading.oldest_unsent_ms else ""
    words.append(f"{reading.unsent} unsent{oldest if reading.unsent else ''}")
    words += [f"{name} {state}" for name, state in sorted(reading.devices.items()) if state != "ready"]
    if reading.unknown_open:
        words.append(f"{reading.unknown_open} unknown payments")
    return "; ".join(words)


def span_words(span_ms: int) -> str:
    """A span of time in its largest unit, rounded down: 0 s, 59 s, 3 min, 5 h, 2 d."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if span_ms >= size:
            return f"{span_ms // size} {unit}"
    return f"{span_ms // _SECOND} s"
