"""What everything in one world stands on: loop, trace, seed, broker, time of day, and a directory for evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.world.broker import Broker
    from simulators.world.loop import WorldLoop
    from simulators.world.seeds import Seeds
    from simulators.world.trace import Trace

TENANT, STORE, SHARD = "world", "shop", "07"
BEGIN_MS = 1_793_600_000_000  # 2 November 2026, in the morning: any day after 2025 would do


@dataclass(slots=True)
class Ground:
    """See the module. `counts` are the faults that really happened, by kind."""

    loop: WorldLoop
    seeds: Seeds
    trace: Trace
    broker: Broker
    directory: Path
    counts: Counter[str] = field(default_factory=Counter)

    def now_ms(self) -> int:
        """The true UTC milliseconds."""
        return BEGIN_MS + int(self.loop.time() * 1000)

    def de7_now(self) -> str:
        """The true time as ISO 8583 writes it in field 7: MMDDhhmmss."""
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC).strftime("%m%d%H%M%S")

    def path(self, name: str) -> Path:
        """A path of this world's evidence."""
        return self.directory / name
