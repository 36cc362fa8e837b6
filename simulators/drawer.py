"""A simulated cash drawer on the printer's kick connector: a pulse opens it, a hand closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.device_control import Actions
    from simulators.printer.station import PrinterSim


class DrawerSim:
    """Wire it to a printer; its switch is high while the drawer is open."""

    def __init__(self, printer: PrinterSim, connector: int = 0) -> None:
        self.is_open = False
        self.openings = 0
        self._printer = printer
        self._connector = connector
        printer.machine.on_kick = self._pulsed

    def close(self) -> None:
        """Push it shut."""
        self._move(is_open=False)

    def pull(self) -> None:
        """Open it by key or by force, without a pulse."""
        self._move(is_open=True)

    def actions(self) -> Actions:
        """Name what a control line may do."""
        return {"close": self.close, "pull": self.pull, "state": lambda: "open" if self.is_open else "closed"}

    def _pulsed(self, connector: int) -> None:
        if connector == self._connector:
            self.openings += 1
            self._move(is_open=True)

    def _move(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self._printer.sensors.is_drawer_high = is_open
