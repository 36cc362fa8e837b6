"""The cash drawer: opened by its own method, watched by its switch, calm when the switch is not."""

from __future__ import annotations

from edge.peripherals.connection import TcpSettings
from edge.peripherals.drawer import Drawer, DrawerSettings
from edge.peripherals.events import DeviceStateChanged, DrawerChanged
from edge.peripherals.printer import Printer, PrinterSettings
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings
from tests.device_events import Told, clock, living


async def test_a_pulse_opens_the_drawer_and_its_closing_is_seen() -> None:
    printer_sim = PrinterSim(PrinterSimSettings(port=0))
    await printer_sim.start()
    drawer_sim = DrawerSim(printer_sim)
    told = Told()
    printer = Printer(PrinterSettings(TcpSettings("127.0.0.1", printer_sim.port)), told, clock)
    drawer = Drawer(printer, DrawerSettings(look_interval_s=0.02, settle_ms=40), told, clock)

    async with living(printer), living(drawer):
        await told.first(DrawerChanged, lambda event: event.state == "closed")
        opened = await drawer.open()
        again = await drawer.open()
        await told.first(DrawerChanged, lambda event: event.state == "open")
        drawer_sim.close()
        await told.until(lambda: told.of(DrawerChanged)[-1].state == "closed")
        await printer_sim.stop()
        await told.until(lambda: told.of(DrawerChanged)[-1].state == "unknown")

    assert opened
    assert not again
    assert drawer_sim.openings == 1


def watched(levels: list[tuple[int, str]], **settings: object) -> tuple[Drawer, Told]:
    told = Told()
    printer = Printer(PrinterSettings(), told, clock)
    drawer = Drawer(printer, DrawerSettings(**settings), told, clock)  # type: ignore[arg-type]
    for at_ms, level in levels:
        drawer.see(level, at_ms)
    return drawer, told


def test_a_switch_that_bounces_tells_one_opening() -> None:
    _, told = watched([(0, "low"), (500, "high"), (600, "low"), (700, "high"), (1100, "high")])

    assert [event.state for event in told.of(DrawerChanged)] == ["closed", "open"]


def test_a_flapping_switch_is_told_once_and_counts_as_open() -> None:
    flapping = [(number * 400, "high" if number % 2 else "low") for number in range(40)]

    drawer, told = watched(flapping)

    assert drawer.level == "open"
    assert len(told.of(DrawerChanged)) <= 3
    assert told.of(DeviceStateChanged)[-1] == DeviceStateChanged("drawer", "degraded", "drawer-flapping")


def test_a_switch_that_calms_down_is_believed_again() -> None:
    flapping = [(number * 400, "high" if number % 2 else "low") for number in range(20)]

    drawer, told = watched([*flapping, (40_000, "low"), (41_000, "low")])

    assert drawer.level == "closed"
    assert told.of(DeviceStateChanged)[-1].state == "ready"


def test_the_switch_may_be_wired_the_other_way() -> None:
    drawer, _ = watched([(0, "low"), (1000, "low")], open_level="low")

    assert drawer.level == "open"
