"""The devices around one box, simulated together: scanner, scale, printer with drawer, pole display and card reader.

Each is on its real transport, a pty or a TCP port, as a box binds them. `bindings` is the `devices` object of the
box's provisioning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.card_reader import CardReaderSettings, CardReaderSim
from simulators.device_control import serve_control
from simulators.display import DisplaySim, DisplaySimSettings
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.scale import ScaleSim, ScaleSimSettings
from simulators.scanner import ScannerSim, ScannerSimSettings

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from simulators.device_control import Actions


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
        self.control = str(directory / "control.sock")
        self._control: asyncio.Server | None = None

    async def start(self) -> None:
        """Plug everything in, and listen for hands that work the devices."""
        self.scanner.plug()
        self.scale.plug()
        self.pole.plug()
        self.reader.plug()
        await self.printer.start()
        self._control = await serve_control(self.control, self.actions())

    async def stop(self) -> None:
        """Pull every plug."""
        if self._control is not None:
            self._control.close()
        self.scanner.unplug()
        await self.scale.stop()
        await self.pole.stop()
        await self.reader.close()
        await self.printer.stop()

    def actions(self) -> Actions:
        """What a hand may do, as DEVICE.ACTION: scanner.scan, scale.put, reader.present, printer.fail, ..."""
        devices = (
            ("scanner", self.scanner),
            ("scale", self.scale),
            ("printer", self.printer),
            ("drawer", self.drawer),
            ("pole", self.pole),
            ("reader", self.reader),
        )
        return {f"{name}.{action}": do for name, device in devices for action, do in device.actions().items()}

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
