"""Requests that are wrong, and cards that were sealed for something else: nothing reaches the acquirer."""

from __future__ import annotations

import asyncio

import pytest

from protocol.errors import PeerError
from protocol.packets import PacketReader, encode_packet
from tests.cloud.card_zone_running import zone_stage


async def test_a_card_sealed_for_something_else_is_declined_without_a_reason_to_learn_from(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        asked = {
            "tenant": "acme",
            "box": "box-1",
            "merchant": "M1",
            "terminal": "TERM0001",
            "payment": "1",
            "attempt": "1",
            "amount_minor": 100,
            "currency": "EUR",
        }
        blob = stage.seal(asked, "visa")
        spoiled = [
            (asked | {"attempt": "11", "amount_minor": 101}, blob),
            (asked | {"attempt": "12", "box": "box-2"}, blob),
            (asked | {"attempt": "13", "tenant": "other"}, blob),
            (asked | {"attempt": "14", "currency": "USD"}, blob),
            (asked | {"attempt": "15"}, blob[:-1] + bytes([blob[-1] ^ 1])),
            (asked | {"attempt": "16"}, b""),
            (asked | {"attempt": "17"}, b"\x04" * 200),
        ]

        answers = [await stage.client.authorize(request, data, 1_000) for request, data in spoiled]

        told = {(answer["outcome"], answer["reason"], answer["masked"]) for answer in answers}
        assert told == {("declined", "card-unreadable", "")}
        assert stage.acquirer.counts["0200"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant", "ACME"),
        ("terminal", "TOO-LONG-1"),
        ("attempt", "1x"),
        ("amount_minor", 0),
        ("amount_minor", "12"),
        ("currency", "EURO"),
        ("merchant", ""),
    ],
)
async def test_a_malformed_request_is_named_and_the_zone_goes_on(tmp_path, name, value):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        asked: dict[str, object] = {"tenant": "acme", "box": "box-1", "merchant": "M1", "terminal": "T1"}
        asked |= {"payment": "1", "attempt": "1", "amount_minor": 1, "currency": "EUR", name: value}
        with pytest.raises(PeerError, match="request-malformed"):
            await stage.client.authorize(asked, b"x", 1_000)

        assert (await stage.pay(2))["outcome"] == "approved"


async def test_a_wild_caller_loses_its_connection_and_nobody_else_does(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "zone.sock"))

        writer.write(b"\xff\xff\xff\xff not a packet")
        end = await reader.read()
        unknown = await ask_for(tmp_path / "zone.sock", {"id": "1", "do": "print_card_numbers"})

        assert end == b""
        assert unknown["error"]["code"] == "request-unknown"
        assert (await stage.pay(2))["outcome"] == "approved"


async def ask_for(path, packet):
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(encode_packet(packet))
    (answer,) = PacketReader().feed(await reader.read(65_536))
    writer.close()
    return answer
