"""What box.json says of devices reaches the devices, and what it may not say is named, all of it together."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from edge import events
from edge.bindings import read_bindings
from edge.devices import FIRST_LOOK_S, DeviceSet
from edge.peripherals.code_pages import MULTI_BYTE, TABLE_NUMBERS
from edge.peripherals.connection import SerialSettings, TcpSettings
from edge.peripherals.scan_frames import PREFIXES, SUFFIXES, ScanRules
from protocol import device_rules
from protocol.device_rules import MAX_CAPACITY_G, MAX_DEBOUNCE_MS, MAX_IDLE_GAP_MS, MIN_IDLE_GAP_MS
from protocol.document import Document
from protocol.errors import ConfigError
from simulators.display import DisplaySim, DisplaySimSettings
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.scale import ScaleSim, ScaleSimSettings
from simulators.scanner import ScannerSim, ScannerSimSettings
from simulators.serial_line import SerialLine
from tests.brokers import eventually
from tests.device_events import PATIENCE_S, Told, clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge.bindings import Bindings

LINE = {"port": "/dev/tillbox-line"}
EVERYTHING: dict[str, Any] = {
    "scanner": {**LINE, "prefix": "stx", "suffix": "etx", "debounce_ms": 900, "idle_gap_ms": 200},
    "scale": {**LINE, "data_bits": 7, "parity": "E", "unit": "lb", "decimals": 2, "capacity_g": 30_000},
    "printer": {
        "host": "printer.example",
        "port": 9100,
        "columns": 32,
        "cut": "full",
        "code_pages": ["cp866", "gb18030"],
        "table_numbers": {"cp866": 7},
    },
    "drawer": {"connector": 1, "open_level": "low"},
    "pole": {**LINE, "code_page": "cp858"},
    "reader": {**LINE, "baud": 115_200},
}


def fault_of(devices: object) -> str:
    with pytest.raises(ConfigError) as refusal:
        read_bindings(devices)
    assert refusal.value.code == "devices-wrong"
    return refusal.value.what


@contextlib.asynccontextmanager
async def at_work(bindings: Bindings) -> AsyncIterator[tuple[DeviceSet, Told]]:
    """The devices of a box, running, and what they tell the flows."""
    told = Told()
    devices = DeviceSet(bindings, told, clock)
    running = asyncio.create_task(devices.run())
    try:
        yield devices, told
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def ready(told: Told, device: str) -> None:
    await told.first(events.DeviceChanged, lambda event: (event.device, event.state) == (device, "ready"))


async def test_a_start_waits_until_every_device_was_found_or_missed_and_no_longer(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "scanner")
    line.plug()
    bindings = read_bindings({"scanner": {"port": str(line.path)}, "scale": {"port": str(tmp_path / "none")}})
    async with at_work(bindings) as (devices, told):
        async with asyncio.timeout(FIRST_LOOK_S / 2):
            await devices.looked()
        await line.write(b"05449000000996\r")

        code = await told.first(events.CodeScanned)

        assert code.text == "05449000000996"
    line.unplug()


def test_every_setting_reaches_its_adapter() -> None:
    bound = read_bindings(EVERYTHING)

    assert bound.scanner is not None
    assert bound.scanner.link == SerialSettings("/dev/tillbox-line")
    assert bound.scanner.rules == ScanRules("stx", "etx", 900, 200)
    assert bound.scale is not None
    assert bound.scale.link == SerialSettings("/dev/tillbox-line", 9600, 7, "E")
    assert (bound.scale.unit, bound.scale.decimals, bound.scale.capacity_g) == ("lb", 2, 30_000)
    assert bound.printer is not None
    paper = bound.printer.paper
    assert (paper.columns, paper.cut, paper.code_pages) == (32, "full", ("cp866", "gb18030"))
    assert paper.table_numbers == (("cp866", 7),)
    assert bound.drawer is not None
    assert (bound.drawer.connector, bound.drawer.open_level) == (1, "low")
    assert bound.pole is not None
    assert bound.pole.code_page == "cp858"


def test_each_device_with_a_line_of_its_own_has_a_link() -> None:
    links = read_bindings(EVERYTHING).links

    assert links["printer"] == TcpSettings("printer.example", 9100)
    assert links["reader"] == SerialSettings("/dev/tillbox-line", 115_200)
    assert set(links) == {"scanner", "scale", "printer", "pole", "reader"}


def test_a_line_alone_leaves_every_setting_as_it_was() -> None:
    bound = read_bindings({"scanner": LINE, "scale": LINE, "printer": LINE})

    assert bound.scanner is not None
    assert bound.scanner.rules == ScanRules()
    assert bound.scale is not None
    assert (bound.scale.unit, bound.scale.decimals, bound.scale.capacity_g) == ("kg", 3, 15_000)
    assert bound.printer is not None
    assert (bound.printer.paper.columns, bound.printer.paper.cut) == (48, "partial")
    assert bound.drawer is None


def test_the_names_in_the_rules_are_those_that_the_adapters_know() -> None:
    assert tuple(PREFIXES) == device_rules.PREFIXES
    assert tuple(SUFFIXES) == device_rules.SUFFIXES
    assert (*TABLE_NUMBERS, MULTI_BYTE) == device_rules.PAGES


def test_no_devices_are_no_fault() -> None:
    assert read_bindings({}).links == {}


def test_every_fault_of_every_device_is_named_at_once() -> None:
    what = fault_of(
        {
            "scanner": {"port": "", "sufix": "cr", "debounce_ms": -1},
            "scale": {**LINE, "unit": "st", "decimals": 4},
            "printer": {"host": "p", "port": 70_000, "columns": 40},
            "pole": {"code_page": "utf-8"},
            "camera": {},
        }
    )

    assert what.split("; ") == [
        "camera is no device of a box",
        "scanner.sufix is not known here",
        "scanner.port is not a text of at most 255 characters",
        f"scanner.debounce_ms is not 0 to {MAX_DEBOUNCE_MS}",
        "scale.unit is not one of kg, lb",
        "scale.decimals is not one of 2, 3",
        "printer.port is not 1 to 65535",
        "printer.columns is not one of 32, 42, 48",
        "pole needs port (a serial line), or host and port (TCP)",
        "pole.code_page is not one of cp437, cp850, cp1252, cp866, cp852, cp858, gb18030",
    ]


@pytest.mark.parametrize(
    ("device", "field", "value"),
    [
        ("scanner", "baud", 9601),
        ("scanner", "baud", True),
        ("scanner", "data_bits", 6),
        ("scanner", "parity", "e"),
        ("scanner", "stop_bits", 3),
        ("scanner", "port", 9100),
        ("scanner", "port", "/dev/" + "x" * 251),
        ("scanner", "port", "/dev/tty\x00"),
        ("scanner", "prefix", "cr"),
        ("scanner", "suffix", ["cr"]),
        ("scanner", "debounce_ms", MAX_DEBOUNCE_MS + 1),
        ("scanner", "idle_gap_ms", MIN_IDLE_GAP_MS - 1),
        ("scanner", "idle_gap_ms", MAX_IDLE_GAP_MS + 1),
        ("scanner", "admin_prefixes", [""]),
        ("scale", "capacity_g", 0),
        ("scale", "capacity_g", MAX_CAPACITY_G + 1),
        ("scale", "decimals", "3"),
        ("scale", "columns", 48),
        ("printer", "cut", ""),
        ("printer", "code_pages", []),
        ("printer", "code_pages", "cp437"),
        ("printer", "code_pages", ["cp437", "cp437"]),
        ("printer", "code_pages", [["cp437"]]),
        ("printer", "code_pages", ["latin-1"]),
        ("printer", "table_numbers", {"cp437": 256}),
        ("printer", "table_numbers", {"cp437": True}),
        ("printer", "table_numbers", {"gb18030": 1}),
        ("printer", "table_numbers", [0]),
        ("reader", "parity", "E"),
        ("pole", "baud", "9600"),
    ],
)
def test_a_value_that_no_device_has_is_refused_with_its_name(device: str, field: str, value: object) -> None:
    what = fault_of({device: {**LINE, field: value}})

    assert what.startswith(f"{device}.{field} is not ")
    assert ";" not in what


@pytest.mark.parametrize("devices", [None, [], "scanner", 1])
def test_devices_that_are_no_object_are_refused(devices: object) -> None:
    assert fault_of(devices) == "devices is no object"


@pytest.mark.parametrize(
    ("devices", "what"),
    [
        ({"scanner": "/dev/ttyS0"}, "scanner is no object"),
        ({"scanner": {}}, "scanner needs port (a serial line), or host and port (TCP)"),
        ({"scanner": {"host": "a"}}, "scanner needs port (a serial line), or host and port (TCP)"),
        ({"scanner": {"host": "a", "port": 1, "baud": 9600}}, "scanner.baud is not known here"),
        ({"reader": {"host": "a", "port": "b"}}, "reader.host is not known here"),
        ({"reader": {}}, "reader needs port (a serial line)"),
        ({"drawer": {}}, "drawer needs a printer, which opens it"),
        ({"printer": LINE, "drawer": LINE}, "drawer.port is not known here"),
        ({"printer": LINE, "drawer": {"connector": 2}}, "drawer.connector is not one of 0, 1"),
        ({"printer": LINE, "drawer": {"open_level": "open"}}, "drawer.open_level is not one of high, low"),
    ],
)
def test_a_device_without_the_right_line_is_refused(devices: object, what: str) -> None:
    assert fault_of(devices) == what


async def test_a_scanner_with_start_and_end_marks_is_read(tmp_path: Path) -> None:
    sim = ScannerSim(ScannerSimSettings(f"{tmp_path}/scanner"))
    sim.plug()
    bound = read_bindings({"scanner": {"port": f"{tmp_path}/scanner", "prefix": "stx", "suffix": "etx"}})

    async with at_work(bound) as (_, told):
        await ready(told, "scanner")
        await sim.send_pieces([b"\x024006381333931\x03"])
        scanned = await told.first(events.CodeScanned)

    assert scanned.text == "4006381333931"


async def test_two_scans_outside_a_short_debounce_window_are_two_articles(tmp_path: Path) -> None:
    sim = ScannerSim(ScannerSimSettings(f"{tmp_path}/scanner"))
    sim.plug()
    bound = read_bindings({"scanner": {"port": f"{tmp_path}/scanner", "debounce_ms": 0}})

    async with at_work(bound) as (_, told):
        await ready(told, "scanner")
        await sim.send_pieces([b"4006381333931\r4006381333931\r"])
        await told.until(lambda: len(told.of(events.CodeScanned)) == 2)

    assert told.of(events.CodeRefused) == []


async def test_a_scale_in_pounds_weighs_in_grams_up_to_its_own_capacity(tmp_path: Path) -> None:
    path = f"{tmp_path}/scale"
    sim = ScaleSim(ScaleSimSettings(path, unit="lb", decimals=2, capacity_g=30_000, settle_ms=0))
    sim.plug()
    sim.put(20_000)
    bound = read_bindings({"scale": {"port": path, "unit": "lb", "decimals": 2, "capacity_g": 30_000}})

    async with at_work(bound) as (devices, told):
        assert devices.scale is not None
        devices.scale.watch(is_wanted=True)
        read = await told.first(events.WeightRead, lambda event: event.state == "stable")
    await sim.stop()

    assert abs(read.weight_g - 20_000) <= 5  # a hundredth of a pound is 4.5 g


async def test_narrow_paper_wide_letters_and_the_second_drawer(tmp_path: Path) -> None:
    sim = PrinterSim(PrinterSimSettings(path=f"{tmp_path}/printer", columns=32))
    drawer = DrawerSim(sim, connector=1)
    await sim.start()
    document = Document()
    document.columns("Rye bread", "2.49")
    document.cut()
    bound = read_bindings(
        {"printer": {"port": f"{tmp_path}/printer", "columns": 32, "cut": "none"}, "drawer": {"connector": 1}}
    )

    async with at_work(bound) as (devices, told):
        await ready(told, "printer")
        assert devices.paper is not None
        outcome, _ = await devices.paper.print(document)
        await devices.paper.open_drawer()
        await eventually(lambda: drawer.openings, "an open drawer")
    await sim.stop()

    assert outcome == "printed"
    assert sim.text() == ["Rye bread" + " " * 19 + "2.49"]
    assert drawer.openings == 1


async def test_a_pole_display_with_its_own_character_table_shows_them(tmp_path: Path) -> None:
    sim = DisplaySim(DisplaySimSettings(f"{tmp_path}/pole", code_page="cp866"))
    sim.plug()
    bound = read_bindings({"pole": {"port": f"{tmp_path}/pole", "code_page": "cp866"}})

    async with at_work(bound) as (devices, told):
        await ready(told, "pole")
        assert devices.pole is not None
        await devices.pole.show("Хлеб", "2.49")
        async with asyncio.timeout(PATIENCE_S):
            while sim.lines[0].rstrip() != "Хлеб":
                sim.changed.clear()
                await sim.changed.wait()
    await sim.stop()

    assert sim.unknown == 0
