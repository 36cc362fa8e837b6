"""What `devices` of box.json may say: where each device of a box is, and how it was set up.

What each field may hold is `protocol/device_rules.py`; every fault of all devices is reported together. Nothing is
ever guessed or probed. The adapters' own settings come out; `edge/devices.py` builds adapters from them.
The page for people: docs/reference/peripherals.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.peripherals.connection import LinkSettings, SerialSettings, TcpSettings
from edge.peripherals.display import DisplaySettings
from edge.peripherals.drawer import DrawerSettings
from edge.peripherals.escpos import PaperSettings
from edge.peripherals.printer import PrinterSettings
from edge.peripherals.scale import ScaleSettings
from edge.peripherals.scan_frames import ScanRules
from edge.peripherals.scanner import ScannerSettings
from protocol.device_rules import device_faults, line_fields
from protocol.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Bindings:
    """The devices of a box with their settings; None when it has none.

    The reader's line belongs to the secure module. A drawer hangs on the printer and is there with it.
    """

    scanner: ScannerSettings | None = None
    scale: ScaleSettings | None = None
    printer: PrinterSettings | None = None
    drawer: DrawerSettings | None = None
    pole: DisplaySettings | None = None
    reader: SerialSettings | None = None

    @property
    def links(self) -> dict[str, LinkSettings]:
        """The line of each device that has one of its own, by name."""
        bound = {"scanner": self.scanner, "scale": self.scale, "printer": self.printer, "pole": self.pole}
        links: dict[str, LinkSettings] = {name: one.link for name, one in bound.items() if one is not None}
        return links if self.reader is None else {**links, "reader": self.reader}

    @property
    def unbound(self) -> frozenset[str]:
        """The devices that this box was never given."""
        return frozenset(
            name for name in ("scanner", "scale", "printer", "pole", "reader") if getattr(self, name) is None
        )


def read_bindings(devices: object) -> Bindings:
    """Bindings from box.json; ConfigError("devices-wrong") names every fault of every device."""
    faults = device_faults(devices)
    if faults or not isinstance(devices, dict):
        raise ConfigError("devices-wrong", "; ".join(faults), "Correct devices in box.json.")
    return _built(devices)


def _built(devices: dict[str, Any]) -> Bindings:
    """Settings from bindings that were found right."""
    found: dict[str, Any] = {}
    for device, binding in devices.items():
        fields = line_fields(device, binding)
        line = {name: value for name, value in binding.items() if name in fields}
        found[device] = _settings(device, line, {n: v for n, v in binding.items() if n not in fields})
    return Bindings(**found)


def _settings(device: str, line: dict[str, Any], told: dict[str, Any]) -> object:
    if device == "drawer":
        return DrawerSettings(**told)
    link = TcpSettings(**line) if "host" in line else SerialSettings(line.pop("port"), **line)
    if device == "scanner":
        return ScannerSettings(link, ScanRules(**told))
    if device == "scale":
        return ScaleSettings(link, **told)
    if device == "printer":
        return PrinterSettings(link, _paper(told))
    return DisplaySettings(link, **told) if device == "pole" else link


def _paper(told: dict[str, Any]) -> PaperSettings:
    shaped = dict(told)
    if "code_pages" in told:
        shaped["code_pages"] = tuple(told["code_pages"])
    if "table_numbers" in told:
        shaped["table_numbers"] = tuple(told["table_numbers"].items())
    return PaperSettings(**shaped)
