"""Rows 30 to 34 and 82: codes as a scanner sends them, over a real line into a real agent.

Whatever the code, it becomes a line of the basket or a notice; the sale that is open stays as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

from edge.agent import MAX_WAITING_EVENTS
from edge.bindings import Bindings
from edge.devices import DeviceSet
from edge.events import CodeScanned
from edge.peripherals.connection import SerialSettings
from edge.peripherals.scanner import ScannerSettings
from protocol.facts import Facts
from protocol.item import Item
from protocol.product_codes import check_digit, value_check_digit
from simulators.scanner import ScannerSim, ScannerSimSettings
from tests.builders import APPLE, BREAD, ITEMS, small_shop
from tests.device_events import clock
from tests.edge.screen_at_work import until
from tests.hostile.small_box import WAIT_S, SmallBox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

GS = "\x1d"
CHEESE = Item("02112345000001", "Cheese by its label", 1, "Z", "unit", facts=Facts("dairy"))
HAM = Item("02912340000002", "Ham by its weight", 1500, "Z", "weight", facts=Facts("meat"))
BEEF = Item("99501101530002", "Beef of variable measure", 900, "Z", "unit", facts=Facts("meat"))


def with_check(body: str) -> str:
    return body + check_digit(body)


CHEESE.gtin = with_check("0" + "2112345" + "00000")
HAM.gtin = with_check("0" + "291234" + "000000")
BEEF.gtin = with_check("9950110153000")
SHOP = small_shop([*ITEMS, CHEESE, HAM, BEEF])

HAM_WEIGHT = "01250"
HAM_LABEL = with_check("291234" + value_check_digit(HAM_WEIGHT) + HAM_WEIGHT)
HAM_ALTERED = with_check("291234" + value_check_digit(HAM_WEIGHT) + "00050")


class Till:
    """Scanner, line, device set and agent, all real."""

    def __init__(self, directory: Path) -> None:
        self.sim = ScannerSim(ScannerSimSettings(f"{directory}/scanner"))
        self.box = SmallBox(directory, shop=SHOP)
        bindings = Bindings(scanner=ScannerSettings(SerialSettings(f"{directory}/scanner")))
        self.devices = DeviceSet(bindings, self.box.agent.post, clock)

    async def until_sold(self, code: str, name: str) -> None:
        """Scan until the basket's last line has this name, as a shopper does: a rest of noise may swallow one."""
        async with asyncio.timeout(WAIT_S):
            while name not in [line[0] for line in self.box.names()]:
                await self.sim.scan(code)
                await self.quiet()

    async def quiet(self) -> None:
        """Until the line's bytes were read and handled: nothing new for a while."""
        seen = -1
        while seen != (seen := self.box.journal.last_seq):  # noqa: ASYNC110 - the line tells nobody that it is empty
            await asyncio.sleep(0.15)  # the idle gap of the scanner's frames


@contextlib.asynccontextmanager
async def till_at_work(directory: Path) -> AsyncIterator[Till]:
    till = Till(directory)
    till.sim.plug()
    tasks = [asyncio.create_task(till.devices.run()), asyncio.create_task(till.box.agent.run())]
    try:
        await until(lambda: till.box.box.devices.get("scanner") == "ready", "the scanner")
        yield till
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await till.box.close()
        till.sim.unplug()


CODES = {
    "30-check-digit": ("4006381333932", "check-digit-wrong"),
    "30-digits-swapped": ("4006381339331", "check-digit-wrong"),
    "30-upc-as-ean": ("0036000291453", "check-digit-wrong"),
    "30-fourteen-of-thirteen": ("14006381333931", "check-digit-wrong"),
    "30-nine-digits": ("400638133", "code-length-wrong"),
    "30-ten-digits": ("4006381333", "code-length-wrong"),
    "30-fifteen-digits": ("400638133393112", "code-length-wrong"),
    "30-three-digits": ("123", "code-length-wrong"),
    "30-plu-zero": ("0000", "plu-out-of-range"),
    "30-label-altered": (HAM_ALTERED, "label-value-check-wrong"),
    "30-label-of-zero": (with_check("291234" + value_check_digit("00000") + "00000"), "label-value-zero"),
    "30-label-price-of-zero": (with_check("2112345" + "00000"), "label-value-zero"),
    "30-price-printed-at-home": ("]C101" + BREAD.gtin + "3922001", "label-price-not-wanted"),
    "30-price-printed-without-symbology": ("01" + BREAD.gtin + "3920" + "1", "label-price-not-wanted"),
    "30-weight-printed-at-home": ("01" + BREAD.gtin + "3103000001", "weight-not-wanted"),
    "30-price-in-another-currency": ("01" + BEEF.gtin + "3932840100", "gs1-currency-wrong"),
    "30-price-of-fractions": ("01" + BEEF.gtin + "39231999", "gs1-price-uneven"),
    "30-price-of-nothing": ("01" + BEEF.gtin + "39220", "gs1-price-out-of-range"),
    "30-price-beyond": ("01" + BEEF.gtin + "3920999999999999999", "gs1-price-out-of-range"),
    "30-not-in-the-catalogue": ("9780201379624", "item-not-found"),
    "30-staff-code-39": ("]A0123456", "symbology-not-accepted"),
    "31-no-separator": ("01" + BREAD.gtin + "10" + "LOT" * 7 + "17260331", "gs1-element-overlong"),
    "31-repeated": ("01" + BREAD.gtin + "01" + APPLE.gtin, "gs1-ai-repeated"),
    "31-two-weights": ("01" + APPLE.gtin + "31030002003103000001", "gs1-ai-repeated"),
    "31-weights-of-two-kinds": ("01" + APPLE.gtin + "31030002003203000001", "gs1-"),
    "31-cut": ("01" + BREAD.gtin[:10], "check-digit-wrong"),
    "31-no-product": (f"]C110LOT{GS}17260331", "gs1-gtin-missing"),
    "31-letters-for-a-number": ("01" + BREAD.gtin + f"30x{GS}", "gs1-character-wrong"),
    "31-date": ("01" + BREAD.gtin + "17269931", "gs1-date-wrong"),
    "31-bomb": ("01" + BREAD.gtin + GS.join(f"{n}1" for n in range(90, 100)) * 3, "gs1-"),
    "31-only-separators": (GS * 40, "gs1-"),
    "31-weight-of-nothing": ("01" + APPLE.gtin + "3103000000", "gs1-weight-zero"),
    "32-address": ("https://evil.example/pay?x=1", "code-not-digits"),
    "32-script": ("javascript:alert(1)", "code-not-digits"),
    "32-sql": ("1'; DROP TABLE sale_order;--", "code-not-digits"),
    "32-template": ("{{7*7}}${7*7}%s{0.__class__}", "code-not-digits"),
    "32-path": ("../../../etc/passwd", "code-not-digits"),
    "32-wallet-code": ("wxp://f2f0abcdefgh", "code-not-digits"),
    "32-json": ('{"act":"cash_counted"}', "code-not-digits"),
    "32-card-number": ("4111111111111111", "code-length-wrong"),
    "32-track-two": (";4111111111111111=29122010000000000?", "code-not-digits"),
    "32-arabic-digits": ("".join(chr(0x660 + int(digit)) for digit in "4006381333931"), "code-"),
    "32-fullwidth-digits": ("".join(chr(0xFF10 + int(digit)) for digit in "4006381333931"), "code-"),
    "32-minus": ("-4006381333931", "code-not-digits"),
    "32-exponent": ("4e12", "code-not-digits"),
    "34-administrative": ("tillbox:maintenance?pin=0", "code-is-administrative"),
}  # fmt: skip


@pytest.mark.parametrize("name", CODES)
async def test_a_code_that_is_none_sells_nothing_and_the_sale_goes_on(name, tmp_path, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    text, notice = CODES[name]
    async with till_at_work(tmp_path) as till:
        await till.until_sold("4006381333931", BREAD.name)

        await till.sim.scan(text)
        await told(till, notice)
        after_attack = till.box.names()
        await till.until_sold(HAM_LABEL, "Ham by its weight")

        assert after_attack == [(BREAD.name, 1, BREAD.gtin)]
        assert [line[0] for line in till.box.names()] == [BREAD.name, "Ham by its weight"]
    assert len(text) < 5 or text not in caplog.text
    if name.startswith("32-"):
        assert text.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())


async def told(till: Till, notice: str) -> None:
    await until(lambda: till.box.box.notice.startswith(notice), notice)


async def test_row_30_labels_that_are_what_they_seem_are_sold(tmp_path) -> None:
    async with till_at_work(tmp_path) as till:
        await till.until_sold(HAM_LABEL, "Ham by its weight")
        await till.until_sold(with_check("2112345" + "00377"), "Cheese by its label")
        await till.until_sold("]C101" + BEEF.gtin + "39221250", "Beef of variable measure")

        sale = till.box.box.sale
        assert sale is not None
        assert [line.amount_minor for line in sale.basket.open_lines()] == [1875, 377, 1250]


async def test_row_33_a_burst_of_two_is_two_lines_and_a_double_scan_one_line_and_a_notice(tmp_path) -> None:
    async with till_at_work(tmp_path) as till:
        await till.sim.scan("4006381333931", "5000112637922")
        await until(lambda: len(till.box.names()) == 2, "both items")
        await till.sim.scan("5000112637922")
        await told(till, "scanned-twice")

        assert [line[2] for line in till.box.names()] == [BREAD.gtin, "05000112637922"]


async def test_row_82_a_hundred_thousand_codes_leave_a_bounded_queue_and_the_sale(tmp_path, tried) -> None:
    box = SmallBox(tmp_path, shop=SHOP)
    await box.play(CodeScanned("4006381333931"))

    for number in range(100_000):
        box.agent.post(CodeScanned(f"{number:013d}"))
    waiting, refused = len(box.agent._events), box.agent.events_refused
    await box.settle()
    await box.play(CodeScanned(HAM_LABEL))

    assert (waiting, refused) == (MAX_WAITING_EVENTS, 100_000 - MAX_WAITING_EVENTS)
    assert [line[0] for line in box.names()] == [BREAD.name, "Ham by its weight"]
    await box.close()
    tried(100_000)


async def test_row_82_a_basket_that_is_full_refuses_the_next_item_and_can_be_paid(tmp_path, tried) -> None:
    box = SmallBox(tmp_path, shop=SHOP)

    await box.play(*[CodeScanned("4006381333931")] * 1_003)
    notice = box.box.notice

    assert notice == "basket-full"
    assert len(box.names()) == 1_000
    assert box.box.sale is not None
    assert box.box.sale.total_minor == 249_000
    await box.close()
    tried(1_003)
