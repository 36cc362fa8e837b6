"""One shopper without the rest of the demonstration: at any running box whose devices have a control socket."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING

import httpx

from protocol.errors import OutcomeUnknown, PeerError
from simulators.remote_station import RemoteStation
from simulators.shopper import Page, Shopper, Staff

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_S = 10.0  # a touch is answered at once; a box that swaps takes longer


async def shop_alone(
    screen: str, control: str, visits: int, seed: int, staff: tuple[str, str], told: Callable[[str], None]
) -> None:
    """Make the visits one after the other; `told` hears each memory as one line of JSON.

    PeerError: "page-not-there", "device-not-there".
    """
    origin = screen.rstrip("/")
    async with httpx.AsyncClient(base_url=origin, timeout=REQUEST_S) as client:
        page = Page(client, origin)
        try:
            await page.open()
        except OutcomeUnknown as lost:
            raise PeerError(
                "page-not-there",
                f"There is no box's page at {screen} ({lost.what})",
                'Start the box, and give the address that it tells as "screen".',
            ) from lost
        station = RemoteStation(control)
        shopper = Shopper(
            station=station,
            page=page,
            staff=Staff(*staff),
            choices=random.Random(seed),  # noqa: S311 - a shopper, not a key
            clock_ms=lambda: time.monotonic() * 1000,
        )
        try:
            for number in range(1, visits + 1):
                memory = await shopper.visit(number)
                told(json.dumps(memory.as_json(), ensure_ascii=False))
        finally:
            await page.close()
            await station.rest()
