"""Which devices a box has: explicit bindings in, supervised adapters out. Nothing is ever guessed or probed.

`read_bindings` checks the `devices` object of box.json; `DeviceSet` builds the adapters, keeps each alive and
turns their words into the events of the flows.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge import events
from edge.peripherals import events as told
from edge.peripherals.connection import LinkSettings, SerialSettings, TcpSettings
from edge.peripherals.display import DisplaySettings, PoleDisplay
from edge.peripherals.drawer import Drawer, DrawerSettings
from edge.peripherals.printer import Printer, PrinterSettings
from edge.peripherals.scale import Scale, ScaleSettings
from edge.peripherals.scanner import Scanner, ScannerSettings
from edge.peripherals.supervision import Peripheral, supervise
from protocol.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocol.receipt import Document

DEVICES = ("scanner", "scale", "printer", "pole", "reader")
_SERIAL_FIELDS = {"port": str, "baud": int, "data_bits": int, "parity": str, "stop_bits": int}
_TCP_FIELDS = {"host": str, "port": int}


@dataclass(frozen=True, slots=True)
class Bindings:
    """Where each device is; None when the box has none. The reader's line belongs to the secure module."""

    scanner: LinkSettings | None = None
    scale: LinkSettings | None = None
    printer: LinkSettings | None = None
    pole: LinkSettings | None = None
    reader: SerialSettings | None = None


def read_bindings(devices: object) -> Bindings:
    """Bindings from box.json; ConfigError("devices-wrong") names every fault."""
    if not isinstance(devices, dict):
        raise ConfigError("devices-wrong", "devices is no object", "Bind each device by name.")
    faults = [f"{name} is no device of a box" for name in sorted(set(devices) - set(DEVICES))]
    links: dict[str, Any] = {}
    for name in DEVICES:
        if name not in devices:
            continue
        link = _read_link(devices[name])
        if link is None or (name == "reader" and not isinstance(link, SerialSettings)):
            faults.append(f"{name} needs port (a serial line) or, but for the reader, host and port (TCP)")
        links[name] = link
    if faults:
        raise ConfigError("devices-wrong", "; ".join(faults), "Correct devices in box.json.")
    return Bindings(**links)


def _read_link(binding: object) -> LinkSettings | None:
    if not isinstance(binding, dict):
        return None
    if "host" in binding:
        is_right = set(binding) == set(_TCP_FIELDS) and all(
            type(binding[n]) is t for n, t in _TCP_FIELDS.items()
        )
        return TcpSettings(binding["host"], binding["port"]) if is_right else None
    is_known = set(binding) <= set(_SERIAL_FIELDS) and "port" in binding
    if not is_known or not all(type(value) is _SERIAL_FIELDS[name] for name, value in binding.items()):
        return None
    settings = dict(binding)
    return SerialSettings(settings.pop("port"), **settings)


class DeviceSet:
    """The adapters of one box. `clock` gives monotonic milliseconds; `post` takes events of the flows."""

    def __init__(self, bindings: Bindings, post: Callable[[Any], None], clock: Callable[[], int]) -> None:
        self._post = post
        self._clock = clock
        self._peripherals: list[Peripheral] = []
        self.scale: Scale | None = None
        self.pole: Pole | None = None
        self.paper: Paper | None = None
        if bindings.scanner is not None:
            self._peripherals.append(Scanner(ScannerSettings(bindings.scanner), self._heard, clock))
        if bindings.scale is not None:
            self.scale = Scale(ScaleSettings(bindings.scale), self._heard, clock)
            self._peripherals.append(self.scale)
        if bindings.pole is not None:
            display = PoleDisplay(DisplaySettings(bindings.pole), self._heard, clock, "pole")
            self._peripherals.append(display)
            self.pole = Pole(display)
        if bindings.printer is not None:
            printer = Printer(PrinterSettings(bindings.printer), self._heard, clock)
            drawer = Drawer(printer, DrawerSettings(), self._heard, clock)
            self._peripherals += [printer, drawer]
            self.paper = Paper(printer, drawer)

    async def run(self) -> None:
        """Keep every device alive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for device in self._peripherals:
                tasks.create_task(supervise(device, self._clock))

    def _heard(self, word: told.PeripheralEvent) -> None:
        event = _translated(word)
        if event is not None:
            self._post(event)


def _translated(word: told.PeripheralEvent) -> events.Event | None:
    """The event of the flows for what a device said; None for what only status pages want."""
    match word:
        case told.CodeScanned():
            return events.CodeScanned(word.text)
        case told.CodeRepeated():
            return events.CodeRefused("scanned-twice", "The same code came twice at once")
        case told.CodeRefused():
            return events.CodeRefused(word.code, word.what)
        case told.WeightRead():
            return events.WeightRead(word.weight_g, word.state)
        case told.WeightRefused():
            return events.WeightRead(0, "unknown")
        case told.DeviceStateChanged():
            return events.DeviceChanged(word.device, word.state, word.reason)
        case _:
            return None


class Paper:
    """Printer and drawer as the acts see them."""

    def __init__(self, printer: Printer, drawer: Drawer) -> None:
        self._printer = printer
        self._drawer = drawer

    async def print(self, document: Document) -> tuple[str, str]:
        """Print one document: (printed | failed | unknown, digest of the receipt's bytes)."""
        result = await self._printer.print_document(document)
        return result.outcome, result.digest

    async def open_drawer(self) -> None:
        """Kick the drawer; DeviceError("drawer-not-opened") when the printer is away or the coil still hot."""
        if not await self._drawer.open():
            raise DeviceError(
                "drawer-not-opened", "The drawer was not opened", "Use its key, check the printer."
            )


class Pole:
    """The pole display as the acts see it."""

    def __init__(self, display: PoleDisplay) -> None:
        self._display = display

    async def show(self, upper: str, lower: str) -> None:
        """Show two lines, now or when the display is back."""
        self._display.show(upper, lower)
