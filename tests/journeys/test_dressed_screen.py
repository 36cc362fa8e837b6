"""A store's own look in a real browser: its colours, logo, keys and tiles on every page, in every size and language."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from edge.events import WeightRead
from edge.screen.view import view_of
from edge.settings import read_settings
from tests.builders import APPLE, BREAD, GIFT, SOAP, WINE, Play, idle_box
from tests.edge.screen_at_work import STAFF, screen_at_work
from tests.edge.screen_browser import watched
from tests.journeys.screen_states import STATES, State, basket, touch
from tests.journeys.test_screen_pictures import SCREENS, judge, take_picture

pytestmark = pytest.mark.slow


def key(item, english, chinese):
    return {"gtin": item.gtin, "label": {"en": english, "zh": chinese}}


def logo():
    image = Image.new("RGBA", (320, 80), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, 76, 76), fill="#ffd400")
    pen.text((92, 18), "GREEN GROCER", fill="white", font=ImageFont.load_default(30))
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


QUICK = [
    key(APPLE, "Apples", "苹果"),
    key(BREAD, "Rye bread", "黑麦面包"),
    key(GIFT, "Carrier bag", "购物袋"),
]
LONG = {"en": "A very long group name", "zh": "名字非常长的一个商品分类名"}
LOOKS = {
    "plum": {
        "colours": {"brand": "#7a1f5c", "ground": "#faf4f8"},
        "logo": logo(),
        "quick_keys": QUICK,
        "tiles": [
            {"label": {"en": "Fruit", "zh": "水果"}, "keys": [*QUICK, key(SOAP, "Hand soap", "洗手液")] * 6},
            {"label": {"en": "Bakery", "zh": "面包"}, "keys": QUICK},
            {"label": LONG, "keys": QUICK},
            *[{"label": {"en": f"Group {n}", "zh": f"第{n}类"}, "keys": QUICK} for n in range(9)],
        ],
        "words": {"start": {"en": "Begin here", "zh": "从这里开始"}},
    },
    "sunflower": {
        "colours": {"brand": "#ffd400", "on_brand": "#1a1a1a", "ground": "#ffffff", "ink": "#1a1a1a"},
        "quick_keys": [key(WINE, "Red wine", "红酒")] * 12,
        "buttons": ["help"],
        "staff_acts": [
            "help_given",
            "age_approved",
            "cash_counted",
            "sale_voided",
            "unknown_released",
            "in_service",
        ],
    },
}
SHOWN = ("attract", "basket-empty", "basket", "weigh-stable", "choose", "declined", "unknown", "paid-card", "help",
         "staff-acts")  # fmt: skip
ALL_GOODS = State("tiles", "basket", basket, ('[data-ui="tiles"]',))
ONE_GROUP = State("tile-open", "basket", basket, ('[data-ui="tiles"]', '[data-ui="tile"]'))


def states_of(look, shape):
    """Pages to look at; a store without groups needs the dialog on small panels only."""
    chosen = [state for state in STATES if state.name in SHOWN]
    if look == "plum":
        return [*chosen, ALL_GOODS, ONE_GROUP]
    return [*chosen, ALL_GOODS] if shape == "small" else chosen


def dressed(look, language):
    box = idle_box(staff=(STAFF,), screen=read_settings({"screen": LOOKS[look]}).screen)
    return Play(box=box).play(touch("language", choice=language))


@pytest.mark.parametrize(("look", "language"), [("plum", "en"), ("plum", "zh"), ("sunflower", "en")])
@pytest.mark.parametrize("shape", SCREENS)
async def test_every_page_is_readable_and_touchable_in_a_look_of_the_store(chromium, look, shape, language):
    faults: list[str] = []

    async with (
        screen_at_work(dressed(look, language)) as screen,
        watched(chromium, screen, SCREENS[shape]) as browser,
    ):
        for state in states_of(look, shape):
            screen.play = dressed(look, language)
            state.reach(screen.play)
            screen.show()
            await browser.open(screen.address, state.page)
            await browser.comes_true("document.documentElement.style.getPropertyValue('--brand') !== ''")
            for selector in state.touches:
                await browser.touch(selector)
            faults += [f"{state.name}: {fault}" for fault in await judge(browser, screen, language)]
            await take_picture(browser.page, f"{look}-{shape}-{language}", state.name)

    assert faults == []
    assert browser.complaints == []
    assert browser.foreign == []


async def test_goods_are_picked_by_key_and_by_group(chromium):
    async with (
        screen_at_work(dressed("plum", "en")) as screen,
        watched(chromium, screen, (1280, 800)) as browser,
    ):
        await browser.open(screen.address, "attract")
        await browser.comes_true("document.querySelector('.key-start').textContent === 'Begin here'")
        await browser.touch('[data-action="start"]')
        await browser.shows("basket")
        await browser.touch(f'.quick [data-choice="{BREAD.gtin}"]')
        await browser.comes_true("document.querySelectorAll('.stage .row').length === 1")
        await browser.touch('[data-ui="tiles"]')
        await browser.touch('[data-ui="tile"][data-value="1"]')
        await browser.touch(f'.tiles [data-choice="{GIFT.gtin}"]')
        await browser.comes_true("document.querySelectorAll('.stage .row').length === 2")
        await browser.touch(f'.quick [data-choice="{APPLE.gtin}"]')
        await browser.shows("weigh")

    added = [record for record in screen.play.records if record["t"] == "line_added"]
    assert [(record["gtin"], record["source"]) for record in added] == [
        (BREAD.gtin, "manual"),
        (GIFT.gtin, "manual"),
    ]


def test_only_goods_that_stand_on_a_key_are_picked():
    for play in (dressed("sunflower", "en"), Play(box=idle_box())):
        play.play(touch("start"), touch("pick", choice=BREAD.gtin))

        assert play.box.notice == "item-not-found"
        assert [record["t"] for record in play.records] == ["sale_opened"]


def test_a_picked_item_that_is_weighed_is_recorded_as_picked():
    play = dressed("plum", "en").play(touch("start"), touch("pick", choice=APPLE.gtin))
    play.play(WeightRead(402, "stable"), touch("weigh_done"))

    assert [record["source"] for record in play.records if record["t"] == "line_added"] == ["manual"]
    assert view_of(play.box)["look"] == play.box.settings.screen.digest
