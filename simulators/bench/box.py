"""One box with a large catalogue: how soon it is ready, what memory it holds, how fast a scan reaches the screen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from protocol.catalogue import build
from protocol.facts import Facts
from protocol.item import Item
from simulators.bench.floors import running_floor
from simulators.bench.rows import Row, percentile
from simulators.bench.stream import open_stream
from simulators.demo.estate import Estate, enrol, free_port, lay_out
from simulators.demo.processes import Process
from simulators.replay.plan import in_store_code
from simulators.scanner import ScannerSim, ScannerSimSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.bench.stream import ViewStream

ITEMS = 300_000
GROCERY = Facts("grocery")
STARTS = 5
SCANS = 600
BASKET_LINES = 30  # then the next shopper: a basket as people fill it
WARM_UP_SCANS = BASKET_LINES
STEP = 7_919  # a prime: scans are spread over the whole image
READY_BAR_S, MEMORY_BAR_MIB, SCAN_BAR_MS = 0.5, 64, 5
KIB_A_MIB = 1024

# What a box loads before it can do anything, in a process that does nothing else and ends without clearing up.
IMPORTS = "import os, simulators.commandline, edge.commands, edge.config, edge.main; os._exit(0)"
BARE = "import asyncio, sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read()"


async def measure(work: Path) -> list[Row]:
    """Start a real box several times, then scan at it over its serial line."""
    estate = Estate(work, free_port(), free_port())
    await lay_out(estate)
    scanner = ScannerSim(ScannerSimSettings(str(work / "scanner")))
    scanner.plug()
    try:
        directory = await enrol(estate, "box-1", {"scanner": {"port": str(scanner.line.path)}})
        (directory / "catalogue" / "active.tbc").write_bytes(build(_items(), "GBP"))
        starts = [(await _start_once(directory), _run_s(IMPORTS)) for _ in range(STARTS)]
        return _ready_rows(starts) + await _at_work(directory, scanner)
    finally:
        scanner.unplug()


def _items() -> Iterator[Item]:
    for number in range(ITEMS):
        name = f"Item number {number} of a large shop"
        yield Item("0" + in_store_code(number), name, 100 + number % 9_900, "A", facts=GROCERY)


async def _start_once(directory: Path) -> float:
    box = _process(directory)
    began = time.perf_counter()
    await box.start()
    took = time.perf_counter() - began
    await box.stop()
    return took


def _ready_rows(starts: list[tuple[float, float]]) -> list[Row]:
    """From pairs (whole start, imports alone), each pair measured together: what else the machine does is in both."""
    bare = median([_run_s("pass") for _ in range(STARTS)])
    floor = "a Python process that does nothing, s"
    ready = median([whole - imports for whole, imports in starts])
    return [
        Row("box-ready", ready, "s", READY_BAR_S, bare, floor),
        Row("box-imports", median([imports for _, imports in starts]), "s", None, bare, floor),
    ]


def _run_s(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter and a constant
    return time.perf_counter() - began


async def _at_work(directory: Path, scanner: ScannerSim) -> list[Row]:
    box = _process(directory)
    ready = await box.start()
    try:
        async with open_stream(ready["screen"]) as stream:
            waits = await _scan(scanner, stream)
        resident = resident_mib(box.pid)
    finally:
        await box.stop()
    relay = await _relay_waits(scanner)
    floor = f"the same line passed on over TCP by {SCANS} reads, ms"
    return [
        Row(
            "agent-memory",
            resident,
            "MiB",
            MEMORY_BAR_MIB,
            await _bare_resident_mib(),
            "Python with asyncio, MiB",
        ),
        Row(
            "scan-to-screen-p50",
            percentile(waits, 50) * 1000,
            "ms",
            None,
            percentile(relay, 50) * 1000,
            floor,
        ),
        Row(
            "scan-to-screen-p99",
            percentile(waits, 99) * 1000,
            "ms",
            SCAN_BAR_MS,
            percentile(relay, 99) * 1000,
            floor,
        ),
    ]


async def _scan(scanner: ScannerSim, stream: ViewStream) -> list[float]:
    """Seconds from a code on the serial line to the view that shows its priced line."""
    waits = []
    for number in range(SCANS + WARM_UP_SCANS):
        place = number % BASKET_LINES
        began = asyncio.get_running_loop().time()
        await scanner.scan(in_store_code(number * STEP % ITEMS))
        came, _ = await stream.until(partial(_has_lines, place + 1))
        waits.append(came - began)
        if place == BASKET_LINES - 1:
            await _leave(stream)
    return waits[WARM_UP_SCANS:]


def _has_lines(count: int, view: dict[str, Any]) -> bool:
    return view["sale"] is not None and len(view["sale"]["lines"]) == count


async def _leave(stream: ViewStream) -> None:
    """The shopper gives up; the next one finds an empty screen."""
    await stream.touch("cancel_sale")
    await stream.until(lambda view: view["page"] == "attract")


async def _relay_waits(scanner: ScannerSim) -> list[float]:
    """Seconds of the same way without a box: serial line in, the same bytes out over TCP."""
    async with running_floor("relay", str(scanner.line.path)) as (reader, writer):
        del writer
        waits = []
        for number in range(SCANS):
            code = in_store_code(number)
            began = asyncio.get_running_loop().time()
            await scanner.scan(code)
            await reader.readexactly(len(code) + 1)
            waits.append(asyncio.get_running_loop().time() - began)
        return waits


def _process(directory: Path) -> Process:
    arguments = ["box", "--directory", str(directory), "--screen-port", "0"]
    return Process("box", arguments, directory.parent.parent / "box.log")


async def _bare_resident_mib() -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BARE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "its output was asked for"
    await process.stdout.readline()
    resident = resident_mib(process.pid)
    await process.communicate(b"")
    return resident


def resident_mib(pid: int) -> float:
    """The memory that a process holds."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmRSS"].split()[0]) / KIB_A_MIB
    command = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a process id
    return int(done.stdout) / KIB_A_MIB
