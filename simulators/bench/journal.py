"""What a durable record costs beyond the bare system calls: inline on the loop, and off the loop with its stall."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING

from edge.journal.commit import Committer
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from protocol.records import encode_record
from simulators.bench.rows import Row, percentile

if TYPE_CHECKING:
    from pathlib import Path

    from protocol.errors import DeviceError

ROUNDS = 600
INLINE_BAR, OFF_LOOP_BAR = 1.3, 2.0
STALL_LOOK_S = 0.001  # the probe wants to run this often while syncs go on
FLOOR = "append and fdatasync of the same bytes, us"

RECORD = encode_record(
    {
        "v": 1,
        "t": "line_added",
        "at": 1_795_348_800_000,
        "boot": "00000001",
        "order": "123456789012345678",
        "line": 3,
        "gtin": "02412345678905",
        "name": "WHITE HANGING HEART T-LIGHT HOLDER",
        "kind": "unit",
        "quantity": 6,
        "weight_g": 0,
        "unit_price_minor": 255,
        "tax_class": "A",
        "amount_minor": 1_530,
        "source": "scan",
    }
)
FRAME_BYTES = len(RECORD) + 48


async def measure(work: Path) -> list[Row]:
    """Two ratios and the stall; journal and bare file take turns, so that both meet the same disk."""
    inline, raw_inline = await _take_turns(work / "inline", None)
    with ThreadPoolExecutor(1) as thread:
        off_loop, raw_off_loop = await _take_turns(work / "off-loop", thread)
        stalls = await _stalls(work / "stall", thread)
    return [
        Row(
            "journal-inline",
            median(inline) / median(raw_inline),
            "x raw",
            INLINE_BAR,
            median(raw_inline) * 1e6,
            FLOOR,
        ),
        Row(
            "journal-off-loop",
            median(off_loop) / median(raw_off_loop),
            "x raw",
            OFF_LOOP_BAR,
            median(raw_off_loop) * 1e6,
            FLOOR,
        ),
        Row(
            "journal-off-loop-stall-p99",
            percentile(stalls, 99) * 1000,
            "ms",
            None,
            percentile(raw_off_loop, 99) * 1000,
            "p99 of the bare append and fdatasync, ms",
        ),
    ]


async def _take_turns(directory: Path, thread: ThreadPoolExecutor | None) -> tuple[list[float], list[float]]:
    """Seconds of each durable record, and of each bare write of the same size."""
    committer = _committer(directory, thread)
    raw = os.open(directory / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ours, floor = [], []
    data = bytes(FRAME_BYTES)
    try:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            committer.append(RECORD)
            await committer.sync()
            between = time.perf_counter()
            os.write(raw, data)
            _sync(raw)
            ours.append(between - began)
            floor.append(time.perf_counter() - between)
    finally:
        os.close(raw)
        await committer.close()
    return ours, floor


async def _stalls(directory: Path, thread: ThreadPoolExecutor) -> list[float]:
    """How much later than asked a task runs while records are made durable one after the other."""
    committer = _committer(directory, thread)
    late: list[float] = []

    async def probe() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(STALL_LOOK_S)
            late.append(max(0.0, time.perf_counter() - began - STALL_LOOK_S))

    probing = asyncio.create_task(probe())
    try:
        for _ in range(ROUNDS):
            committer.append(RECORD)
            await committer.sync()
    finally:
        probing.cancel()
        await committer.close()
    return late


def _committer(directory: Path, thread: ThreadPoolExecutor | None) -> Committer:
    directory.mkdir(parents=True)
    birth = Birth("bench", "till-1", lambda: os.urandom(8), _first_record)
    journal = Journal(OsFiles(), str(directory / "journal"), birth)
    return Committer(journal, lambda: None, _failed, thread)


def _first_record(previous: str, previous_seq: int, reason: str) -> bytes:
    fields = {"previous": previous, "previous_seq": previous_seq, "reason": reason}
    return encode_record({"v": 1, "t": "generation_opened", "at": 0, "boot": "00000001", **fields})


def _failed(error: DeviceError) -> None:
    raise error


def _sync(handle: int) -> None:
    OsFiles().fdatasync(handle)
