"""From a tender to its approval, without the time that the acquirer itself takes.

A real box with its secure module, the broker, the cloud with its card zone, and an acquirer on the same machine. The
clock runs from "authorizing" on the screen's event stream (the intention is durable, the request leaves) to "paid" (the
result is durable): ask, authorize, answer, record. The whole way from the card on the reader is told beside it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulators.bench.floors import running_floor
from simulators.bench.rows import Row, percentile
from simulators.bench.stream import open_stream
from simulators.demo.world import World
from simulators.goods import GOODS

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.bench.stream import ViewStream
    from simulators.demo.world import Lane

SALES = 150
WARM_UP_SALES = 10
P50_BAR_MS, P99_BAR_MS = 5, 25
ECHOES = 2_000
MESSAGE_BYTES = 600  # about a request with its frame and sealed card
CARD = "visa-contactless"
CODES = [good.code for good in GOODS if not good.is_weighed and not good.age_min]
MS = 1000


async def measure(work: Path) -> list[Row]:
    """Pay by card, again and again, at one box."""
    world = World(work)
    try:
        await world.start(lambda _: None)
        lane = world.lanes[0]
        async with open_stream(lane.address) as stream:
            timed = [await pay(lane, stream, number) for number in range(WARM_UP_SALES + SALES)]
        own = list(world.acquirer.purchase_s)
    finally:
        await world.stop()
    tenders, cards = (
        [(wait - channel) * MS for wait, channel in zip(waits, own, strict=True)][WARM_UP_SALES:]
        for waits in zip(*timed, strict=True)
    )
    echo = await _echo_ms()
    floor = f"TCP echo of {MESSAGE_BYTES} bytes, ms"
    p50, p99 = percentile(tenders, 50), percentile(tenders, 99)
    floor_p50, floor_p99 = percentile(echo, 50), percentile(echo, 99)
    return [
        Row("tender-to-approval-p50", p50, "ms", P50_BAR_MS, floor_p50, floor),
        Row("tender-to-approval-p99", p99, "ms", P99_BAR_MS, floor_p99, floor),
        Row("tender-to-approval-over-echo", p50 / floor_p50, "x", None, floor_p50, floor),
        Row("card-to-paid-p50", percentile(cards, 50), "ms", None, floor_p50, floor),
    ]


async def pay(lane: Lane, stream: ViewStream, number: int) -> tuple[float, float]:
    """One sale of one item; seconds from "authorizing" and from the card to "paid"."""
    await lane.station.scanner.scan(CODES[number % len(CODES)])
    await stream.until(lambda view: view["page"] == "basket")
    await stream.touch("pay")
    await stream.until(lambda view: view["page"] == "choose")
    await stream.touch("method", choice="card")
    await stream.until(lambda view: view["page"] == "card")
    while not lane.station.reader.armed_for:  # noqa: ASYNC110 - the reader is armed over its serial line
        await asyncio.sleep(0.001)
    presented = asyncio.get_running_loop().time()
    await lane.station.reader.present(CARD)
    asked, _ = await stream.until(lambda view: view["page"] == "authorizing")
    paid, _ = await stream.until(lambda view: view["page"] == "paid")
    await stream.touch("done")
    await stream.until(lambda view: view["page"] == "attract")
    return paid - asked, paid - presented


async def _echo_ms() -> list[float]:
    async with running_floor("echo") as (reader, writer):
        waits = []
        for _ in range(ECHOES):
            began = asyncio.get_running_loop().time()
            writer.write(bytes(MESSAGE_BYTES))
            await reader.readexactly(MESSAGE_BYTES)
            waits.append((asyncio.get_running_loop().time() - began) * MS)
        return waits
