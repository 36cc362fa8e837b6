"""The acquirer simulator: its cases, its books, its duplicates, its process."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from simulators.acquirer import wire
from simulators.acquirer.books import Books
from simulators.acquirer.host import Acquirer, HostTimes
from simulators.acquirer.magic import CASES, as_markdown, case_of
from simulators.cards import BY_NAME, CARDS, host_cases, unique_card
from tests.cloud.card_zone_running import connected

ROOT = Path(__file__).resolve().parents[2]


def purchase(stan: int, amount: int = 1250, pan: str = "4111111111111111") -> wire.Fields:
    return {
        "t": "0200",
        "2": pan,
        "3": "000000",
        "4": f"{amount:012d}",
        "7": "1122150000",
        "11": f"{stan:06d}",
        "14": "3012",
        "41": "TERM0001",
        "42": "M1             ",
        "49": "978",
        "62": f"acme/{stan}",
    }


def reversal(stan: int, of: int, kind: str = "0400") -> wire.Fields:
    return {
        **purchase(stan),
        "t": kind,
        "39": "68",
        "62": f"acme/{of}",
        "90": f"0200{of:06d}1122150000" + "0" * 22,
    }


class Link:
    """A terminal's side of one link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, fields: wire.Fields) -> wire.Fields:
        self.writer.write(wire.write(fields))
        return await self.answer()

    async def answer(self) -> wire.Fields:
        async with asyncio.timeout(10):
            length = int.from_bytes(await self.reader.readexactly(2), "big")
            return wire.read(await self.reader.readexactly(length))


class Listening(Acquirer):
    """An acquirer that knows its ports."""

    ports: list[int]


@pytest.fixture
async def acquirer(tmp_path):
    host = Listening(Books(tmp_path / "books.jsonl"), HostTimes(late_ms=50), host_cases())
    host.ports = [await host.start()]
    yield host
    await host.stop()
    host.books.close()


async def linked(host) -> Link:
    return Link(*await asyncio.open_connection("127.0.0.1", host.ports[0]))


async def test_it_signs_on_echoes_and_approves(acquirer):
    link = await linked(acquirer)

    signed_on = await link.ask({"t": "0800", "7": "1122150000", "11": "000001", "70": "001"})
    echoed = await link.ask({"t": "0800", "7": "1122150000", "11": "000002", "70": "301"})
    paid = await link.ask(purchase(3))

    assert (signed_on["t"], signed_on["39"], signed_on["70"]) == ("0810", "00", "001")
    assert echoed["39"] == "00"
    assert (paid["t"], paid["39"], paid["11"], paid["41"], paid["4"]) == (
        "0210",
        "00",
        "000003",
        "TERM0001",
        "000000001250",
    )
    assert len(paid["37"]) == 12
    assert len(paid["38"]) == 6
    assert acquirer.books.net() == {("acme", "3"): 1250}


async def test_the_same_message_again_is_captured_once_and_answered_the_same(acquirer):
    link = await linked(acquirer)

    first, again = await link.ask(purchase(3)), await link.ask(purchase(3))

    assert first == again
    assert acquirer.counts["duplicate"] == 1
    assert len(acquirer.books.lines()) == 1


async def test_a_reversal_undoes_once_and_a_repeat_gets_the_same_answer(acquirer):
    link = await linked(acquirer)
    await link.ask(purchase(3))

    first = await link.ask(reversal(4, of=3))
    repeat = await link.ask(reversal(4, of=3, kind="0401"))
    another = await link.ask(reversal(5, of=3))

    assert first == repeat
    assert another["39"] == "00"
    assert acquirer.books.net() == {("acme", "3"): 0}
    assert [line["amount_minor"] for line in acquirer.books.lines()] == [1250, 1250, 0]


async def test_a_reversal_of_an_unknown_purchase_is_accepted_and_refuses_it_later(acquirer):
    link = await linked(acquirer)

    undone = await link.ask(reversal(4, of=3))
    late = await link.ask(purchase(3))

    assert undone["39"] == "00"
    assert late["39"] == "12"
    assert acquirer.books.net() == {("acme", "3"): 0}


async def test_books_are_read_again_after_a_restart_and_hold_no_card_number(acquirer, tmp_path):
    link = await linked(acquirer)
    await link.ask(purchase(3))
    await link.ask(purchase(5, pan=BY_NAME["mastercard"].pan))
    await link.ask(reversal(4, of=3))

    again = Books(tmp_path / "books.jsonl")

    assert again.lines() == acquirer.books.lines()
    assert again.net() == {("acme", "3"): 0, ("acme", "5"): 1250}
    assert int(again.next_rrn()) > int(again.lines()[1]["rrn"])
    text = (tmp_path / "books.jsonl").read_text()
    assert "411111******1111" in text
    assert not any(card.pan in text for card in CARDS)
    again.close()


async def test_a_late_answer_holds_up_nobody(acquirer):
    link = await linked(acquirer)
    link.writer.write(wire.write(purchase(3, 990_080)))

    prompt = await link.ask(purchase(4))
    late = await link.answer()

    assert (prompt["11"], late["11"]) == ("000004", "000003")


async def test_a_card_may_choose_the_case_and_so_may_the_control_line(acquirer):
    link = await linked(acquirer)

    by_card = await link.ask(purchase(3, pan=BY_NAME["no-funds"].pan))
    acquirer.use_next(41)
    by_hand = await link.ask(purchase(4))
    after = await link.ask(purchase(5))

    assert [answer["39"] for answer in (by_card, by_hand, after)] == ["51", "41", "00"]


async def test_without_magic_amounts_only_cards_carry_cases(acquirer):
    acquirer.has_magic_amounts = False
    link = await linked(acquirer)

    by_amount = await link.ask(purchase(3, 990_005))
    by_card = await link.ask(purchase(4, 990_005, pan=BY_NAME["no-funds"].pan))

    assert (by_amount["39"], by_card["39"]) == ("00", "51")


async def test_garbage_is_counted_and_the_link_stays(acquirer):
    link = await linked(acquirer)
    link.writer.write(b"\x00\x05hello")

    answer = await link.ask(purchase(3))

    assert answer["39"] == "00"
    assert acquirer.counts["malformed"] == 1


def test_only_amounts_of_the_magic_range_are_magic():
    cases = {amount: case_of(amount).number for amount in (5, 989_905, 990_005, 999_951, 1_000_005, 990_011)}

    assert cases == {5: 0, 989_905: 0, 990_005: 5, 999_951: 51, 1_000_005: 0, 990_011: 0}
    assert case_of(990_005, card_case=51).number == 51


def test_the_table_in_the_documentation_is_the_table_in_the_code():
    page = (ROOT / "docs/reference/magic-amounts.md").read_text()

    assert as_markdown() in page
    for card in CARDS:
        assert re.search(rf"\| {card.name} \|.*\| {card.masked.replace('*', '.')} \|", page), card.name


def test_every_card_has_a_number_of_its_own_and_a_case_that_exists():
    numbers = [card.pan for card in CARDS] + [unique_card(number).pan for number in range(1_000)]

    assert len(set(numbers)) == len(numbers)
    assert {card.host_case for card in CARDS} <= set(CASES) | {-1}


async def test_the_process_tells_its_port_and_obeys_its_control_line(tmp_path):
    control = tmp_path / "acquirer.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.acquirer.main", "--control", str(control),
        "--books", str(tmp_path / "books.jsonl"), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = json.loads(await process.stdout.readline())["port"]
        link = Link(*await asyncio.open_connection("127.0.0.1", port))
        reader, writer = await connected(control)

        await link.ask(purchase(3))
        writer.write(b'{"do": "net"}\n{"do": "next", "case": 777}\n{"do": "links"}\n')
        answers = [json.loads(await reader.readline()) for _ in range(3)]

        assert answers[0] == {"ok": True, "result": [["acme", "3", 1250]]}
        assert answers[1]["ok"] is False
        assert answers[2] == {"ok": True, "result": 1}
        writer.close()
    finally:
        process.terminate()
        await process.wait()
