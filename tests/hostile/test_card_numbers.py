"""The canary (row 51): unique cards go through reader, module, zone and acquirer; no file or socket shows
one.

What is searched: every file of every process (databases with their logs, key files, sealed cards, logs,
books) and everything that passed over the agent's and the payments service's sockets. Only the acquirer link
may carry a number.
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from protocol.packets import PacketReader, encode_packet
from simulators.acquirer import wire
from simulators.card_reader import CardReaderSettings, CardReaderSim
from simulators.cards import Entry, unique_card
from tests.cloud.card_zone_running import ROOT, WAIT_S, ZoneStage, connected, eventually, zone_stage
from tests.hostile.card_search import files_below, hits, spellings

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES: tuple[Entry, ...] = ("contact", "contactless", "stripe")
# What happens to each payment in turn: plain, declined, unanswered, over another amount, captured late.
AMOUNTS = (1250, 990_005, 990_081, 990_085, 990_084)


class Wiretap:
    """Stands between a client and a Unix socket and keeps every byte."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self._target = path, target
        self.heard = bytearray()

    async def listen(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._serve, str(self.path))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await connected(self._target)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                self.heard += data
                writer.write(data)
        writer.close()


class Agent:
    """An agent that speaks to the module's socket with bare packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._packets = reader, writer, PacketReader()
        self._said: list[dict[str, str]] = []

    async def ask(self, packet: dict[str, object]) -> None:
        self._writer.write(encode_packet(packet))

    async def hear(self, name: str, value: str) -> dict[str, str]:
        async with asyncio.timeout(WAIT_S):
            while True:
                for one in self._said:
                    if one.get(name) == value:
                        self._said.remove(one)
                        return one
                data = await self._reader.read(65_536)
                assert data, "the module closed its socket"
                assert b'"refused"' not in data, (data, self._said)
                found = self._packets.feed(data)
                self._said += [one for one in found if isinstance(one, dict)]


async def pay_with_card(
    stage: ZoneStage, agent: Agent, reader: CardReaderSim, number: int, *, forgets: bool
) -> str:
    """One payment from the card on the reader to the zone's answer; the outcome."""
    amount, attempt = AMOUNTS[number % len(AMOUNTS)], str(number)
    bound = {"amount_minor": amount, "currency": "EUR"}
    await agent.ask({"do": "arm", **bound})
    await agent.hear("did", "armed")
    await eventually(lambda: reader.armed_for == f"{amount} EUR", "the reader heard it too")
    await reader.present(unique_card(number, ENTRIES[number % 3]))
    await agent.hear("event", "card_present")
    await agent.ask({"do": "seal", "attempt": attempt, "tenant": "acme", "box": "box-1", **bound})
    sealed = await agent.hear("did", "sealed")
    asked = {"tenant": "acme", "box": "box-1", "merchant": "M1", "terminal": f"T{number}", "payment": attempt}
    answer = await stage.client.authorize(
        asked | bound | {"attempt": attempt}, b64decode(sealed["blob"]), 300
    )
    if forgets:
        await agent.ask({"do": "forget", "attempt": attempt})
        await agent.hear("did", "forgotten")
    await reader.remove()
    await agent.ask({"do": "disarm"})
    await agent.hear("did", "disarmed")
    return str(answer["outcome"])


async def test_no_card_number_is_left_anywhere_but_on_the_acquirer_link(tmp_path):
    count = 15
    pans = [unique_card(number).pan for number in range(count)]
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        tap = Wiretap(tmp_path / "zone-tap.sock", tmp_path / "zone.sock")
        zone_tap = await tap.listen()
        stage.client._path = tap.path
        await stage.is_up()
        stage.listen()
        reader = CardReaderSim(CardReaderSettings(str(tmp_path / "tty-reader")))
        reader.plug()
        module, agent, module_tap = await module_and_agent(tmp_path, await stage.client.public_key())

        stage.acquirer.is_paused = False
        outcomes = [
            await pay_with_card(stage, agent, reader, number, forgets=number % 2 == 0)
            for number in range(count)
        ]
        stage.acquirer.is_paused = True  # reversals stay pending: their numbers are kept, encrypted
        with suppress(Exception):
            await stage.pay(99, card=unique_card(3), deadline_ms=100, terminal="T99")
        places = files_below(tmp_path)
        places |= {"zone socket": bytes(tap.heard), "module socket": bytes(module_tap.heard)}

        assert outcomes[:5] == ["approved", "declined", "unknown", "unknown", "unknown"]
        assert {"zone.db", "zone.db-wal", "zone.log", "module.log", "books.jsonl"} <= set(places)
        assert any(name.startswith("cards/") for name in places)
        assert len(places["zone socket"]) > 5_000
        assert len(places["module socket"]) > 5_000
        assert hits(places, pans) == []
        zone_tap.close()
        module.terminate()
        await module.wait()
        await reader.close()


async def test_the_number_of_a_settled_attempt_is_not_kept_even_encrypted(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.pay(1)
        await stage.pay(2, card="declined")
        stage.acquirer.use_next(89)
        await stage.pay(3, deadline_ms=100)
        pending = stage.rows("SELECT attempt, length(sealed_number) > 0 FROM attempts ORDER BY attempt")
        await eventually(lambda: stage.kinds(3) == ["capture", "reversal"], "reversed")
        await eventually(
            lambda: stage.rows("SELECT sum(length(sealed_number)) FROM attempts") == [(0,)], "erased"
        )

        assert pending == [("1", 0), ("2", 0), ("3", 1)]
        assert stage.acquirer.books.lines()[-1]["named_card"] is True


async def module_and_agent(
    directory: Path, zone_key: str
) -> tuple[asyncio.subprocess.Process, Agent, Wiretap]:
    """The secure module as a process on its own socket, tapped, and an agent that talks to it."""
    config = {
        "v": 1,
        "reader": str(directory / "tty-reader"),
        "store": str(directory / "cards"),
        "card_zone_key": zone_key,
        "socket": str(directory / "module.sock"),
    }
    (directory / "secure.json").write_bytes(encode_packet(config)[4:])
    with (directory / "module.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "edge.secure.main",
            "--config",
            str(directory / "secure.json"),
            cwd=ROOT,
            stderr=log,
        )
    tap = Wiretap(directory / "module-tap.sock", directory / "module.sock")
    await tap.listen()
    agent = Agent(*await asyncio.open_unix_connection(str(tap.path)))
    await agent.hear("state", "ready")
    return process, agent, tap


@pytest.mark.parametrize("pan", ["4111111111111111", "378282246310005", "6205500000000000004"])
def test_the_search_finds_a_number_however_it_was_written(pan, tmp_path):
    for name, pattern in spellings(pan).items():
        (tmp_path / name).write_bytes(b"\x01noise" + pattern + b"\xffnoise")

    found = hits(files_below(tmp_path), [pan])

    assert {place for place, _ in found} == set(spellings(pan))


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_the_search_finds_a_number_inside_encoded_text(before):

    encoded = b64encode(before + b"4111111111111111" + b"tail")

    assert hits({"place": encoded}, ["4111111111111111"])


async def test_the_search_finds_the_card_on_the_acquirer_link_itself(tmp_path):
    heard = bytearray()

    async def host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:

        while head := await reader.read(2):
            data = await reader.readexactly(int.from_bytes(head, "big"))
            heard.extend(data)
            fields = wire.read(data)
            if fields["t"] == "0800":
                writer.write(wire.write(wire.answer(fields, "00")))

    async with zone_stage(tmp_path) as stage:
        server = await asyncio.start_server(host, "127.0.0.1", 0)
        stage.port = server.sockets[0].getsockname()[1]
        await stage.start()
        await stage.is_up()

        await stage.pay(1, card=unique_card(7), deadline_ms=300)
        server.close()

        assert hits({"link": bytes(heard)}, [unique_card(7).pan])
