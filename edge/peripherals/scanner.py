"""The serial barcode scanner: a link, the frame reader, and the device's health.

Framing and debouncing live in `scan_frames.py`. What a code means is `protocol.product_codes`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.peripherals.connection import LinkSettings, SerialSettings, open_link
from edge.peripherals.events import CodeRefused, CodeScanned
from edge.peripherals.scan_frames import ScanReader, ScanRules
from edge.peripherals.supervision import DeviceState

if TYPE_CHECKING:
    from edge.peripherals.scan_frames import ScanEvent
    from edge.peripherals.supervision import MonotonicMs, OnEvent

# So many refused reads within the window are a loose cable or wrong line settings, not one smudged label.
REFUSALS_UNTIL_DEGRADED = 3
REFUSAL_WINDOW_MS = 10_000


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """Where the scanner is and how it frames its codes."""

    link: LinkSettings = field(default_factory=lambda: SerialSettings("/dev/tillbox-scanner"))
    rules: ScanRules = field(default_factory=ScanRules)


class Scanner:
    """`run()` is one connected life; codes go to `on_event`. `clock` gives monotonic milliseconds."""

    def __init__(
        self, settings: ScannerSettings, on_event: OnEvent, clock: MonotonicMs, name: str = "scanner"
    ) -> None:
        self.state = DeviceState(name, on_event)
        self._settings = settings
        self._on_event = on_event
        self._clock = clock
        self._refusals: deque[int] = deque(maxlen=REFUSALS_UNTIL_DEGRADED)

    async def run(self) -> None:
        """Read codes until the link breaks (DeviceError)."""
        link = await open_link(self._settings.link, self.state.device)
        reader = ScanReader(self._settings.rules)
        idle_gap_s = self._settings.rules.idle_gap_ms / 1000
        self.state.become("ready")
        try:
            while True:
                data = await (link.read_within(idle_gap_s) if reader.pending else link.read())
                now_ms = self._clock()
                self._tell(reader.feed(data, now_ms) if data else reader.idle(now_ms))
        finally:
            link.close()

    def _tell(self, events: list[ScanEvent]) -> None:
        for event in events:
            if isinstance(event, CodeRefused):
                self._refusals.append(event.at_ms)
                if (
                    len(self._refusals) == REFUSALS_UNTIL_DEGRADED
                    and event.at_ms - self._refusals[0] <= REFUSAL_WINDOW_MS
                ):
                    self.state.become("degraded", "scanner-noise")
            elif isinstance(event, CodeScanned):
                self._refusals.clear()
                self.state.become("ready")
            self._on_event(event)
