"""Row 66: line ends, terminal commands and turning marks in names, where people read them."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cloud.explain_command import show as show_story
from cloud.story import tell
from edge.commands import _Scrubbed
from edge.doctor import show as show_diagnosis
from protocol.plain_text import is_plain
from tests.builders import NOON_MS
from tests.edge.doctor_ward import Ward

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

POISON = {
    "clear the screen": "Rye\x1b[2J\x1b[H",
    "title of the window": "Rye\x1b]0;owned\x07",
    "a second line": "Rye\r\n2026-11-22 INFO all is well",
    "eight-bit escape": "Rye\x9b31m",
    "turned around": "Rye\u202e3.99\u202c",
    "backspaces": "Rye\x08\x08\x08999",
    "line separator": "Rye\u2028ERROR",
    "link": "Rye\x1b]8;;https://evil.example\x1b\\",
    "markup of the console": "[bold red]Rye[/bold red][link=https://evil.example]x[/link]",
}


def is_harmless(text: str) -> bool:
    return all(is_plain(line) for line in text.split("\n"))


@pytest.mark.parametrize("name", POISON)
async def test_row_66_explain_shows_no_byte_of_a_poisoned_name(estate: Estate, name) -> None:
    till = await estate.enrol()
    order, _ = till.open_sale()
    poison = POISON[name]
    told = {"v": 1, "t": "sale_voided", "at": NOON_MS, "boot": "00000001", "order": order, "reason": poison}
    for body in (
        json.dumps(told),
        json.dumps({**told, "t": poison}),
        json.dumps({**told, "at": 10**300}),
        json.dumps({"order": order, poison: poison}),
        json.dumps({"order": order, "at": poison, "t": [poison]}),
        '{"order":"' + order + '","a":' + "[" * 5_000,
    ):
        till.write_body(body.encode())
    till.write("sale_voided", order=order, reason="end")
    await estate.hear(till, "evt", till.batch())

    screen = io.StringIO()
    for story in await tell(estate.database, order):
        show_story(story, Console(file=screen, width=140, force_terminal=False))
        assert is_plain(json.dumps(story.as_json(), ensure_ascii=False))

    shown = screen.getvalue()
    assert order in shown
    assert is_harmless(shown)


@pytest.mark.parametrize("name", POISON)
@pytest.mark.parametrize("field", ["box", "tenant", "devices", "currency", "broker"])
async def test_row_66_the_doctor_shows_no_byte_of_a_poisoned_box_json(name, field, tmp_path) -> None:
    ward = Ward(tmp_path, NOON_MS)
    ward.provision()
    poison = POISON[name]
    changed = {"devices": {poison: {"port": poison}}, "broker": {poison: 1}}.get(field, poison)
    ward.change(**{field: changed, poison: poison})

    told = await ward.look()
    screen = io.StringIO()
    show_diagnosis(told, Console(file=screen, width=120, force_terminal=False))

    assert told.broken
    assert is_harmless(screen.getvalue())


@pytest.mark.parametrize("name", POISON)
def test_row_66_a_log_line_is_one_line_of_plain_text(name) -> None:
    record = logging.LogRecord("edge", logging.WARNING, "x.py", 1, "refused: %s", (POISON[name],), None)

    line = _Scrubbed("%(levelname)s %(name)s: %(message)s").format(record)

    assert "\n" not in line
    assert is_plain(line)


def test_row_66_a_log_line_shows_no_card_number_either() -> None:
    record = logging.LogRecord("edge", logging.WARNING, "x.py", 1, "got 4111111111111111", (), None)

    assert "4111111111111111" not in _Scrubbed("%(message)s").format(record)
