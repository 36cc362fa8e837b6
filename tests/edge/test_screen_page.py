"""The shopper's page in a real browser: what a touch does, what a scanner's keys do not, and hostile names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.effects import SealCard
from edge.events import (
    AttendantActed,
    CardPresented,
    CardSealed,
    CodeScanned,
    LinkChanged,
    PaymentAnswered,
    ShopperActed,
)
from tests.builders import BREAD, SOAP, Play, idle_box
from tests.edge.screen_at_work import screen_at_work, until
from tests.edge.screen_browser import watched
from tests.journeys.screen_states import (
    FAULTS,
    MASKED,
    STAFF_NUMBER,
    STAFF_PIN,
    authorizing,
    basket,
    cash,
    scan,
    touch,
)

pytestmark = pytest.mark.slow

PICTURES = Path(__file__).parents[2] / "build" / "screens" / "more"
KIOSK = (1080, 1920)
TILL = (1280, 800)
HOSTILE_NAMES = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "{{7*7}} ${7*7} %s {0.__class__} #{7*7}",
    "\u202etxt.exe\u202c and back",
    "&lt;b&gt;&amp;",
    "x" * 200,
    "W" * 100 + " " + "i" * 99,
    "苹果" * 33,
    "العربية تفاح أحمر",
    "🍏🍎 e\u0301\u0301\u0301\u0301\u0301",
]


async def test_whole_sale_by_touch_from_start_to_receipt(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, KIOSK) as browser:
        await browser.open(screen.address, "attract")
        await browser.touch('[data-action="start"]')
        await browser.shows("basket")
        screen.do(scan(BREAD), scan(SOAP), scan(SOAP))
        await browser.touch('[data-action="void_line"][data-line="3"]')
        await until(lambda: screen.view()["sale"]["total"] == "3.69", "the line is taken off")
        await browser.touch('[data-action="pay"]')
        await browser.shows("choose")
        await browser.touch('[data-choice="card"]')
        await browser.shows("card")
        screen.play.play(touch("back"), touch("back"))
        authorizing_from_here(screen)
        await browser.shows("paid")
        await browser.touch('[data-choice="print"]')
        await until(lambda: screen.view()["sale"]["has_printed"], "the receipt is asked for")
        await browser.touch('[data-action="done"]')
        await browser.shows("attract")

    assert [event.action for event in screen.posted] == [
        "start",
        "void_line",
        "pay",
        "method",
        "receipt",
        "done",
    ]
    assert screen.play.record_types()[-1] == "sale_completed"
    assert browser.complaints == []


def authorizing_from_here(screen):
    """Pay the open basket by card, as reader and cloud would."""
    play = screen.play
    play.play(touch("pay"), touch("method", choice="card"), CardPresented(MASKED, "visa", "contact"))
    play.play(CardSealed(play.told(SealCard)[-1].attempt, "ab" * 32, MASKED, "visa"))
    tender = play.box.sale.tender
    screen.do(PaymentAnswered("pay", tender.attempt, "approved", {"amount_minor": tender.amount_minor}))


async def test_refresh_restores_the_same_sale(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        basket(screen.play)
        screen.do(touch("language", choice="zh"))
        await browser.open(screen.address, "basket")
        before = await browser.text("#app")

        await browser.page.reload()
        await browser.shows("basket")

        assert await browser.text("#app") == before


async def test_staff_count_cash_on_the_screen_and_the_shopper_sees_the_change(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        cash(screen.play)
        screen.show()
        await browser.open(screen.address, "cash")
        keys = (
            *STAFF_NUMBER,
            *STAFF_PIN,
            '[data-value="cash_counted"]',
            '[data-value="1"]',
            *['[data-value="0"]'] * 3,
        )
        for key in (*keys, '[data-staff="take"]'):
            await browser.touch(key)
        await browser.shows("paid")

        assert screen.posted == [AttendantActed("cash_counted", "17", amount_minor=1_000)]
        assert await browser.text(".fact-large dd") == "£" + screen.view()["sale"]["tender"]["change"]
        assert await browser.page.locator("#veil").count() == 0


async def test_staff_overlay_forgets_number_and_pin_when_it_closes(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        await browser.open(screen.address, "attract")
        for key in (*STAFF_NUMBER, *STAFF_PIN):
            await browser.touch(key)
        await browser.page.wait_for_selector('[data-value="out_of_service"]')
        await browser.touch('[data-ui="close"]')

        await browser.touch('[data-ui="staff"]')

        assert (await browser.text(".typed")).strip() == ""
        assert await browser.page.locator('[data-value="out_of_service"]').count() == 0
        assert (
            await browser.page.evaluate(
                "Object.keys(sessionStorage).length + Object.keys(localStorage).length"
            )
            == 0
        )


async def test_row_29_strokes_of_a_scanner_in_keyboard_mode_do_nothing(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        basket(screen.play)
        screen.show()
        await browser.open(screen.address, "basket")
        await browser.touch('[data-ui="text-size"]')
        await browser.page.focus('[data-action="pay"]')

        for key in [*"4006381333931", "Enter", *"0012345", " ", "Enter", "Tab", "Enter"]:
            await browser.page.keyboard.press(key)
        for key in [
            "F5",
            "F11",
            "F12",
            "Control+n",
            "Control+r",
            "Control+p",
            "Alt+F4",
            "Alt+ArrowLeft",
            "Escape",
        ]:
            await browser.page.keyboard.press(key)

        assert screen.posted == []
        assert await browser.page.locator("#veil").count() == 0
        assert await browser.page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"


async def test_person_with_a_keyboard_can_press_what_has_the_focus(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        basket(screen.play)
        screen.show()
        await browser.open(screen.address, "basket")
        await browser.page.focus('[data-action="pay"]')

        await browser.page.keyboard.press("Enter")
        await until(lambda: screen.posted, "the key is pressed")

        assert screen.posted == [ShopperActed("pay")]


async def test_row_34_a_scanned_maintenance_code_opens_nothing(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        await browser.open(screen.address, "attract")

        screen.do(CodeScanned("TILLBOX-CONFIG:{admin:true}"))
        await browser.page.wait_for_selector(".note-warn")

        assert await browser.page.locator("#veil").count() == 0
        assert screen.view()["page"] == "attract"


@pytest.mark.parametrize("size", [KIOSK, TILL, (800, 480)])
async def test_row_60_hostile_names_are_text_and_break_no_page(chromium, size):
    async with screen_at_work() as screen, watched(chromium, screen, size) as browser:
        screen.do(*[scan(BREAD)] * len(HOSTILE_NAMES))
        view = json.loads(json.dumps(screen.view()))
        view["store"] = "<b>Shop</b>"
        # A catalogue refuses some of these; the page must not rely on it.
        for line, name in zip(view["sale"]["lines"], HOSTILE_NAMES, strict=True):
            line["name"] = name
        screen.server.changed(lambda: view)
        await browser.open(screen.address, "basket")

        shown = await browser.page.locator(".row bdi").all_text_contents()
        faults = await browser.page.evaluate(FAULTS, "#total")
        elements = await browser.page.evaluate(
            "document.querySelectorAll('#app img, #app script, #app b').length"
        )
        take_picture(await browser.page.screenshot(), f"hostile-names-{size[0]}")

    # Marks that turn the reading direction are gone, every other character stands as it is.
    assert shown == [name.replace("\u202e", "").replace("\u202c", "") for name in reversed(HOSTILE_NAMES)]
    assert elements == 0
    assert faults == []
    assert browser.complaints == []
    assert browser.foreign == []


def take_picture(picture, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(picture)


async def test_second_tap_of_a_hasty_finger_does_not_hit_the_next_page(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, KIOSK) as browser:
        screen.do(scan(BREAD))
        await browser.open(screen.address, "basket")
        await browser.page.evaluate(
            """() => new Promise((done) => {
                document.querySelector('[data-action="pay"]').click();
                new MutationObserver((_, watch) => {
                    const next = document.querySelector('[data-choice="cash"]');
                    if (next) { watch.disconnect(); next.click(); setTimeout(done, 300); }
                }).observe(document.body, {subtree: true, childList: true, attributes: true});
            })"""
        )

        assert screen.posted == [ShopperActed("pay")]


async def test_box_that_does_not_answer_is_told_and_comes_back_with_the_same_sale(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, KIOSK) as browser:
        basket(screen.play)
        screen.show()
        await browser.open(screen.address, "basket")
        before = await browser.text("#app")
        screen.server._views.close()
        await browser.page.wait_for_selector(".dialog-lost")
        assert "do not pay again" in await browser.text(".dialog-lost")
        take_picture(await browser.page.screenshot(animations="disabled"), "lost")

        screen.server._views._is_closed = False
        await browser.page.wait_for_selector(".dialog-lost", state="detached")

        assert await browser.text("#app") == before


async def test_language_switches_on_every_page_and_the_sale_stays(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        authorizing(screen.play)
        screen.show()
        await browser.open(screen.address, "authorizing")

        await browser.touch('[data-choice="zh"]')
        await browser.page.wait_for_selector('html[lang="zh-Hans"]')

        assert "请不要重复付款" in await browser.text("#stage")
        assert screen.view()["page"] == "authorizing"


async def test_text_size_and_low_reach_are_the_shoppers_and_end_with_the_sale(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, KIOSK) as browser:
        basket(screen.play)
        screen.show()
        await browser.open(screen.address, "basket")
        usual = await browser.page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('#total')).fontSize)"
        )

        await browser.touch('[data-ui="text-size"]')
        await browser.touch('[data-ui="reach"]')
        await browser.page.reload()
        await browser.shows("basket")
        larger = await browser.page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('#total')).fontSize)"
        )
        top = await browser.page.evaluate("document.querySelector('.bar').getBoundingClientRect().top")
        faults = await browser.page.evaluate(FAULTS, "#total, .till .key")
        take_picture(await browser.page.screenshot(), "large-and-low")
        screen.do(touch("cancel_sale"))
        await browser.shows("attract")
        after = await browser.page.evaluate(
            "[document.documentElement.dataset.size, document.documentElement.dataset.reach]"
        )

    assert larger > 1.15 * usual
    assert top > KIOSK[1] / 4
    assert faults == []
    assert after == ["0", ""]


async def test_newest_line_and_total_are_read_aloud(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        screen.do(scan(BREAD))
        await browser.open(screen.address, "basket")

        screen.do(scan(SOAP))
        await browser.comes_true("document.querySelector('#say').textContent.includes('3.69')")
        screen.do(CodeScanned("4006381333948"))
        await browser.page.wait_for_selector(".note-warn")

        assert await browser.page.text_content("#say") == "Hand soap £1.20. Total £3.69"
        assert "not added" in str(await browser.page.text_content("#alarm"))
        assert await browser.page.get_attribute("#say", "aria-live") == "polite"


async def test_offline_badge_says_what_still_works(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        await browser.open(screen.address, "attract")

        screen.do(LinkChanged(is_up=False))
        await browser.page.wait_for_selector(".note-quiet")

        assert await browser.text(".note-quiet") == "Offline. Scanning goes on, and you can pay by: Cash"


async def test_a_store_of_cards_alone_says_before_the_first_scan_that_paying_has_to_wait(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        screen.play = Play(box=idle_box(methods=("card",)))
        screen.do(LinkChanged(is_up=False))
        await browser.open(screen.address, "attract")
        told_at_once = await browser.text(".note-quiet")
        basket(screen.play)
        screen.play.play(touch("pay"))
        screen.show()
        await browser.page.wait_for_selector(".key-method:disabled")
        shown = await browser.page.inner_text("body")

        assert told_at_once == "Offline. Scanning goes on; paying has to wait."
        assert "You cannot pay at this till just now. Please call for help." in " ".join(shown.split())
        assert "Not now: this till is offline" in shown
        assert "another way to pay" not in shown
        assert await browser.page.locator(".key-method:enabled").count() == 0


async def test_key_under_a_finger_survives_new_views(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        basket(screen.play)
        screen.show()
        await browser.open(screen.address, "basket")
        await browser.page.evaluate("window.key = document.querySelector('[data-action=pay]')")

        screen.do(scan(SOAP))
        await browser.comes_true("document.querySelectorAll('.row').length === 6")

        assert await browser.page.evaluate("window.key.isConnected")


async def test_page_of_older_files_reloads_itself(chromium):
    async with screen_at_work() as screen, watched(chromium, screen, TILL) as browser:
        await browser.open(screen.address, "attract")
        await browser.page.evaluate("window.isOld = true")
        views = screen.server._views

        views._opening = views._opening.replace(b"data: ", b"data: f")
        views.close()
        await until(lambda: views.page_count == 0, "the stream ended")
        views._is_closed = False
        await browser.comes_true("!window.isOld")
        await browser.shows("attract")

        assert browser.foreign == []
