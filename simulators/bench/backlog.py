"""A cloud that catches up: one box comes back with ten thousand sales, while it and its neighbour take cards.

Real boxes with their secure modules, the broker, the cloud with its card zone, the acquirer: all on this machine. The
replica is counted in the cloud's database, from the first record of the backlog to its last; the payments run from
"authorizing" on the screen to "paid", as in the part `tender`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.config import read_box
from edge.main import Options
from protocol.errors import OutcomeUnknown
from protocol.pricing.tax import read_tax_table
from simulators.bench.backlog_journal import fill
from simulators.bench.replay import FLOOR, sqlite_lines_per_s
from simulators.bench.rows import Row, percentile
from simulators.bench.stream import open_stream
from simulators.bench.tender import MS, WARM_UP_SALES, pay
from simulators.demo import estate
from simulators.demo.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.bench.stream import ViewStream
    from simulators.demo.world import Lane

SALES = 10_000
QUIET_SALES = 60  # at each of the two boxes, with no backlog: the floor
RECORDS_BAR, P99_BAR_MS = 1_500, 100
LOOK_S = 0.1  # a look reads two rows
STALLED_S = 60.0  # a cloud that books nothing for so long will not
BEHIND, BESIDE = "box-1", "box-2"  # the one with the backlog, and its neighbour


@dataclass
class Timed:
    """When the cloud had how many records of the backlog, and how long each payment took meanwhile."""

    records: int = 0
    took_s: float = 0.0
    quiet_ms: list[float] = field(default_factory=list)
    behind_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)


async def measure(work: Path) -> list[Row]:
    """Let a box come back with a backlog, and pay by card at it and beside it until the cloud has it all."""
    world = World(work / "world", (BEHIND, BESIDE))
    try:
        await world.start(lambda _: None)
        timed = await _time(world)
    finally:
        await world.stop()
    floor = sqlite_lines_per_s(work / "floor.db")
    quiet_p50, quiet_p99 = percentile(timed.quiet_ms, 50), percentile(timed.quiet_ms, 99)
    without = "the same payments with no backlog, ms"
    live = timed.behind_ms + timed.beside_ms
    return [
        Row(
            "backlog-records",
            timed.records / timed.took_s,
            "records/s",
            RECORDS_BAR,
            floor,
            FLOOR,
            is_at_least=True,
        ),
        Row("backlog-live-p50", percentile(live, 50), "ms", None, quiet_p50, without),
        Row("backlog-live-p99", percentile(live, 99), "ms", P99_BAR_MS, quiet_p99, without),
        Row("backlog-live-same-box-p99", percentile(timed.behind_ms, 99), "ms", None, quiet_p99, without),
        Row("backlog-live-other-box-p99", percentile(timed.beside_ms, 99), "ms", None, quiet_p99, without),
        Row("backlog-live-payments", len(live), "payments"),
    ]


async def _time(world: World) -> Timed:
    behind, beside = world.lanes
    timed = Timed()
    await asyncio.gather(*(_pay_often(lane, timed.quiet_ms, QUIET_SALES) for lane in world.lanes))
    await world.settle()
    await world.leave(behind)
    await behind.process.stop()
    taxes = read_tax_table(json.loads(json.dumps(estate.taxes())))
    image = world.estate.catalogue.read_bytes()
    options = Options(behind.directory)
    timed.records = await asyncio.to_thread(fill, read_box(behind.directory), options, image, taxes, SALES)
    before = _stored(world)
    await world.bring_up(behind)
    caught_up = asyncio.Event()
    async with asyncio.TaskGroup() as payers:
        paying = [
            payers.create_task(_pay_often(behind, timed.behind_ms, until=caught_up)),
            payers.create_task(_pay_often(beside, timed.beside_ms, until=caught_up)),
        ]
        timed.took_s = await _until_caught_up(world, before, timed.records, paying)
        caught_up.set()
    return timed


async def _pay_often(
    lane: Lane, times_ms: list[float], sales: int = 0, until: asyncio.Event | None = None
) -> None:
    """Pay by card again and again: so many sales, or until something has come; a sale that began then is ended."""
    async with open_stream(lane.address) as stream:
        await stream.until(lambda view: "card" in view["methods"])
        number = 0
        while number < WARM_UP_SALES + sales if until is None else not (number and until.is_set()):
            waited = await _one(lane, stream, number)
            if until is not None or number >= WARM_UP_SALES:
                times_ms.append(waited)
            number += 1


async def _one(lane: Lane, stream: ViewStream, number: int) -> float:
    waited, _ = await pay(lane, stream, number)
    return waited * MS


async def _until_caught_up(
    world: World, before: int, records: int, payers: list[asyncio.Task[None]]
) -> float:
    """Seconds from the first record that the cloud stored to the last; OutcomeUnknown "backlog-stalled"."""
    loop = asyncio.get_running_loop()
    began, last, since = 0.0, before, loop.time()
    while last - before < records:
        await asyncio.sleep(LOOK_S)
        for payer in payers:
            if payer.done():
                payer.result()
        stored, now = _stored(world), loop.time()
        if stored > last:
            began = began or since
            last, since = stored, now
        elif began and now - since > STALLED_S:
            raise OutcomeUnknown(
                "backlog-stalled",
                f"The cloud stored {last - before} of {records} records and no more",
                "See cloud.log",
            )
        elif not began:
            since = now
    return loop.time() - began


def _stored(world: World) -> int:
    """How many records of the box with the backlog the cloud has."""
    with sqlite3.connect(f"file:{world.estate.cloud / 'cloud.db'}?mode=ro", uri=True) as cloud:
        told = cloud.execute(
            "SELECT coalesce(sum(through), 0) FROM replica_position WHERE box = ?", (BEHIND,)
        ).fetchone()
    return int(told[0])
