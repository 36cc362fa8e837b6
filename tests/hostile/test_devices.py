"""Rows 28, 81: devices that answer garbage, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import pytest

from edge.peripherals.connection import TcpSettings
from edge.peripherals.printer import ANSWERS_KEPT, Printer, PrinterSettings
from tests.device_events import Told, clock, living
from tests.edge.screen_at_work import until
from tests.receipt_samples import sample_receipt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NO_ANSWER = bytes(byte for byte in range(256) if byte & 0x90 == 0x90 or byte & 0x93 in (0x10, 0x11, 0x13))
GARBAGE = {
    "nothing that is an answer": NO_ANSWER,
    "one byte for ever": b"\xff",
    "text": b"\xe4\xff\xd7\xf0 HTTP".replace(b" HTTP", b"\x90\x91"),
    "noise": bytes(random.Random(5).choices(NO_ANSWER, k=4_096)),
}


@contextlib.asynccontextmanager
async def printer_that_says(answer: bytes, *, unasked: bytes = b"") -> AsyncIterator[tuple[Printer, Told]]:
    """A printer on TCP that answers everything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(unasked)
            while await reader.read(4_096):
                writer.write(answer)
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    told = Told()
    settings = PrinterSettings(
        TcpSettings("127.0.0.1", server.sockets[0].getsockname()[1]),
        chunk_answer_s=0.1,
        chunk_patience_s=0.3,
        status_answer_s=0.05,
        status_interval_s=0.05,
    )
    printer = Printer(settings, told, clock)
    try:
        async with living(printer):
            await until(lambda: told.states()[-1:] not in ([], ["opening"]), "the printer's first state")
            yield printer, told
    finally:
        server.close()


@pytest.mark.parametrize("name", GARBAGE)
async def test_row_81_a_printer_of_garbage_is_degraded_and_never_said_to_have_printed(name) -> None:
    async with printer_that_says(GARBAGE[name]) as (printer, told):
        result = await printer.print_document(sample_receipt())

        assert result.outcome in ("unknown", "failed")
        assert told.states()[-1] == "degraded"
        assert not printer.status.is_known


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"\x32", "paper-out"), (b"\x56", "cover-open"), (b"\x7e", "")],
)
async def test_row_81_a_printer_that_gives_one_answer_to_every_question_prints_nothing(
    answer, reason
) -> None:
    async with printer_that_says(answer) as (printer, _):
        result = await printer.print_document(sample_receipt())

        assert result.outcome == "failed"
        assert reason in result.reason


async def test_row_81_a_flood_of_answers_that_nobody_asked_for_takes_bounded_memory() -> None:
    flood = b"\x00\x12" * 500_000

    async with printer_that_says(b"\x12", unasked=flood) as (printer, told):
        await until(lambda: printer._in_order.qsize() == ANSWERS_KEPT, "the flood")

        assert printer._real_time.qsize() <= ANSWERS_KEPT
        assert told.states()[-1] in ("ready", "degraded")
