"""The printer over its real transports: proof of printing, honest unknowns, and what hinders it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from edge.peripherals.connection import SerialSettings, TcpSettings
from edge.peripherals.events import PrinterStatusChanged
from edge.peripherals.printer import Printer, PrinterSettings
from simulators.printer.station import PrinterSim, PrinterSimSettings
from tests.device_events import Told, clock, living
from tests.receipt_samples import sample_receipt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LONG = [(f"Article {number}", "1 x 1.00", "1.00") for number in range(1, 101)]


@contextlib.asynccontextmanager
async def shop(
    tmp_path: Path | None = None, **bounds: float
) -> AsyncIterator[tuple[PrinterSim, Printer, Told]]:
    """A running printer and its adapter: over a serial line in `tmp_path`, or over TCP."""
    path = f"{tmp_path}/printer" if tmp_path else ""
    sim = PrinterSim(PrinterSimSettings(path=path, port=0))
    await sim.start()
    link = SerialSettings(path) if path else TcpSettings("127.0.0.1", sim.port)
    told = Told()
    quick = {"status_interval_s": 0.05, "chunk_answer_s": 2.0} | bounds
    printer = Printer(PrinterSettings(link, **quick), told, clock)  # type: ignore[arg-type]
    try:
        async with living(printer):
            yield sim, printer, told
    finally:
        await sim.stop()


@pytest.mark.parametrize("transport", ["tcp", "serial"])
async def test_a_receipt_is_printed_and_proven(transport: str, tmp_path: Path) -> None:
    async with shop(tmp_path if transport == "serial" else None) as (sim, printer, told):
        await told.state("ready")

        result = await printer.print_document(sample_receipt())

        assert (result.outcome, result.line, result.reason) == ("printed", result.line_count, "")
        assert result.digest == sample_receipt().digest().hex()
        assert "谢谢惠顾" in "\n".join(sim.text())
        assert sim.text()[-1] == "[cut]"


async def test_two_receipts_at_once_are_printed_one_after_the_other() -> None:
    async with shop() as (sim, printer, told):
        await told.state("ready")

        results = await asyncio.gather(*(printer.print_document(sample_receipt()) for _ in range(2)))

        assert [result.outcome for result in results] == ["printed", "printed"]
        first, second = sim.machine.paper.receipts()
        assert first == second


async def test_without_paper_nothing_is_sent_and_the_reason_is_told() -> None:
    async with shop() as (sim, printer, told):
        await told.state("ready")
        sim.set_sensors(is_paper_out=True)

        result = await printer.print_document(sample_receipt())

        assert (result.outcome, result.line, result.reason) == ("failed", 0, "paper-out")
        await told.first(PrinterStatusChanged, lambda event: event.status.paper == "out")
        assert told.states()[-1] == "degraded"


async def test_paper_that_ends_in_mid_receipt_fails_at_a_line_and_the_copy_starts_on_fresh_paper() -> None:
    async with shop(chunk_answer_s=0.3) as (sim, printer, told):
        await told.state("ready")
        sim.set_sensors(rows_left=60)

        torn = await printer.print_document(sample_receipt(LONG))
        sim.actions()["new_roll"]()
        copy = await printer.print_document(sample_receipt(LONG, is_copy=True))

        assert (torn.outcome, torn.reason) == ("failed", "paper-out")
        assert 10 < torn.line <= 60
        assert copy.outcome == "printed"
        torn_rows, copy_rows = sim.machine.paper.receipts()
        assert len(torn_rows) <= 61
        assert len(copy_rows) > 200
        assert "*** COPY 1 ***" in "\n".join(sim.text())


async def test_an_open_cover_fails_the_receipt_and_closing_it_heals_the_printer() -> None:
    async with shop() as (sim, printer, told):
        await told.state("ready")
        sim.set_sensors(is_cover_open=True)
        await told.state("degraded")

        hindered = await printer.print_document(sample_receipt())
        sim.set_sensors(is_cover_open=False)
        printed = await printer.print_document(sample_receipt())

        assert (hindered.outcome, hindered.reason) == ("failed", "cover-open")
        assert printed.outcome == "printed"


async def test_a_jam_in_mid_receipt_is_a_failure_with_its_name() -> None:
    async with shop(chunk_answer_s=0.3) as (sim, printer, told):
        await told.state("ready")
        sim.fail("jam", after_bytes=1500)

        result = await printer.print_document(sample_receipt(LONG))

        assert (result.outcome, result.reason) == ("failed", "cutter-jammed")
        assert 1 < result.line < result.line_count


async def test_silence_is_unknown_and_never_out_of_paper() -> None:
    async with shop(chunk_answer_s=0.2, status_answer_s=0.1) as (sim, printer, told):
        await told.state("ready")
        sim.fail("silent", after_bytes=1500)

        result = await printer.print_document(sample_receipt(LONG))

        assert (result.outcome, result.reason) == ("unknown", "printer-silent")
        assert printer.status.paper == "unknown"
        await told.state("degraded")
        assert printer.state.reason == "printer-silent"


async def test_a_printer_that_never_answers_still_gets_its_receipt_but_no_proof() -> None:
    async with shop(chunk_answer_s=0.1, status_answer_s=0.05) as (sim, printer, told):
        await told.state("ready")
        sim._send = lambda _data: None  # a one-way printer
        await told.state("degraded")

        result = await printer.print_document(sample_receipt())

        assert (result.outcome, result.reason) == ("unknown", "printer-silent")
        assert sim.text()[-1] == "[cut]"


async def test_a_connection_that_breaks_in_mid_receipt_fails_and_comes_back() -> None:
    async with shop(chunk_answer_s=0.3) as (sim, printer, told):
        await told.state("ready")
        sim.fail("disconnect", after_bytes=1500)

        broken = await printer.print_document(sample_receipt(LONG))
        await told.state("absent")
        await told.state("ready", after=told.states().index("absent"))
        printed = await printer.print_document(sample_receipt(LONG, is_copy=True))

        assert broken.outcome in ("failed", "unknown")
        assert broken.line < broken.line_count
        assert printed.outcome == "printed"


async def test_a_printer_that_is_away_fails_at_once() -> None:
    told = Told()
    printer = Printer(PrinterSettings(), told, clock)

    result = await printer.print_document(sample_receipt())

    assert (result.outcome, result.line, result.reason) == ("failed", 0, "device-absent")
    assert await printer.kick_drawer() is False


async def test_paper_near_its_end_is_told_and_prints_on() -> None:
    async with shop() as (sim, printer, told):
        sim.set_sensors(is_near_end=True)

        await told.first(PrinterStatusChanged, lambda event: event.status.paper == "near_end")
        result = await printer.print_document(sample_receipt())

        assert result.outcome == "printed"
        assert printer.state.reason == "paper-near-end"


async def test_the_drawer_opens_even_without_paper() -> None:
    async with shop() as (sim, printer, told):
        await told.state("ready")

        opened = await printer.kick_drawer()
        await printer.look()
        sim.set_sensors(is_paper_out=True)
        opened_without_paper = await printer.kick_drawer(1)
        await printer.look()

        assert opened
        assert opened_without_paper
        assert dict(sim.machine.kicks) == {0: 1, 1: 1}
