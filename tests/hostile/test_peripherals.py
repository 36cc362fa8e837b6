"""Hostile cases 28, 29 and 31 to 38: what thieves and broken devices send to the peripherals of a box.

Case 30 and the meaning of a code belong to the product codes; here a code is bytes on a line.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edge.peripherals import escpos
from edge.peripherals.connection import SerialSettings, TcpSettings
from edge.peripherals.drawer import Drawer, DrawerSettings
from edge.peripherals.escpos import PaperSettings
from edge.peripherals.events import (
    CodeRefused,
    CodeRepeated,
    CodeScanned,
    DeviceStateChanged,
    DrawerChanged,
    WeightRead,
)
from edge.peripherals.printer import Printer, PrinterSettings
from edge.peripherals.scale import Scale, ScaleSettings
from edge.peripherals.scanner import Scanner, ScannerSettings
from protocol.document import MAX_END_LINES, Document
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.scale import ScaleSim, ScaleSimSettings
from simulators.scanner import ScannerSim, ScannerSimSettings
from tests.device_events import Told, clock, living
from tests.receipt_samples import sample_receipt

if TYPE_CHECKING:
    from pathlib import Path

CODE, OTHER = "4006381333931", "5000112637922"

ATTACKS = {
    "drawer": "Tea\x1bp\x00\x19\xfa",
    "drawer-now": "Tea\x10\x14\x01\x00\x01",
    "initialize": "\x1b@Tea",
    "cut": "Tea\x1dV\x00",
    "cut-and-feed": "Tea\x1dVA\xff",
    "qr": "Tea\x1d(k\x03\x001Q0",
    "status": "Tea\x10\x04\x01",
    "clear": "Tea\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08",
    "raster-bomb": "Tea\x1dv0\x00\xff\xff\xff\xff",
    "macro": "Tea\x1d:\x1b",
    "newlines": "Tea\r\n\n\n\f\v",
    "delete": "T\x7fe\x7fa\x7f",
    "tabs": "\tTea\t",
    "eight-bit-escape": "Tea\x9b\x9dp",
    "multi-byte-lead": "Tea\x1c&\xb2",
    "right-to-left": "\u202eaeT\u2066\u200f",
}


@pytest.mark.parametrize(
    ("noise", "fault"),
    [
        pytest.param([b"\xff" * 50_000, b"\r"], "code-overlong", id="28-storm"),
        pytest.param([b"\x00\x00\xfe\x80\r"], "code-has-control-bytes", id="28-framing-errors"),
        pytest.param([b"40063\x8033\r"], "code-not-text", id="28-parity-bit"),
        pytest.param([b"\x1b[24~\r"], "code-has-control-bytes", id="29-function-key"),
        pytest.param([b"\x1bOS\x0e\r"], "code-has-control-bytes", id="29-alt-f4-ctrl-n"),
        pytest.param([b"0104006381333931" * 40, b"\r"], "code-overlong", id="31-overlong-elements"),
        pytest.param([bytes(range(256)) * 16, b"\r"], "code-", id="32-binary-4k"),
        pytest.param([b"javascript:" + b"a" * 4096, b"\r"], "code-overlong", id="32-script-4k"),
        pytest.param([b"tillbox:maintenance?pin=0\r"], "code-is-administrative", id="34-configuration-code"),
        pytest.param([b"TILLBOX:reset\r"], "code-is-administrative", id="34-configuration-code-in-capitals"),
    ],
)
async def test_bytes_that_are_no_code_are_refused_by_name_and_the_next_code_is_read(
    noise: list[bytes], fault: str, tmp_path: Path
) -> None:
    sim = ScannerSim(ScannerSimSettings(f"{tmp_path}/scanner"))
    sim.plug()
    told = Told()
    scanner = Scanner(ScannerSettings(SerialSettings(f"{tmp_path}/scanner")), told, clock)

    async with living(scanner):
        await told.state("ready")
        await sim.send_pieces(noise)
        refused = await told.first(CodeRefused)
        while not told.of(CodeScanned):  # as a shopper does: scan until it beeps
            seen = len(told.events)
            await sim.scan(CODE)
            await told.until_or_quiet(partial(told.has_more_than, seen))
        scanned = told.of(CodeScanned)

    assert refused.code.startswith(fault)
    assert [event.text for event in scanned if event.text != CODE] == []
    assert CODE not in str(told.of(CodeRefused))
    sim.unplug()


async def test_33_two_codes_in_one_burst_are_two_and_a_double_scan_is_one(tmp_path: Path) -> None:
    sim = ScannerSim(ScannerSimSettings(f"{tmp_path}/scanner"))
    sim.plug()
    told = Told()
    scanner = Scanner(ScannerSettings(SerialSettings(f"{tmp_path}/scanner")), told, clock)

    async with living(scanner):
        await told.state("ready")
        await sim.scan(CODE, OTHER, CODE)
        await told.first(CodeRepeated)

    assert [event.text for event in told.of(CodeScanned)] == [CODE, OTHER]
    sim.unplug()


@pytest.mark.parametrize(
    "trick", ["negative", "net", "garbage", "parity", "overlong", "unit", "over", "under", "shaking"]
)
async def test_35_no_trick_at_the_scale_yields_a_weight(trick: str, tmp_path: Path) -> None:
    sim = ScaleSim(ScaleSimSettings(f"{tmp_path}/scale", settle_ms=0, decimals=2 if trick == "unit" else 3))
    sim.plug()
    told = Told()
    link = SerialSettings(f"{tmp_path}/scale", data_bits=7, parity="E")
    scale = Scale(ScaleSettings(link, answer_s=0.1, poll_interval_s=0.01), told, clock)
    if trick in ("negative", "net", "garbage", "parity", "overlong"):
        sim.fail(trick)
    sim.put({"over": 15_001, "under": -5}.get(trick, 1234))
    if trick == "shaking":
        sim.shake(60_000)

    async with living(scale):
        await told.state("ready")
        scale.watch(is_wanted=True)
        await told.first(WeightRead)
        async with asyncio.timeout(10):
            while sim.questions < 8:  # noqa: ASYNC110  (a bounded poll: the scale tells nobody)
                await asyncio.sleep(0.01)

    assert {event.weight_g for event in told.of(WeightRead)} == {0}
    assert "stable" not in [event.state for event in told.of(WeightRead)]
    await sim.stop()


@pytest.mark.parametrize("place", ["text", "columns", "barcode", "qr"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_36_text_never_commands_the_printer(attack: str, place: str) -> None:
    sim = PrinterSim(PrinterSimSettings())
    DrawerSim(sim)
    paper = PaperSettings()
    document = document_with(ATTACKS[attack], place)
    harmless = document_with("Tea", place)

    lines = escpos.render(document, paper)
    sim.receive(escpos.opening(paper) + b"".join(lines))

    assert sum(sim.machine.kicks.values()) == 0
    assert len(lines) == len(escpos.render(harmless, paper))
    assert "[cut]" not in sim.text()
    assert sim.text()[-1] == "end"
    assert not sim.machine.notes


def document_with(name: str, place: str) -> Document:
    document = Document()
    # Past the document's own cleaning: the printer's choke point must hold alone.
    block: tuple[str | int | bool, ...] = {
        "text": ("text", name, "left", False, False),
        "columns": ("columns", name, "1.00", True, False),
        "barcode": ("barcode", name),
        "qr": ("qr", name),
    }[place]
    document.blocks.append(block)
    document.text("end")
    return document


def test_36_golden_bytes_of_a_name_full_of_commands() -> None:
    name = "".join(ATTACKS[attack] for attack in ("drawer", "cut", "status", "raster-bomb", "delete"))

    data = b"".join(escpos.render(document_with(name, "text"), PaperSettings(columns=48)))

    assert data == b"Teap\xa3TeaVTeaTeav0\x98\x98\x98\x98Tea\nend\n"


async def test_37_a_thousand_lines_with_long_names_are_printed_within_bounds() -> None:
    sim = PrinterSim(PrinterSimSettings(port=0))
    await sim.start()
    told = Told()
    printer = Printer(PrinterSettings(TcpSettings("127.0.0.1", sim.port)), told, clock)
    document = Document()
    for number in range(999):
        document.columns(f"{number} " + "endless name " * 20, "1.00")
    document.cut()

    async with living(printer):
        await told.state("ready")
        result = await printer.print_document(document)
    await sim.stop()

    # Each name goes on below itself, up to its bound; one line is the cut.
    assert (result.outcome, result.line_count) == ("printed", 999 * MAX_END_LINES + 1)
    priced = [len(line) for line in sim.text() if line.endswith(" 1.00")]
    assert priced == [48] * 999  # every amount stands at the edge of the paper
    assert max(len(line) for line in sim.text()) == 48


@pytest.mark.parametrize("fault", ["paper-out", "jam", "silent", "disconnect"])
async def test_37_a_receipt_that_breaks_off_is_never_called_printed_and_its_copy_is_whole(fault: str) -> None:
    sim = PrinterSim(PrinterSimSettings(port=0))
    await sim.start()
    told = Told()
    settings = PrinterSettings(
        TcpSettings("127.0.0.1", sim.port), chunk_answer_s=0.3, status_answer_s=0.2, status_interval_s=0.1
    )
    printer = Printer(settings, told, clock)
    goods = [(f"Article {number}", "1 x 1.00", "1.00") for number in range(60)]

    async with living(printer):
        await told.state("ready")
        if fault == "paper-out":
            sim.set_sensors(rows_left=40)
        else:
            sim.fail(fault, after_bytes=900)
        broken = await printer.print_document(sample_receipt(goods))
        sim.actions()["new_roll"]()
        sim.fail("none")
        if fault == "disconnect":
            await told.state("absent")
        await told.until(lambda: told.of(DeviceStateChanged)[-1].state == "ready")
        copy = await printer.print_document(sample_receipt(goods, is_copy=True))
    await sim.stop()

    assert broken.outcome in ("failed", "unknown")
    assert copy.outcome == "printed"
    last = "\n".join(sim.text()).split("[cut]")[-2]
    assert "*** COPY 1 ***" in last
    assert "Article 59" in last


def test_38_a_drawer_switch_that_flaps_is_told_a_few_times_and_counts_as_open() -> None:
    told = Told()
    drawer = Drawer(Printer(PrinterSettings(), told, clock), DrawerSettings(), told, clock)

    for number in range(10_000):
        drawer.see("high" if number % 2 else "low", number * 100)

    assert len(told.of(DrawerChanged)) <= 3
    assert drawer.level == "open"
    assert told.of(DeviceStateChanged)[-1].reason == "drawer-flapping"
