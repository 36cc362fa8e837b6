"""The pole display: two lines, cut to twenty columns, shown again when it comes back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from edge.peripherals.connection import SerialSettings
from edge.peripherals.display import DisplaySettings, PoleDisplay
from simulators.display import DisplaySim, DisplaySimSettings
from tests.device_events import PATIENCE_S, Told, clock, living

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def pole(
    tmp_path: Path, code_page: str = "cp437"
) -> AsyncIterator[tuple[DisplaySim, PoleDisplay, Told]]:
    path = f"{tmp_path}/display"
    sim = DisplaySim(DisplaySimSettings(path, code_page=code_page))
    sim.plug()
    told = Told()
    display = PoleDisplay(DisplaySettings(SerialSettings(path), code_page), told, clock)
    try:
        async with living(display):
            await told.state("ready")
            yield sim, display, told
    finally:
        await sim.stop()


async def shown(sim: DisplaySim, lines: list[str]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while [line.rstrip() for line in sim.lines] != lines:
            sim.changed.clear()
            await sim.changed.wait()


@pytest.mark.parametrize(
    ("upper", "lower", "lines"),
    [
        ("Crème brûlée", "EUR 7.00", ["Crème brûlée", "EUR 7.00"]),
        ("An item with a very long name", "1", ["An item with a ver..", "1"]),
        ("", "", ["", ""]),
        ("\x1bp0\x0cReset", "\x1b@\r\x7f", ["p0Reset", "@"]),
    ],
)
async def test_two_lines_are_shown(upper: str, lower: str, lines: list[str], tmp_path: Path) -> None:
    async with pole(tmp_path) as (sim, display, _):
        display.show("something else")
        await shown(sim, ["something else", ""])

        display.show(upper, lower)
        await shown(sim, lines)

        assert sim.unknown == 0


async def test_chinese_fits_a_display_that_has_it(tmp_path: Path) -> None:
    async with pole(tmp_path, "gb18030") as (sim, display, _):
        display.show("总计 TOTAL", "龙井茶龙井茶龙井茶龙井茶")

        await shown(sim, ["总计 TOTAL", "龙井茶龙井茶龙井茶.."])

        assert sim.unknown == 0


async def test_the_newest_text_is_shown_when_the_display_comes_back(tmp_path: Path) -> None:
    async with pole(tmp_path) as (sim, display, told):
        sim.unplug()
        await told.state("absent")
        display.show("first")
        display.show("second", "2.00")

        sim.plug()
        await shown(sim, ["second", "2.00"])

        assert told.states()[-1] == "ready"
