"""Rows 49 and 76: an acquirer, or whoever sits on its line, that answers for something else; cards sealed for others.

The card zone is the real process; the host is scripted and answers one purchase with whatever the case says.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from simulators.acquirer import wire
from tests.cloud.card_zone_running import ZoneStage, zone_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    Fields = dict[str, str]

pytestmark = pytest.mark.slow

# What a lying host answers a purchase with: changes of a whole and honest approval.
LIES: dict[str, Fields] = {
    "another trace number": {"11": "000999"},
    "another terminal": {"41": "TERM0099"},
    "another time of sending": {"7": "0101000000"},
    "a type that is no answer": {"t": "0200"},
    "a reversal's answer": {"t": "0410"},
    "nine more zeros": {"4": "125000000000"},
    "one unit more": {"4": "000000001251"},
    "one unit less": {"4": "000000001249"},
    "dollars": {"49": "840"},
    "a code nobody defined": {"39": "ZZ"},
    "part of it": {"39": "10"},
}


@contextlib.asynccontextmanager
async def lying_host(
    directory: Path, lie: Callable[[Fields], bytes]
) -> AsyncIterator[tuple[ZoneStage, list[Fields]]]:
    """A zone whose acquirer answers purchases with a lie and reversals honestly; what it was asked."""
    asked: list[Fields] = []

    async def host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while head := await reader.read(2):
                fields = wire.read(await reader.readexactly(int.from_bytes(head, "big")))
                asked.append(fields)
                writer.write(lie(fields) if fields["t"] == "0200" else wire.write(wire.answer(fields, "00")))

    async with zone_stage(directory) as stage:
        server = await asyncio.start_server(host, "127.0.0.1", 0)
        stage.port = server.sockets[0].getsockname()[1]
        await stage.start()
        await stage.is_up()
        yield stage, asked
        server.close()


def approval(fields: Fields, **changes: str) -> bytes:
    honest = wire.answer(fields, "00") | {
        "37": "000000000001",
        "38": "123456",
        "4": fields["4"],
        "49": fields["49"],
    }
    return bytes(wire.write(honest | changes))


async def test_row_49_the_scripted_host_is_believed_when_it_is_honest(tmp_path):
    async with lying_host(tmp_path, approval) as (stage, _):
        assert (await stage.pay(1, deadline_ms=5_000))["outcome"] == "approved"


@pytest.mark.parametrize("name", LIES)
async def test_row_49_an_answer_for_something_else_is_never_an_approval(name, tmp_path):
    async with lying_host(tmp_path, lambda fields: approval(fields, **LIES[name])) as (stage, asked):
        answer = await stage.pay(1, deadline_ms=700)
        async with asyncio.timeout(20):
            while answer["outcome"] == "unknown" and "0400" not in [fields["t"] for fields in asked]:  # noqa: ASYNC110 - it is told by another process
                await asyncio.sleep(0.02)

        assert answer["outcome"] in ("unknown", "declined")
        assert [fields["t"] for fields in asked].count("0200") == 1


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"\x00\x00",
        b"\xff\xff" + b"A" * 65_535,
        b"\x00\x04spam",
        bytes(10_000),
    ],
)
async def test_row_49_no_answer_or_pages_of_anything_is_unknown(noise, tmp_path):
    async with lying_host(tmp_path, lambda _: noise) as (stage, _):
        answer = await stage.pay(1, deadline_ms=500)

        assert answer["outcome"] == "unknown"
        assert (await stage.client.health()) is not None


async def test_row_49_the_approval_of_one_purchase_does_not_pay_for_the_next(tmp_path):
    kept: list[Fields] = []

    def replay(fields: Fields) -> bytes:
        kept.append(fields)
        return approval(kept[0])  # the answer of the first purchase, again and again

    async with lying_host(tmp_path, replay) as (stage, _):
        first = await stage.pay(1, deadline_ms=5_000)
        second = await stage.pay(2, deadline_ms=500)

        assert (first["outcome"], second["outcome"]) == ("approved", "unknown")


async def test_row_76_a_card_blob_replayed_for_another_payment_never_reaches_the_acquirer(tmp_path):
    async with lying_host(tmp_path, approval) as (stage, asked):
        bound = {"tenant": "acme", "box": "box-1", "merchant": "M1", "terminal": "TERM0001", "payment": "1"}
        mine = {**bound, "attempt": "1", "amount_minor": 1250, "currency": "EUR"}
        blob = stage.seal(mine, "visa")
        changes: list[dict[str, object]] = [
            {"attempt": "2"},
            {"box": "box-2"},
            {"amount_minor": 1},
            {"currency": "USD"},
            {"tenant": "rival"},
        ]
        foreign = [{**mine, "attempt": str(n + 10), **change} for n, change in enumerate(changes)]

        answers = [await stage.client.authorize(request, blob, 1_000) for request in foreign]
        paid = await stage.client.authorize(mine, blob, 5_000)
        again = await stage.client.authorize(mine, blob, 5_000)

        assert {(answer["outcome"], answer["reason"]) for answer in answers} == {
            ("declined", "card-unreadable")
        }
        assert (paid["outcome"], again["outcome"]) == ("approved", "approved")
        assert [fields["t"] for fields in asked].count("0200") == 1
