"""The cash drawer behind the printer: opened by a pulse, watched by the switch that the printer reads.

The pulse is a method of its own; no text that is printed can reach it (see `code_pages.text_bytes`). A
switch that flaps is told once and counts as open: an open drawer is the safe belief.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.peripherals.events import DrawerChanged
from edge.peripherals.supervision import DeviceState
from protocol.errors import DeviceError

if TYPE_CHECKING:
    from edge.peripherals.printer import Printer
    from edge.peripherals.supervision import MonotonicMs, OnEvent

LOOK_INTERVAL_S = 0.5  # nobody takes money out of a drawer in less
# The switch bounces while the drawer rolls: it must say the same for so long.
SETTLE_MS = 300
# A person cannot open and close a drawer so often in such a time: a broken switch or a tampering hand.
FLAPS_UNTIL_DEGRADED = 6
FLAP_WINDOW_MS = 10_000
# A drawer's coil may be pulsed again only after it has cooled.
KICK_GAP_MS = 1_000


@dataclass(frozen=True, slots=True)
class DrawerSettings:
    """connector 0 is pin 2, 1 is pin 5; `open_level` is the switch's level when the drawer is open."""

    connector: int = 0
    open_level: str = "high"
    look_interval_s: float = LOOK_INTERVAL_S
    settle_ms: int = SETTLE_MS


class Drawer:
    """`run()` watches the switch as long as the printer is there; `open` pulses the coil."""

    def __init__(
        self,
        printer: Printer,
        settings: DrawerSettings,
        on_event: OnEvent,
        clock: MonotonicMs,
        name: str = "drawer",
    ) -> None:
        self.state = DeviceState(name, on_event)
        self.level = "unknown"
        self._printer = printer
        self._settings = settings
        self._on_event = on_event
        self._clock = clock
        self._seen, self._since_ms = "unknown", 0
        self._flaps: deque[int] = deque(maxlen=FLAPS_UNTIL_DEGRADED)
        self._kicked_ms: int | None = None

    async def open(self) -> bool:
        """Pulse the coil; false when the printer is away or the last pulse was less than KICK_GAP_MS ago."""
        now_ms = self._clock()
        if self._kicked_ms is not None and now_ms - self._kicked_ms < KICK_GAP_MS:
            return False
        self._kicked_ms = now_ms
        return await self._printer.kick_drawer(self._settings.connector)

    async def run(self) -> None:
        """Watch until the printer goes away (DeviceError)."""
        try:
            while True:
                status = await self._printer.look()
                self.see(status.drawer, self._clock())
                await asyncio.sleep(self._settings.look_interval_s)
        except DeviceError:
            self._settle("unknown", self._clock())
            raise

    def see(self, level: str, now_ms: int) -> None:
        """Take in one look at the switch: high, low or unknown."""
        if level != self._seen:
            self._seen, self._since_ms = level, now_ms
            self._flaps.append(now_ms)
        is_flapping = (
            len(self._flaps) == FLAPS_UNTIL_DEGRADED and now_ms - self._flaps[0] <= FLAP_WINDOW_MS
        ) and now_ms - self._flaps[-1] <= FLAP_WINDOW_MS
        if is_flapping:
            self.state.become("degraded", "drawer-flapping")
            self._settle("open", now_ms)
        elif now_ms - self._since_ms >= self._settings.settle_ms or self.level == "unknown":
            self.state.become(*(("degraded", "printer-silent") if level == "unknown" else ("ready", "")))
            self._settle(self._meaning(level), now_ms)

    def _meaning(self, level: str) -> str:
        if level == "unknown":
            return "unknown"
        return "open" if level == self._settings.open_level else "closed"

    def _settle(self, level: str, now_ms: int) -> None:
        if level != self.level:
            self.level = level
            self._on_event(DrawerChanged(level, now_ms))
