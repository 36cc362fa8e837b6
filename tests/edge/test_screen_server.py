"""The screen's server: what the page gets, what it may post, and how the stream of views behaves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from functools import partial

import pytest

from edge.events import AttendantActed, CodeScanned, LinkChanged, ShopperActed
from edge.screen.server import MAX_TOUCHES_PER_S, ScreenServer
from edge.screen.stream import MAX_STREAMS, Views
from edge.screen.view import view_of
from edge.settings import read_settings
from protocol.errors import ConfigError
from tests.builders import BREAD, SOAP, Play, idle_box
from tests.edge.screen_at_work import PIN, screen_at_work, until
from tests.edge.screen_client import ask, post, stream

SCAN_BREAD = CodeScanned(BREAD.gtin.removeprefix("0"))
SCAN_SOAP = CodeScanned(SOAP.gtin.removeprefix("0"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/page.js", "text/javascript"),
        ("/static/words.js", "text/javascript"),
        ("/static/page.css", "text/css"),
        ("/static/icons.svg", "image/svg+xml"),
    ],
)
async def test_page_comes_from_memory_with_every_guarding_header(path, kind):
    async with screen_at_work() as screen:
        answer = await ask(screen.host, "GET", path)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "server" not in answer.headers


async def test_look_and_logo_of_the_store_are_given_by_their_digest_only():
    png = b"\x89PNG\r\n\x1a\n"
    looks = {"colours": {"brand": "#7a1f5c"}, "logo": base64.b64encode(png).decode()}
    play = Play(box=idle_box(screen=read_settings({"screen": looks}).screen))

    async with screen_at_work(play) as screen:
        digest = screen.view()["look"]
        look = await ask(screen.host, "GET", f"/look/{digest}")
        logo = await ask(screen.host, "GET", f"/logo/{digest}")
        others = [
            await ask(screen.host, "GET", path)
            for path in ("/look/0000", "/logo/0000", "/look/", "/logo/..%2f")
        ]
        screen.play = Play(box=idle_box())
        gone = [await ask(screen.host, "GET", f"/{name}/{digest}") for name in ("look", "logo")]

    assert json.loads(look.body)["colours"]["brand"] == "#7a1f5c"
    assert (logo.body, logo.headers["content-type"]) == (png, "image/png")
    assert logo.headers["x-content-type-options"] == "nosniff"
    assert {answer.status for answer in (*others, *gone)} == {404}


async def test_page_holds_nothing_inline_and_nothing_from_elsewhere():
    async with screen_at_work() as screen:
        html = (await ask(screen.host, "GET", "/")).body.decode()

    assert "style=" not in html
    assert "onclick" not in html
    assert "//" not in html
    assert html.count("<script") == html.count('<script type="module" src="/static/')


async def test_touch_is_posted_as_an_event_and_shows_in_the_next_view():
    async with screen_at_work() as screen, stream(screen.host) as page:
        assert (await page.view())["page"] == "attract"

        answer = await post(screen.host, "/act", {"action": "start"})

        assert answer.status == 204
        assert screen.posted == [ShopperActed("start")]
        assert (await page.view())["page"] == "basket"


async def test_touch_carries_line_and_choice():
    async with screen_at_work() as screen:
        screen.do(SCAN_BREAD)

        await post(screen.host, "/act", {"action": "void_line", "line": 1})
        await post(screen.host, "/act", {"action": "language", "choice": "zh"})

    assert screen.posted == [ShopperActed("void_line", line=1), ShopperActed("language", choice="zh")]


async def test_touches_of_a_broken_screen_are_bounded():
    async with screen_at_work() as screen:
        answers = [
            await post(screen.host, "/act", {"action": "more_time"}) for _ in range(MAX_TOUCHES_PER_S + 5)
        ]

        assert len(screen.posted) <= MAX_TOUCHES_PER_S + 5
        assert {answer.status for answer in answers} <= {204, 429}
        assert answers[-1].status == 429 or len(screen.posted) > MAX_TOUCHES_PER_S


async def test_stream_begins_with_the_files_digest_and_the_whole_view():
    async with screen_at_work() as screen:
        screen.do(SCAN_BREAD, SCAN_SOAP)

        async with stream(screen.host) as page:
            first, view = await page.event(), await page.view()

    assert first["event"] == "page"
    assert len(first["data"]) == 16
    assert view == json.loads(json.dumps(view_of(screen.play.box)))
    assert view["sale"]["total"] == "3.69"


async def test_view_that_did_not_change_is_not_sent_again():
    async with screen_at_work() as screen, stream(screen.host) as page:
        await page.view()

        screen.show()
        screen.show()
        screen.do(SCAN_BREAD)

        assert (await page.view())["sale"]["total"] == "2.49"


async def test_view_is_encoded_once_for_all_pages_and_not_at_all_without_one():
    views = Views("0" * 16)
    views.show({"page": "basket"})
    assert views._encoded is None
    taken: list[list[bytes]] = [[], []]

    async def never():
        await asyncio.Event().wait()

    async def serve(sent):
        async def send(message):
            sent.append(message.get("body", b""))

        await views({"method": "GET"}, never, send)

    pages = [asyncio.create_task(serve(sent)) for sent in taken]
    await until(lambda: all(len(sent) == 3 for sent in taken), "both pages have the view")
    views.close()
    await asyncio.gather(*pages)

    assert taken[0][2] is taken[1][2]


async def test_view_is_drawn_only_for_a_page_that_reads_it_and_then_once():
    drawn: list[int] = []

    def look():
        drawn.append(len(drawn))
        return {"page": len(drawn)}

    async with screen_at_work() as screen:
        for _ in range(50):
            screen.server.changed(look)
        assert drawn == []

        async with stream(screen.host) as page:
            assert (await page.view()) == {"page": 1}
            for _ in range(50):
                screen.server.changed(look)
            assert (await page.view()) == {"page": 2}


async def test_silent_stream_is_kept_alive():
    async with screen_at_work() as screen:
        screen.server._views._keep_alive_s = 0.02

        async with stream(screen.host) as page:
            await page.event()
            await page.view()
            beat = await page.event()

    assert beat == {"": "keep-alive", "event": "beat", "data": "beat"}


async def test_page_that_reads_slowly_gets_the_newest_view_and_misses_those_between():
    views = Views("0" * 16)
    taken, gate = [], asyncio.Event()

    async def send(message):
        taken.append(message.get("body", b""))
        await gate.wait()

    async def receive():
        await asyncio.Event().wait()

    gate.set()
    views.show({"page": 0})
    serving = asyncio.create_task(views({"method": "GET"}, receive, send))
    await until(lambda: len(taken) == 3, "head, digest and the first view")
    gate.clear()
    views.show({"page": 1})
    await until(lambda: len(taken) == 4, "the view that the page is slow to take")
    for number in range(2, 50):
        views.show({"page": number})
    gate.set()
    await until(lambda: len(taken) == 5, "the newest view")
    views.close()
    await serving

    assert [json.loads(body[6:]) for body in taken[2:5]] == [{"page": 0}, {"page": 1}, {"page": 49}]


async def test_page_that_reads_nothing_is_cut_off_and_the_others_go_on():
    async with screen_at_work() as screen:
        screen.server._views._slow_s = 1.0  # the one that reads is never so slow, on any machine
        async with stream(screen.host) as reading, stream(screen.host) as stuck:
            await reading.view()
            long = {"page": "x" * 200_000}
            for number in range(200):
                screen.server.changed(partial(dict, long, number=number))
                await reading.view()
                if screen.server._views.pages_cut:
                    break
            await until(lambda: screen.server.page_count == 1, "the stuck page is let go")
            screen.server.changed(lambda: {"page": "after"})

            assert (await reading.view()) == {"page": "after"}
            assert screen.server._views.pages_cut == 1
            await stuck.ended()


async def test_streams_are_bounded_and_a_page_that_left_makes_room():
    async with screen_at_work() as screen, contextlib.AsyncExitStack() as pages:
        for _ in range(MAX_STREAMS - 1):
            await pages.enter_async_context(stream(screen.host))
        async with stream(screen.host):
            refused = await ask(screen.host, "GET", "/events")
        await until(lambda: screen.server.page_count == MAX_STREAMS - 1, "the page that left is forgotten")

        async with stream(screen.host) as page:
            assert (await page.view())["page"] == "attract"
        assert (refused.status, refused.error) == (503, "streams-full")


async def test_staff_act_is_posted_only_with_the_right_pin():
    async with screen_at_work() as screen:
        fields = {"by": "17", "act": "drawer_opened"}

        wrong = await post(screen.host, "/attend", fields | {"pin": "1111"})
        right = await post(screen.host, "/attend", fields | {"pin": PIN})

    assert (wrong.status, wrong.error) == (403, "staff-refused")
    assert (right.status, json.loads(right.body)) == (200, {"name": "Ada"})
    assert screen.posted == [AttendantActed("drawer_opened", "17")]


async def test_unlocking_checks_the_pin_and_posts_nothing():
    async with screen_at_work() as screen:
        answer = await post(screen.host, "/attend", {"by": "17", "pin": PIN, "act": "unlock"})

    assert json.loads(answer.body) == {"name": "Ada"}
    assert screen.posted == []


async def test_staff_act_carries_line_amount_and_reason():
    async with screen_at_work() as screen:
        fields = {
            "by": "17",
            "pin": PIN,
            "act": "cash_counted",
            "line": 3,
            "amount_minor": 2000,
            "reason": "why",
        }

        await post(screen.host, "/attend", fields)

    assert screen.posted == [AttendantActed("cash_counted", "17", line=3, amount_minor=2000, reason="why")]


async def test_box_without_staff_check_refuses_every_attendant():
    async with screen_at_work() as screen:
        screen.server._badge = None

        answer = await post(screen.host, "/attend", {"by": "17", "pin": PIN, "act": "unlock"})

    assert (answer.status, answer.error) == (403, "staff-refused")


async def test_stopping_ends_open_streams_and_frees_the_port():
    async with contextlib.AsyncExitStack() as pages:
        async with screen_at_work() as screen:
            page = await pages.enter_async_context(stream(screen.host))
            await page.view()
        await page.ended()

        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*screen.host)


async def test_server_on_a_taken_port_says_so():
    async with screen_at_work() as screen:
        second = ScreenServer(screen.post, port=screen.host[1])

        with pytest.raises(ConfigError) as refused:
            await second.run()

        assert refused.value.code == "screen-port-taken"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_screen_listens_on_loopback_only(host):
    with pytest.raises(ConfigError) as refused:
        ScreenServer(print, host=host)

    assert refused.value.code == "screen-not-loopback"


async def test_offline_badge_knows_what_still_works():
    async with screen_at_work() as screen, stream(screen.host) as page:
        await page.view()

        screen.do(LinkChanged(is_up=False))
        view = await page.view()

    assert view["methods"] == ["cash"]
    assert view["methods_closed"] == {"card": "offline"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/static/nothing.js", 404, "file-unknown"),
        ("GET", "/static/../server.py", 404, "file-unknown"),
        ("GET", "/favicon.ico", 404, "file-unknown"),
        ("POST", "/nothing", 404, "file-unknown"),
        ("GET", "/act", 405, "method-unknown"),
        ("POST", "/", 405, "method-unknown"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(method, path, status, code):
    async with screen_at_work() as screen:
        if method == "POST":
            answer = await post(screen.host, path, {})
        else:
            answer = await ask(screen.host, method, path)

    assert (answer.status, json.loads(answer.body)) == (status, {"error": code})
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_action_that_nobody_knows_is_refused_and_not_taken_for_done():
    async with screen_at_work() as screen:
        answer = await post(screen.host, "/act", {"action": "fly"})
        known = await post(screen.host, "/act", {"action": "start"})

    assert (answer.status, json.loads(answer.body)) == (400, {"error": "action-unknown"})
    assert known.status == 204


@pytest.mark.parametrize(("act", "status"), [("fly", 400), ("line_voided", 200), ("unlock", 200)])
async def test_an_act_of_staff_that_nobody_knows_is_refused_before_the_check(act, status):
    async with screen_at_work() as screen:
        answer = await post(screen.host, "/attend", {"by": "17", "pin": PIN, "act": act})

    assert answer.status == status
    assert (json.loads(answer.body) == {"error": "act-unknown"}) == (act == "fly")
