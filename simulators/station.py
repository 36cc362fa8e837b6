"""The devices around one box, simulated together: scanner, scale, printer with drawer, pole display and card reader.

Each is on its real transport, a pty or a TCP port, as a box binds them. `bindings` is the `devices` object of the
box's provisioning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.card_reader import CardReaderSettings, CardReaderSim
from simulators.display import DisplaySim, DisplaySimSettings
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.scale import ScaleSim, ScaleSimSettings
from simulators.scanner import ScannerSim, ScannerSimSettings

if TYPE_CHECKING:
    from pathlib import Path


class Station:
    """All devices of one box; lines appear under `directory`."""

    def __init__(self, directory: Path) -> None:
        self._lines = {name: str(directory / name) for name in ("scanner", "scale", "pole", "reader")}
        self.scanner = ScannerSim(ScannerSimSettings(self._lines["scanner"]))
        self.scale = ScaleSim(ScaleSimSettings(self._lines["scale"], settle_ms=150))
        self.printer = PrinterSim(PrinterSimSettings(port=0))
        self.drawer = DrawerSim(self.printer)
        self.pole = DisplaySim(DisplaySimSettings(self._lines["pole"]))
        self.reader = CardReaderSim(CardReaderSettings(self._lines["reader"]))

    async def start(self) -> None:
        """Plug everything in."""
        self.scanner.plug()
        self.scale.plug()
        self.pole.plug()
        self.reader.plug()
        await self.printer.start()

    async def stop(self) -> None:
        """Pull every plug."""
        self.scanner.unplug()
        await self.scale.stop()
        await self.pole.stop()
        await self.reader.close()
        await self.printer.stop()

    @property
    def bindings(self) -> dict[str, Any]:
        """Where a box finds the devices; the printer's port is known once it was started."""
        return {
            "scanner": {"port": self._lines["scanner"]},
            "scale": {"port": self._lines["scale"]},
            "pole": {"port": self._lines["pole"]},
            "reader": {"port": self._lines["reader"], "baud": 115_200},
            "printer": {"host": "127.0.0.1", "port": self.printer.port},
        }
