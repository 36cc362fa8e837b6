"""Every state of the shopper's screen in a real browser: pictures to look at, and what must hold on each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.screen.view import view_of
from tests.builders import Play, idle_box
from tests.edge.screen_at_work import STAFF, screen_at_work
from tests.edge.screen_browser import watched
from tests.journeys.screen_states import ALWAYS_SEEN, FAULTS, STATES, touch

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.edge.screen_at_work import ScreenAtWork
    from tests.edge.screen_browser import Watched

pytestmark = pytest.mark.slow

PICTURES = Path(__file__).parents[2] / "build" / "screens"
SCREENS = {"portrait": (1080, 1920), "landscape": (1280, 800), "small": (800, 480)}
LANGUAGES = {"en": "en", "zh": "zh-Hans"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shape", SCREENS)
async def test_every_state_is_readable_touchable_and_true(chromium, shape, language):
    faults: list[str] = []

    async with screen_at_work() as screen, watched(chromium, screen, SCREENS[shape]) as browser:
        for state in STATES:
            screen.play = Play(box=idle_box(staff=(STAFF,))).play(touch("language", choice=language))
            state.reach(screen.play)
            screen.show()
            await browser.open(screen.address, state.page)
            for selector in state.touches:
                await browser.touch(selector)
            if state.name == "staff-wrong-pin":
                await browser.page.wait_for_selector('.note-bad[role="alert"]')
            faults += [f"{state.name}: {fault}" for fault in await judge(browser, screen, language)]
            await take_picture(browser.page, f"{shape}-{language}", state.name)

    assert faults == []
    assert browser.complaints == []
    assert browser.foreign == []


async def judge(browser: Watched, screen: ScreenAtWork, language: str) -> list[str]:
    page, view = browser.page, screen.view()
    await page.evaluate("document.fonts.ready")
    found = await page.evaluate(FAULTS, ALWAYS_SEEN)
    found += await page.evaluate("violations")
    if await page.get_attribute("html", "lang") != LANGUAGES[language]:
        found.append("the language is not the shopper's")
    if view["sale"] is not None:
        found += await wrong_amounts(page, view)
    # Nothing may be cut when the text is larger or runs from right to left.
    for change in ("root.dataset.size = 2", "root.dir = 'rtl'"):
        await page.evaluate(f"{{const root = document.documentElement; {change}}}")
        found += [f"after {change}: {fault}" for fault in await page.evaluate(FAULTS, "none")]
    await page.evaluate("{const root = document.documentElement; root.dir = 'ltr'; root.dataset.size = 0}")
    return list(found)


async def wrong_amounts(page: Page, view: dict[str, Any]) -> list[str]:
    sale = view["sale"]
    shown = {"total": await page.inner_text("#total")}
    wanted = {"total": sale["total"]}
    for line in sale["lines"]:
        row = page.locator(
            f'.side [data-line="{line["number"]}"] .amount, .stage [data-line="{line["number"]}"] .amount'
        )
        shown[f"line {line['number']}"] = str(await row.first.text_content())
        wanted[f"line {line['number']}"] = line["amount"]
    if view["page"] == "paid" and sale["tender"]["method"] == "cash":
        shown["change"] = await page.inner_text(".fact-large dd")
        wanted["change"] = sale["tender"]["change"]
    return [
        f"{name}: {shown[name]}, not {wanted[name]}" for name in wanted if shown[name] != f"£{wanted[name]}"
    ]


async def take_picture(page: Page, folder: str, name: str) -> None:
    (PICTURES / folder).mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / folder / f"{name}.png", animations="disabled")


def test_states_cover_every_page_that_the_flows_know():
    reached = set()

    for state in STATES:
        play = Play(box=idle_box(staff=(STAFF,)))
        state.reach(play)
        reached.add(view_of(play.box)["page"])
        assert view_of(play.box)["page"] == state.page, state.name

    assert reached == {
        "attract", "basket", "weigh", "age", "choose", "card", "cash", "authorizing", "unknown", "declined",
        "paid", "out_of_service",
    }  # fmt: skip
