"""The receipt printer: one connected life, its status, and printing with proof.

A receipt goes out in chunks. Behind each stands GS r, which the printer answers in the order of its buffer:
the answer proves that the chunk was printed. When it stays away the printer is asked in real time why. So a
result is printed or failed at a line only when the printer said so, and unknown when it said nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.peripherals import escpos
from edge.peripherals.connection import LinkSettings, SerialSettings, TcpSettings, open_link
from edge.peripherals.events import PrinterStatus, PrinterStatusChanged, PrintResult
from edge.peripherals.printer_answers import (
    ERROR,
    OFFLINE,
    PAPER,
    PRINTER,
    is_in_order,
    is_real_time,
    read_status,
)
from edge.peripherals.supervision import DeviceState
from protocol.errors import DeviceError

if TYPE_CHECKING:
    from edge.peripherals.connection import Link
    from edge.peripherals.supervision import MonotonicMs, OnEvent
    from protocol.document import Document

# A printer answers a real-time status within 100 ms over any of its interfaces; the rest is the network's.
STATUS_ANSWER_S = 0.5
# Between receipts the status is looked at so often: staff hear of an open cover while they still stand there.
STATUS_INTERVAL_S = 2.0
# About fifteen lines: little enough to name the line that failed, enough that the paper does not stutter.
CHUNK_BYTES = 512
# Fifteen lines of a slow printer and a cut take three seconds.
CHUNK_ANSWER_S = 5.0
# A chunk that is still not confirmed then, by a printer that says it is well, ends as unknown.
CHUNK_PATIENCE_S = 20.0
BITS_A_BYTE = 10
# Answers that nobody took yet. A question has one; more is a device gone mad.
ANSWERS_KEPT = 64
BROKEN = -1  # wakes who waits for an answer when the link is gone


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """Where the printer is, what paper it has, and how long it may take.

    The defaults carry the reasons above.
    """

    link: LinkSettings = field(default_factory=lambda: TcpSettings("127.0.0.1"))
    paper: escpos.PaperSettings = field(default_factory=escpos.PaperSettings)
    status_answer_s: float = STATUS_ANSWER_S
    status_interval_s: float = STATUS_INTERVAL_S
    chunk_answer_s: float = CHUNK_ANSWER_S
    chunk_patience_s: float = CHUNK_PATIENCE_S


class Printer:
    """`run()` is one connected life; `print_document` and `kick_drawer` may be called at any time."""

    def __init__(
        self, settings: PrinterSettings, on_event: OnEvent, clock: MonotonicMs, name: str = "printer"
    ) -> None:
        self.state = DeviceState(name, on_event)
        self.status = PrinterStatus()
        self._settings = settings
        self._on_event = on_event
        self._clock = clock
        self._link: Link | None = None
        self._real_time: asyncio.Queue[int] = asyncio.Queue()
        self._in_order: asyncio.Queue[int] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._is_torn = False
        self._life = 0

    async def run(self) -> None:
        """Hold the link and watch the status until the link breaks (DeviceError)."""
        link = await open_link(self._settings.link, self.state.device)
        self._link = link
        self._life += 1
        listener = asyncio.create_task(self._listen(link))
        watcher = asyncio.create_task(self._watch())
        try:
            done, _ = await asyncio.wait((listener, watcher), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._link = None
            link.close()
            for queue in (self._real_time, self._in_order):
                queue.put_nowait(BROKEN)
            for task in (listener, watcher):
                task.cancel()
            await asyncio.gather(listener, watcher, return_exceptions=True)
            self._told(PrinterStatus())

    async def print_document(self, document: Document) -> PrintResult:
        """Print a document, one at a time; never raises for what the printer does."""
        lines = escpos.render(document, self._settings.paper)
        digest = document.digest().hex()
        async with self._turn:
            try:
                await self._look()
                if self.status.hindrance:
                    return PrintResult("failed", 0, len(lines), self.status.hindrance, digest)
                outcome, line, reason = await self._print(lines)
            except DeviceError as fault:
                return PrintResult("failed", 0, len(lines), fault.code, digest)
        return PrintResult(outcome, line, len(lines), reason, digest)

    async def kick_drawer(self, connector: int = 0) -> bool:
        """Pulse the cash drawer; true when the pulse left the box. Works without paper, too."""
        async with self._turn:
            try:
                await self._look()
                command = escpos.kick_now if self.status.hindrance else escpos.kick
                await self._write(command(connector))
            except DeviceError:
                return False
        return True

    async def look(self) -> PrinterStatus:
        """Ask for the status now; DeviceError without a link."""
        async with self._turn:
            await self._look()
        return self.status

    async def _listen(self, link: Link) -> None:
        while True:
            for byte in await link.read():
                answers = (
                    self._real_time if is_real_time(byte) else self._in_order if is_in_order(byte) else None
                )
                if answers is not None and answers.qsize() < ANSWERS_KEPT:
                    answers.put_nowait(byte)

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._settings.status_interval_s)

    async def _look(self) -> None:
        """Ask the four real-time questions; after a silence the rest is not asked."""
        answers: dict[int, int] = {}
        for number in (PRINTER, OFFLINE, ERROR, PAPER):
            _forget(self._real_time)
            await self._write(escpos.ask_now(number))
            answer = await _within(self._real_time, self._settings.status_answer_s)
            if answer in (None, BROKEN):
                break
            answers[number] = answer
        self._told(read_status(answers))

    async def _print(self, lines: list[bytes]) -> tuple[str, int, str]:
        """Send the chunks; returns outcome, first line that was not confirmed, reason."""
        opening = escpos.opening(self._settings.paper)
        torn = self._is_torn
        self._is_torn = True
        if torn:
            opening = escpos.INITIALIZE + escpos.LINE_END + escpos.PARTIAL_CUT + opening
        for first, chunk in _chunks(lines):
            is_last = first + len(chunk) > len(lines)
            try:
                fault = await self._send(
                    opening + b"".join(chunk), must_answer=self.status.is_known or is_last
                )
            except DeviceError as broken:
                # Whether the printer still prints what it took, nobody can tell once all of it was sent.
                return ("unknown" if is_last else "failed", first, broken.code)
            if fault in ("printer-silent", "printer-stuck"):
                return ("unknown", first, fault)
            if fault:
                with contextlib.suppress(DeviceError):
                    await self._write(escpos.CLEAR_BUFFERS)
                    await self._look()  # its answer proves that the rest of this receipt is gone
                return ("failed", first, fault)
            opening = b""
        self._is_torn = False
        return ("printed", len(lines), "")

    async def _send(self, chunk: bytes, *, must_answer: bool) -> str:
        """Send one chunk and wait for its proof; returns why there is none, or nothing."""
        _forget(self._in_order)
        await self._write(chunk + escpos.ASK_PAPER_IN_ORDER)
        if not must_answer:
            return ""
        waited_s, life = 0.0, self._life
        bound_s = self._settings.chunk_answer_s + self._transfer_s(len(chunk))
        while waited_s < self._settings.chunk_patience_s:
            answer = await _within(self._in_order, bound_s)
            if self._link is None or self._life != life:
                raise DeviceError(
                    "device-unplugged", f"{self.state.device} went away", "Check its cable and power."
                )
            if answer is not None:
                return ""
            waited_s += bound_s
            await self._look()
            if self.status.hindrance:
                return self.status.hindrance
            if not self.status.is_known:
                return "printer-silent"
        return "printer-stuck"

    async def _write(self, data: bytes) -> None:
        if self._link is None:
            raise DeviceError(
                "device-absent", f"{self.state.device} is not connected", "Check its cable and power."
            )
        await self._link.write(data)

    def _transfer_s(self, count: int) -> float:
        link = self._settings.link
        return count * BITS_A_BYTE / link.baud if isinstance(link, SerialSettings) else 0.0

    def _told(self, status: PrinterStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_event(PrinterStatusChanged(status, self._clock()))
        if self._link is None:
            return
        reason = status.hindrance or ("" if status.is_known else "printer-silent")
        if not reason and status.paper == "near_end":
            reason = "paper-near-end"
        self.state.become("degraded" if reason else "ready", reason)


def _chunks(lines: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """Group lines into chunks of CHUNK_BYTES; each with the number of its first line, from 1."""
    chunks: list[tuple[int, list[bytes]]] = []
    size = CHUNK_BYTES
    for number, line in enumerate(lines, 1):
        if size + len(line) > CHUNK_BYTES:
            chunks.append((number, []))
            size = 0
        chunks[-1][1].append(line)
        size += len(line)
    return chunks


def _forget(queue: asyncio.Queue[int]) -> None:
    while not queue.empty():
        queue.get_nowait()


async def _within(queue: asyncio.Queue[int], timeout_s: float) -> int | None:
    try:
        async with asyncio.timeout(timeout_s):
            return await queue.get()
    except TimeoutError:
        return None
