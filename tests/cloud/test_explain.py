"""`tillbox explain`: a story that a person can read, by any id; an unknown one is a named error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from cloud.database import open_database
from cloud.explain_command import explain
from cloud.story import tell
from cloud.story_words import heading, rows
from protocol.errors import CallerError, ConfigError, PeerError
from protocol.identifiers import to_paper
from tests.cloud.estate import Estate
from tests.cloud.tills import TENANT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def told(tmp_path: Path) -> tuple[str, str, str]:
    """A cash sale and a card sale in a database: (URL, order by cash, order by card)."""
    url = f"sqlite:///{tmp_path}/cloud.db"
    estate = Estate(await open_database(url))
    till = await estate.enrol()
    cash = till.cash_sale()
    till.at_ms += 5_000
    card, priced = till.open_sale()
    tender = till.intend(card, priced.total_minor)
    await estate.hear(till, "req", till.request("pay", tender))
    await estate.settle()
    till.at_ms += 312
    till.result(tender)
    till.complete(card, priced, tender)
    await estate.hear(till, "evt", till.batch())
    await estate.consumer.close()
    await estate.database.close()
    return url, cash, card


async def test_every_step_from_scan_to_ledger_is_a_row(told):
    url, _, card = told
    database = await open_database(url)

    (story,) = await tell(database, card)
    found = rows(story)

    await database.close()
    assert [row.what for row in found if row.who == "box"] == [
        "sale opened", "line added", "line added", "tender intended", "tender result", "fulfilment result",
        "sale completed",
    ]  # fmt: skip
    said = {(row.who, row.what): row.details for row in found}
    assert "2: 0.450 kg Apples  1.35 (scan)" in [row.details for row in found]
    assert said["box", "tender intended"] == "card 6.33 476173******0119"
    assert said["ledger", "card-approved"] == "card-clearing +6.33, customer-deposits -6.33"
    assert ("tender to answer", "312 ms") in heading(story)
    assert ("order", f"{to_paper(int(card))}  ({card})") in heading(story)


def run(*arguments: str, **more: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(explain, list(arguments), env=more or None)
    return result.exit_code, result.output, result.exception


async def in_thread(*arguments: str, **more: str) -> tuple[int, str, BaseException | None]:
    import asyncio

    return await asyncio.to_thread(run, *arguments, **more)


async def test_the_table_is_readable_without_a_terminal(told):
    url, cash, _ = told

    code, output, _ = await in_thread(to_paper(int(cash)), "--database", url)

    assert code == 0
    assert "\x1b[" not in output
    assert all(
        word in output for word in (cash, TENANT, "completed", "cash:till-1 +", "given", "change 1.00")
    )
    assert max(len(line.rstrip()) for line in output.splitlines()) <= 140


async def test_no_color_is_honoured_and_color_is_there_without_it(told, monkeypatch):
    from cloud.explain_command import show

    url, cash, _ = told
    database = await open_database(url)
    (story,) = await tell(database, cash)
    await database.close()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Console(force_terminal=True, width=120), None

    with coloured.capture() as seen:
        show(story, coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Console(force_terminal=True, width=120)
    with plain.capture() as seen_plain:
        show(story, plain)

    assert "\x1b[32m" in seen.get()
    assert "\x1b[32m" not in seen_plain.get()


async def test_json_is_the_whole_story(told):
    url, _, card = told

    code, output, _ = await in_thread(card, "--database", url, "--json")

    (story,) = json.loads(output)
    assert code == 0
    assert story["now"]["state"] == "completed"
    assert {event["source"] for event in story["events"]} == {"box", "payments", "ledger"}


async def test_ids_are_texts_in_json_since_many_readers_have_no_room_for_63_bits(told):
    url, _, card = told

    _, output, _ = await in_thread(card, "--database", url, "--json")

    (story,) = json.loads(output)
    assert story["order"] == card
    assert [number for number in numbers_in(story) if number > 2**53] == []


def numbers_in(value: object) -> list[int]:
    """Every number anywhere in a JSON value."""
    if isinstance(value, dict):
        return numbers_in(list(value.values()))
    if isinstance(value, list):
        return [number for entry in value for number in numbers_in(entry)]
    return [value] if isinstance(value, int) else []


@pytest.mark.parametrize(
    ("text", "fault", "code"),
    [
        ("42", CallerError, "sale-unknown"),
        ("0000-0003G-00R1T", PeerError, "id-paper-check"),
        ("hello", PeerError, "id-paper-length"),
        ("9" * 19, PeerError, "id-too-large"),
        ("9" * 5000, PeerError, "id-too-large"),
    ],
)
async def test_an_unknown_or_mistyped_id_is_a_named_error(told, text, fault, code):
    _, _, raised = await in_thread(text, "--database", told[0])

    assert isinstance(raised, fault)
    assert raised.code == code


async def test_looking_never_makes_a_database(tmp_path):
    _, _, raised = await in_thread("42", "--database", f"sqlite:///{tmp_path}/none.db")

    assert isinstance(raised, ConfigError)
    assert raised.code == "database-missing"
    assert list(tmp_path.iterdir()) == []


async def test_neither_or_both_places_are_a_usage_error(told, tmp_path):
    assert (await in_thread("42"))[0] == 2
    assert (await in_thread("42", "--cloud", str(tmp_path), "--database", told[0]))[0] == 2
