"""The fault proxy on loopback: each condition does what it says, and no byte is ever altered."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

from simulators.fault_proxy import CLEAR, Conditions, FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_S = 10.0  # a loaded machine; nothing below waits so long by itself
PIECES = 50  # held up one by one they would take 15 s
TEXT = Random(7).randbytes(200_000)


@dataclass
class Far:
    """A server that echoes, and remembers what it heard and how its connections ended."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    pieces: list[int] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        ending = "end"
        try:
            while chunk := await reader.read(65_536):
                self.heard += chunk
                self.pieces.append(len(chunk))
                writer.write(chunk)
                await writer.drain()
        except OSError:
            ending = "reset"
        self.endings.append(ending)
        writer.close()


@dataclass
class Line:
    """A client's end of a connection through the proxy."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hears(self, count: int) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(count)

    async def hears_nothing_for(self, silence_s: float) -> bool:
        try:
            async with asyncio.timeout(silence_s):
                return await self.reader.read(1) == b"nothing came"
        except TimeoutError:
            return True

    async def ending(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self.reader.read(65_536):
                    pass
            except OSError:
                return "reset"
        return "end"


@dataclass
class Road:
    """Client, proxy and server."""

    far: Far
    proxy: FaultProxy

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        try:
            yield Line(reader, writer)
        finally:
            writer.transport.abort()

    async def until(self, is_so) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - bytes of another task; there is no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def road():
    far = Far()
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    far.port = server.sockets[0].getsockname()[1]
    proxy = FaultProxy("127.0.0.1", far.port)
    await proxy.start()
    yield Road(far, proxy)
    await proxy.stop()
    server.close()
    for writer in far.writers:
        with suppress(OSError):
            writer.close()


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_without_conditions_every_byte_passes_both_ways_and_the_end_too(road):
    async with road.line() as line:
        saying = asyncio.create_task(line.say(TEXT))
        echoed = await line.hears(len(TEXT))
        await saying
        line.writer.write_eof()

        assert await line.ending() == "end"
    assert echoed == TEXT == bytes(road.far.heard)
    assert road.far.endings == ["end"]


async def test_latency_is_added_each_way_and_holds_up_no_throughput(road):
    road.proxy.conditions = Conditions(latency_ms=150)
    async with road.line() as line:
        began = now_s()
        for part in range(PIECES):
            await line.say(bytes([part]) * 100)
            await asyncio.sleep(0.001)
        echoed = await line.hears(100 * PIECES)
        took_s = now_s() - began

    assert echoed == b"".join(bytes([part]) * 100 for part in range(PIECES))
    assert 0.3 <= took_s < PIECES * 0.3 / 2  # twice the latency once, not once a piece


async def test_a_black_hole_holds_everything_and_gives_it_back_when_it_ends(road):
    async with road.line() as line:
        await line.say(b"before")
        assert await line.hears(6) == b"before"

        road.proxy.conditions = Conditions(is_blackhole=True)
        await line.say(b"within")
        assert await line.hears_nothing_for(0.2)
        assert bytes(road.far.heard) == b"before"
        road.proxy.conditions = CLEAR

        assert await line.hears(6) == b"within"


async def test_a_black_hole_joins_no_new_connection_until_it_ends(road):
    road.proxy.conditions = Conditions(is_blackhole=True)
    async with road.line() as line:
        await line.say(b"hello")
        assert await line.hears_nothing_for(0.2)
        assert road.far.writers == []
        road.proxy.conditions = CLEAR

        assert await line.hears(5) == b"hello"


async def test_a_reset_breaks_both_sides_at_once(road):
    async with road.line() as line:
        await line.say(b"x")
        await line.hears(1)

        assert road.proxy.reset() == 1

        assert await line.ending() == "reset"
        await road.until(lambda: road.far.endings and not road.proxy.connections)
    assert road.far.endings == ["reset"]


async def test_half_open_leaves_the_client_believing_in_a_connection_that_is_gone(road):
    async with road.line() as line:
        await line.say(b"x")
        await line.hears(1)

        assert road.proxy.half_open("client") == 1

        await road.until(lambda: road.far.endings)
        await line.say(b"is anybody there")
        assert await line.hears_nothing_for(0.2)
        assert road.proxy.half_open("client") == 0
    await road.until(lambda: not road.proxy.connections)
    assert (bytes(road.far.heard), road.far.endings) == (b"x", ["reset"])


async def test_half_open_may_leave_the_server_believing_instead(road):
    async with road.line() as line:
        await line.say(b"x")
        await line.hears(1)

        assert road.proxy.half_open("server") == 1

        assert await line.ending() == "reset"
    assert road.far.endings == []
    road.far.writers[0].transport.abort()
    await road.until(lambda: not road.proxy.connections)


async def test_a_new_connection_is_whole_after_one_was_left_half_open(road):
    async with road.line() as old, road.line() as new:
        await old.say(b"x")
        await old.hears(1)
        road.proxy.half_open("client")

        async with road.line() as newer:
            await newer.say(b"whole")

            assert await newer.hears(5) == b"whole"
        assert not new.writer.is_closing()


async def test_slices_pass_in_order_and_none_is_larger_than_told(road):
    road.proxy.conditions = Conditions(slice_bytes=7, slice_pause_ms=2)
    async with road.line() as line:
        await line.say(TEXT[:500])

        assert await line.hears(500) == TEXT[:500]
    assert len(road.far.pieces) > 10  # the kernel may join a few of the 72


async def test_bandwidth_is_limited_each_way(road):
    road.proxy.conditions = Conditions(bytes_per_s=20_000)
    async with road.line() as line:
        began = now_s()
        saying = asyncio.create_task(line.say(TEXT[:10_000]))
        echoed = await line.hears(10_000)
        await saying
        took_s = now_s() - began

    assert echoed == TEXT[:10_000]
    assert 0.4 <= took_s < PATIENCE_S


async def test_the_byte_limit_cuts_a_connection_within_a_message_and_the_part_is_unaltered(road):
    road.proxy.conditions = Conditions(byte_limit=1_000)
    async with road.line() as line:
        await line.say(TEXT[:5_000])

        assert await line.ending() in ("reset", "end")
        await road.until(lambda: not road.proxy.connections)
    assert TEXT.startswith(bytes(road.far.heard))
    assert len(road.far.heard) <= 1_000
    assert road.proxy.counts["byte_limit"] == 1


async def test_the_byte_limit_counts_from_the_moment_it_is_set(road):
    async with road.line() as line:
        await line.say(TEXT[:3_000])
        await line.hears(3_000)
        road.proxy.conditions = Conditions(byte_limit=1_000)

        await line.say(b"small")

        assert await line.hears(5) == b"small"


async def test_conditions_combine_and_change_while_bytes_are_on_their_way(road):
    async with road.line() as line:
        road.proxy.conditions = Conditions(latency_ms=30, slice_bytes=900, bytes_per_s=400_000)
        saying = asyncio.create_task(line.say(TEXT[:60_000]))
        first = await line.hears(10_000)
        road.proxy.conditions = Conditions(is_blackhole=True)
        road.proxy.conditions = Conditions(slice_bytes=5_000, slice_pause_ms=0)
        rest = await line.hears(50_000)
        await saying

    assert first + rest == TEXT[:60_000]


async def test_nobody_behind_the_proxy_is_an_end_and_no_silence():
    proxy = FaultProxy("127.0.0.1", 1)
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        ending = await Line(reader, writer).ending()
    finally:
        writer.transport.abort()
        await proxy.stop()

    assert ending == "reset"
    assert proxy.counts["refused"] == 1
