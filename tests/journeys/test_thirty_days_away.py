"""Thirty days without the cloud: the real box on a clock that jumps, then everything booked on its own day.

Broker, cloud, card zone, printer and journal are real; only the days pass faster.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import read_box
from edge.events import AttendantActed, CodeScanned, ShopperActed
from edge.flows.checkout import page_of
from edge.journal.bounds import DAY_MS, QUOTA_BYTES
from edge.main import Machine, Options, RunningBox, SystemClock
from edge.screen.view import view_of
from simulators.checker.people import printed_totals
from simulators.demo.estate import STAFF_ID
from simulators.goods import GOODS
from simulators.replay.lane import Eyes
from tests.journeys.stage import stage, wrong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from simulators.printer.station import PrinterSim

pytestmark = pytest.mark.slow

DAYS, SALES_A_DAY = 30, 12
STATED_SALES_A_DAY = 1_000  # what docs/how-to/sell-offline.md says that a journal has room for
DAYS_BETWEEN_STARTS = 10
OPENS_MS, SALE_EVERY_MS = 8 * 3_600_000, 50 * 60_000  # the shop sells from eight to six
WAIT_S = 30
CODES = [good.code for good in GOODS if not good.is_weighed and not good.age_min]
CASH_GIVEN_MINOR = 10_000


class Calendar(SystemClock):
    """The machine's clocks, and a hand that turns the calendar; monotonic time only goes on."""

    def __init__(self) -> None:
        self._wall_ms = 0
        self._passed_ms = 0

    def utc_ms(self) -> int:
        return super().utc_ms() + self._wall_ms

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self._passed_ms

    def turn_to(self, at_ms: int) -> None:
        """Let it be then."""
        step_ms = at_ms - self.utc_ms()
        self._wall_ms += step_ms
        self._passed_ms += max(0, step_ms)


class Till:
    """One start of the box, with somebody who buys in cash and wants paper."""

    def __init__(self, directory: Path, calendar: Calendar) -> None:
        self.eyes = Eyes()
        options = Options(directory, machine=Machine(clock=calendar))
        self.box = RunningBox(read_box(directory), options, screen=self.eyes)

    async def sees(self, is_so: Any) -> None:
        async with asyncio.timeout(WAIT_S):
            await self.eyes.until(lambda: is_so(self.box.agent.box))

    async def sell(self, number: int) -> tuple[int, int]:
        """Sell three things; the order and what it came to."""
        for step in range(3):
            self.box.post(CodeScanned(CODES[(number + step) % len(CODES)]))
        self.box.post(ShopperActed("pay"))
        self.box.post(ShopperActed("method", choice="card"))  # closed: it changes nothing
        self.box.post(ShopperActed("method", choice="cash"))
        self.box.post(AttendantActed("cash_counted", STAFF_ID, amount_minor=CASH_GIVEN_MINOR))
        await self.sees(lambda box: page_of(box) == "paid")
        self.box.post(ShopperActed("receipt", choice="print"))
        await self.sees(lambda box: box.sale is not None and box.sale.copies and not box.sale.is_printing)
        sale = self.box.agent.box.sale
        assert sale is not None
        self.box.post(ShopperActed("done"))
        await self.sees(lambda box: page_of(box) == "attract")
        return sale.order, sale.total_minor


@asynccontextmanager
async def running(directory: Path, calendar: Calendar) -> AsyncIterator[Till]:
    till = Till(directory, calendar)
    task = asyncio.create_task(till.box.run())
    try:
        await till.sees(lambda box: page_of(box) == "attract" and box.devices.get("printer") == "ready")
        yield till
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass
class Month:
    """What thirty days left behind: sales, what the screen showed each morning, totals on paper by order."""

    sold: list[tuple[int, int]] = field(default_factory=list)
    mornings: list[dict[str, Any]] = field(default_factory=list)
    paper: dict[int, set[int]] = field(default_factory=dict)


async def live_through(directory: Path, printer: PrinterSim, calendar: Calendar, first_day_ms: int) -> Month:
    """Thirty days of sales, one after the other; a paper roll is put away with every sale."""
    month = Month()
    for start in range(0, DAYS, DAYS_BETWEEN_STARTS):
        calendar.turn_to(first_day_ms + start * DAY_MS + OPENS_MS - SALE_EVERY_MS)
        async with running(directory, calendar) as till:
            for day in range(start, start + DAYS_BETWEEN_STARTS):
                month.mornings.append(view_of(till.box.agent.box))
                for number in range(SALES_A_DAY):
                    calendar.turn_to(first_day_ms + day * DAY_MS + OPENS_MS + number * SALE_EVERY_MS)
                    month.sold.append(await till.sell(day * SALES_A_DAY + number))
                    month.paper |= printed_totals(printer.text())
                    printer.tear_off()
    return month


def day_of(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def booked(database: Path) -> dict[str, int]:
    """How many sales the cloud booked on each business day."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as cloud:
        rows = cloud.execute(
            "SELECT business_day, count(*) FROM sale_order WHERE state = 'completed' GROUP BY business_day"
        )
        return dict(rows.fetchall())


async def test_a_box_sells_for_thirty_days_without_its_cloud_and_every_sale_is_booked_on_its_own_day(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path / "world") as there:
        lane, cloud = there.lane, there.world.cloud
        await there.world.settle()
        await there.world.leave(lane)
        await lane.process.stop()
        cloud.kill()
        await cloud.wait()
        calendar = Calendar()
        today_ms = calendar.utc_ms() // DAY_MS * DAY_MS
        journal = lane.directory / "journal"
        before_bytes = sum(file.stat().st_size for file in journal.glob("*.tbj"))

        month = await live_through(lane.directory, lane.station.printer, calendar, today_ms - DAYS * DAY_MS)
        journal_bytes = sum(file.stat().st_size for file in journal.glob("*.tbj")) - before_bytes
        backlog = there.judge()
        await cloud.start()
        await there.world.bring_up(lane)
        report = await there.settle_and_judge()
        customer = there.customer()
        await customer.shop()
        await there.world.settle()

        sold, mornings = month.sold, month.mornings
        days = [day_of(today_ms - day * DAY_MS) for day in range(DAYS, 0, -1)]
        assert {tuple(view["methods"]) for view in mornings} == {("cash",)}
        assert {view["methods_closed"]["card"] for view in mornings} == {"offline"}
        assert {len(view["blocked"]) for view in mornings} == {0}
        orders = [order for order, _ in sold]
        assert orders == sorted(set(orders))
        assert month.paper == {order: {total_minor} for order, total_minor in sold}
        assert backlog["receipts_outstanding"] > len(sold) * 5
        assert wrong(report) == {}
        assert report["sales_paid"] == len(sold) == DAYS * SALES_A_DAY
        assert customer.memory.ending == "paid"
        assert {day: booked(there.world.estate.cloud / "cloud.db")[day] for day in days} == dict.fromkeys(
            days, SALES_A_DAY
        )
        assert journal_bytes / len(sold) * STATED_SALES_A_DAY * DAYS < QUOTA_BYTES
