"""Bad input at the shopper's screen: hostile-cases rows 60, 63, 64 and 65; for its page see test_screen_page.py."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from edge.badge import MAX_WRONG_PER_ID
from edge.screen import connections, touches
from edge.screen.connections import MAX_CONNECTIONS
from edge.screen.touches import StaffTouch, read_staff_touch
from tests.edge.screen_at_work import PIN, screen_at_work, until
from tests.edge.screen_client import ask, exchange, post, read_answer, request, stream

pytestmark = pytest.mark.slow

START = json.dumps({"action": "start"}).encode()


@pytest.mark.parametrize("path", ["/", "/events", "/act", "/attend", "/static/page.js"])
@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1.evil.example:{port}",
        "localhost:1",
        "",
        "127.0.0.1:{port}@evil.example",
    ],
)
async def test_row_63_foreign_host_is_refused(path, name):
    async with screen_at_work() as screen:
        method = "POST" if path in ("/act", "/attend") else "GET"

        answer = await ask(screen.host, method, path, START, Host=name.format(port=screen.host[1]))

    assert (answer.status, answer.error) == (421, "host-foreign")
    assert screen.posted == []


@pytest.mark.parametrize("path", ["/act", "/attend", "/events", "/"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://localhost:{port}", "{host}"]
)
async def test_row_63_foreign_origin_is_refused(path, origin):
    async with screen_at_work() as screen:
        method = "POST" if path in ("/act", "/attend") else "GET"
        name = "{}:{}".format(*screen.host)

        answer = await ask(
            screen.host, method, path, START, Origin=origin.format(host=name, port=screen.host[1])
        )

    assert (answer.status, answer.error) == (403, "origin-foreign")
    assert screen.posted == []


async def test_row_63_missing_origin_cannot_act():
    async with screen_at_work() as screen:
        for path in ("/act", "/attend"):
            answer = await ask(screen.host, "POST", path, START, Origin=None)
            assert (answer.status, answer.error) == (403, "origin-missing")

    assert screen.posted == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_row_63_browser_that_says_it_comes_from_elsewhere_is_refused(site):
    async with screen_at_work() as screen:
        acting = await ask(screen.host, "POST", "/act", START, Sec_Fetch_Site=site)
        reading = await ask(screen.host, "GET", "/", Sec_Fetch_Site=site)

    assert acting.status == 403
    assert reading.status == (200 if site == "none" else 403)
    assert screen.posted == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
async def test_row_63_form_of_another_page_cannot_act(kind):
    async with screen_at_work() as screen:
        answer = await ask(screen.host, "POST", "/act", START, Content_Type=kind)

    assert (answer.status, answer.error) == (400, "body-not-json")
    assert screen.posted == []


MALFORMED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"start"',
    b'{"action":"start"',
    b'{"action":"start"}x',
    b'{"action":"start","action":"pay"}',
    b'{"action":1}',
    b'{"action":null}',
    b'{"action":["start"]}',
    b'{"action":{"a":{"b":1}}}',
    b'{"action":""}',
    b'{"action":"START!"}',
    b'{"action":"' + b"a" * 33 + b'"}',
    b'{"action":"start","line":1.5}',
    b'{"action":"start","line":-1}',
    b'{"action":"start","line":true}',
    b'{"action":"start","line":NaN}',
    b'{"action":"start","line":1001}',
    b'{"action":"start","line":99999999999999999999999999}',
    b'{"action":"start","choice":"a b"}',
    b'{"action":"start","choice":"\\ud800"}',
    b'{"action":"start","extra":1}',
    b'{"choice":"print"}',
    b"\xff\xfe",
    b'{"action":"st\x00art"}',
    b'{"action":"../../etc"}',
    b'{"action":"{{7*7}}"}',
    b'{"action":"${jndi}"}',
    b'{"action":"%s%n"}',
    b'{"action":"{0.__class__}"}',
]


@pytest.mark.parametrize("body", MALFORMED)
async def test_rows_60_and_64_malformed_touch_is_refused_and_the_screen_goes_on(body):
    async with screen_at_work() as screen:
        answer = await ask(screen.host, "POST", "/act", body)
        after = await ask(screen.host, "POST", "/act", START)

    assert answer.status == 400
    assert answer.error
    assert after.status == 204
    assert len(screen.posted) == 1


STAFF_MALFORMED = [
    {"by": "17", "pin": PIN},
    {"by": "17", "act": "unlock"},
    {"by": 17, "pin": PIN, "act": "unlock"},
    {"by": "17", "pin": 2468, "act": "unlock"},
    {"by": "17", "pin": "", "act": "unlock"},
    {"by": "17", "pin": "1" * 17, "act": "unlock"},
    {"by": "x" * 33, "pin": PIN, "act": "unlock"},
    {"by": "1\n7", "pin": PIN, "act": "unlock"},
    {"by": "17", "pin": PIN, "act": "cash_counted", "amount_minor": -1},
    {"by": "17", "pin": PIN, "act": "cash_counted", "amount_minor": 10**12},
    {"by": "17", "pin": PIN, "act": "cash_counted", "amount_minor": 1.5},
    {"by": "17", "pin": PIN, "act": "unlock", "reason": "<script>"},
    {"by": "17", "pin": PIN, "act": "unlock", "is_admin": True},
]


@pytest.mark.parametrize("fields", STAFF_MALFORMED)
async def test_row_64_malformed_staff_act_is_refused_before_any_check(fields):
    async with screen_at_work() as screen:
        answer = await post(screen.host, "/attend", fields)

    assert answer.status == 400
    assert screen.posted == []


async def test_row_64_body_that_is_too_large_is_refused():
    async with screen_at_work() as screen:
        answer = await ask(screen.host, "POST", "/act", b'{"action":"' + b"a" * 2_000 + b'"}')
        # One that is still being sent when it is refused may only see the line cut.
        huge = await exchange(screen.host, request(screen.host, "POST", "/act", b"a" * 5_000_000))
        after = await ask(screen.host, "GET", "/")

    assert (answer.status, answer.error) == (400, "body-too-large")
    assert huge == b"" or read_answer(huge).error == "body-too-large"
    assert after.status == 200
    assert screen.posted == []


async def test_row_64_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(touches, "BODY_WAIT_S_MAX", 0.05)

    async with screen_at_work() as screen:
        raw = request(screen.host, "POST", "/act", b"{", Content_Length="100")
        answer = read_answer(await exchange(screen.host, raw))

    assert (answer.status, answer.error) == (400, "body-too-slow")


async def test_row_64_connection_that_asks_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_WAIT_S_MAX", 0.05)

    async with screen_at_work() as screen:
        silent = await exchange(screen.host, b"")
        half = await exchange(screen.host, b"GET / HTTP/1.1\r\nHost: ")
        monkeypatch.undo()  # what follows may be slow on a loaded machine
        after = await ask(screen.host, "GET", "/")

    assert (silent, half) == (b"", b"")
    assert after.status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: {host}\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /?" + b"a=1&" * 100_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET /?" + b"a=1&" * 100 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"X: 1\r\n" * 10_000 + b"\r\n",
        b"POST /act HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /act HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nBad Header: 1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n" * 20_000,
        b"GARBAGE\r\n\r\n",
    ],
)
async def test_row_64_broken_request_is_refused_and_the_screen_goes_on(raw):
    async with screen_at_work() as screen:
        name = "{}:{}".format(*screen.host).encode()

        answer = await exchange(screen.host, raw.replace(b"{host}", name))
        after = await ask(screen.host, "GET", "/")

    assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4")
    assert after.status == 200
    assert screen.posted == []


async def test_row_64_ranges_are_not_served():
    async with screen_at_work() as screen:
        whole = await ask(screen.host, "GET", "/static/page.css")
        ranged = await ask(screen.host, "GET", "/static/page.css", Range="bytes=0-1,2-3,4-5,-1,0-")

    assert (ranged.status, ranged.body) == (200, whole.body)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static/",
        "/static/page.py",
        "/etc/passwd",
        "//evil.example/",
        "/static/page.js%00.css",
    ],
)
async def test_row_64_only_the_pages_own_files_can_be_fetched(path):
    async with screen_at_work() as screen:
        answer = await ask(screen.host, "GET", path)

    assert answer.status in (400, 404)
    assert b"import" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "HEAD", "CONNECT"])
async def test_row_64_other_methods_are_refused(method):
    async with screen_at_work() as screen:
        answer = await ask(screen.host, method, "/act")

    assert answer.status == 405


async def test_row_64_sockets_are_bounded_and_the_open_page_goes_on():
    async with screen_at_work() as screen, stream(screen.host) as page:
        await page.view()
        flood = [await asyncio.open_connection(*screen.host) for _ in range(3 * MAX_CONNECTIONS)]
        cut = [reader for reader, _ in flood[MAX_CONNECTIONS:]]
        await until(lambda: all(reader.at_eof() or reader.exception() for reader in cut), "the flood is cut")

        screen.server.changed(lambda: {"page": "still here"})

        assert (await page.view()) == {"page": "still here"}
        for _, writer in flood:
            writer.close()


async def test_row_65_guessing_a_pin_locks_and_tells_nothing_about_ids():
    async with screen_at_work() as screen:
        answers = {}
        for by in ("17", "99"):
            fields = {"by": by, "pin": "0000", "act": "unlock"}
            answers[by] = [await post(screen.host, "/attend", fields) for _ in range(MAX_WRONG_PER_ID + 1)]
        right = await post(screen.host, "/attend", {"by": "17", "pin": PIN, "act": "unlock"})

    told = {by: [(each.status, each.body) for each in given] for by, given in answers.items()}
    assert told["17"] == told["99"]
    assert [each.status for each in answers["17"]] == [403] * (MAX_WRONG_PER_ID - 1) + [429, 429]
    assert json.loads(answers["17"][-1].body) == {"error": "staff-locked", "wait_s": 60}
    assert (right.status, right.error) == (429, "staff-locked")
    assert screen.posted == []


async def test_row_65_pin_is_in_no_log_no_answer_and_no_representation(caplog):
    caplog.set_level(logging.DEBUG)
    secret = "86420975"

    async with screen_at_work() as screen:
        answers = [
            await post(screen.host, "/attend", {"by": "17", "pin": secret, "act": "unlock"}) for _ in range(7)
        ]

    touch = read_staff_touch(json.dumps({"by": "17", "pin": secret, "act": "unlock"}).encode())
    assert isinstance(touch, StaffTouch)
    assert secret not in repr(touch)
    assert all(secret.encode() not in answer.body for answer in answers)
    assert secret not in caplog.text
