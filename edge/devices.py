"""The devices of a box at work: settings in, supervised adapters out, their words turned into events of the flows.

What box.json may say of devices is `edge/bindings.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from edge import events
from edge.peripherals import events as told
from edge.peripherals.display import PoleDisplay
from edge.peripherals.drawer import Drawer, DrawerSettings
from edge.peripherals.printer import Printer
from edge.peripherals.scale import Scale
from edge.peripherals.scanner import Scanner
from edge.peripherals.supervision import Peripheral, supervise
from protocol.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.bindings import Bindings
    from protocol.receipt import Document

# Opening a line or finding nobody there takes milliseconds; a start does not wait for a device that takes longer.
FIRST_LOOK_S = 1.0


class DeviceSet:
    """The adapters of one box. `clock` gives monotonic milliseconds; `post` takes events of the flows."""

    def __init__(self, bindings: Bindings, post: Callable[[Any], None], clock: Callable[[], int]) -> None:
        self._post = post
        self._clock = clock
        self._peripherals: list[Peripheral] = []
        self._looked = asyncio.Event()
        self.scale: Scale | None = None
        self.pole: Pole | None = None
        self.paper: Paper | None = None
        if bindings.scanner is not None:
            self._peripherals.append(Scanner(bindings.scanner, self._heard, clock))
        if bindings.scale is not None:
            self.scale = Scale(bindings.scale, self._heard, clock)
            self._peripherals.append(self.scale)
        if bindings.pole is not None:
            display = PoleDisplay(bindings.pole, self._heard, clock, "pole")
            self._peripherals.append(display)
            self.pole = Pole(display)
        if bindings.printer is not None:
            printer = Printer(bindings.printer, self._heard, clock)
            drawer = Drawer(printer, bindings.drawer or DrawerSettings(), self._heard, clock)
            self._peripherals += [printer, drawer]
            self.paper = Paper(printer, drawer)

    async def run(self) -> None:
        """Keep every device alive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for device in self._peripherals:
                tasks.create_task(supervise(device, self._clock))

    async def looked(self) -> None:
        """Return when every device was found or missed, at the latest after FIRST_LOOK_S.

        What a scanner sends before its line is open is lost: a shopper who is told "ready" must find it open.
        """
        if self._peripherals:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_S):
                    await self._looked.wait()

    def _heard(self, word: told.PeripheralEvent) -> None:
        if all(device.state.name not in ("", "opening") for device in self._peripherals):
            self._looked.set()
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
