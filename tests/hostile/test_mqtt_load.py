"""Rows 8 to 13: packets too large, malformed or too many, and clients that never speak or never read."""

from __future__ import annotations

import asyncio
import struct

import pytest

from tests.brokers import eventually, eventually_admitted, running_site, topic_of
from tests.hostile.mqtt_site import (
    MEMORY_GROWTH_MAX,
    MIB,
    attacked_site,
    expect_service,
    is_flushed,
    resident_bytes,
    suppressed,
    thief,
)
from tests.mqtt_raw import Raw, connect, length, packet, publish, subscribe, text

pytestmark = pytest.mark.slow

MOSQUITTO_ALIASES = 10  # what 2.0.11 grants whatever its configuration says; NATS refuses MQTT 5 altogether


@pytest.fixture(params=["nats", "mosquitto"])
async def site(request, tmp_path):
    async with attacked_site(request.param, tmp_path) as attacked:
        yield attacked


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(b"\x30" + length(268_435_455) + text("tb1/00/a/b/c/up/evt"), id="256-MiB-packet"),
        pytest.param(publish("x" * 65_535, b""), id="longest-topic"),
        pytest.param(publish("/".join(["a"] * 10_000), b""), id="ten-thousand-levels"),
        pytest.param(subscribe("/".join(["+"] * 10_000)), id="ten-thousand-wildcards"),
    ],
)
async def test_row_8_a_huge_packet_or_topic_does_not_fill_the_memory(site, bomb):
    raw = await thief(site)
    before = resident_bytes(site)

    with suppressed():
        await raw.send(bomb)
        for _ in range(256):
            await asyncio.wait_for(raw.send(bytes(MIB)), 5)

    assert resident_bytes(site) - before < MEMORY_GROWTH_MAX
    raw.close()
    await expect_service(site)


MALFORMED = {
    "reserved-packet-0": b"\x00\x00",
    "reserved-packet-15": b"\xf0\x00",
    "connect-twice": connect("again"),
    "subscribe-with-wrong-flags": b"\x80" + subscribe("a")[1:],
    "remaining-length-of-five-bytes": b"\x30\xff\xff\xff\xff\x01",
    "publish-quality-three": packet(0x36, text("a") + b"\x00\x01"),
    "publish-to-a-wildcard": publish("tb1/#", b""),
    "topic-with-nul": publish(b"tb1/\x00", b""),
    "topic-not-utf8": publish(b"tb1/\xff\xfe", b""),
    "topic-with-surrogate": publish(b"tb1/\xed\xa0\x80", b""),
    "subscribe-to-nothing": packet(0x82, b"\x00\x01"),
    "topic-longer-than-packet": packet(0x30, b"\xff\xffab"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_row_9_a_malformed_packet_ends_its_own_connection_only(site, name):
    raw = await thief(site)
    pid, starts = site.broker.child.pid, site.broker.child.starts

    await raw.send(MALFORMED[name])
    is_closed = await raw.is_closed()

    assert is_closed
    await expect_service(site)
    assert (site.broker.child.pid, site.broker.child.starts) == (pid, starts)


async def test_row_10_a_flood_of_silent_connections_does_not_keep_others_out(site):
    flood = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(300)]

    await expect_service(site)

    for _, writer in flood:
        writer.transport.abort()


async def test_row_10_a_connect_that_comes_byte_by_byte_does_not_keep_others_out(site):
    raw = await Raw.open(site.port, site.box_tls(site.mine))

    is_open = True
    for byte in connect(site.mine.client_id)[:8]:
        with suppressed():
            await raw.send(bytes([byte]))
        await expect_service(site)
        is_open = not raw.reader.at_eof()

    assert is_open or site.kind == "nats"
    raw.close()


async def test_row_10_nats_closes_a_connection_that_never_identifies_itself(tmp_path):
    async with running_site("nats", tmp_path) as site:
        box = await site.enroll("till-1")
        await site.refresh()
        await eventually_admitted(site, box)
        raw = await Raw.open(site.port, site.box_tls(box))

        assert await raw.is_closed(15)


async def test_row_11_a_topic_alias_beyond_the_bound_is_refused(site):
    raw = await Raw.open(site.port, site.box_tls(site.mine))
    await raw.send(connect(site.mine.client_id, level=5))
    answer = await raw.packet()
    alias = b"\x03\x23" + struct.pack(">H", MOSQUITTO_ALIASES + 1)

    with suppressed():
        await raw.send(packet(0x30, text(topic_of(site.mine, "evt")) + alias + b"aliased"))

    assert await raw.is_closed()
    assert site.kind == "mosquitto" or answer is None or answer[1][1] != 0
    await expect_service(site)


async def test_row_12_a_reader_that_stopped_reading_costs_bounded_memory_and_delays_nobody(site):
    raw = await thief(site)
    await raw.send(subscribe(topic_of(site.mine, "#", "down")))
    await raw.packet()
    before = resident_bytes(site)
    raw.writer.transport.pause_reading()

    for number in range(2000):
        await site.cloud.publish(topic_of(site.mine, "res", "down"), bytes(65_536))
        if number % 50 == 0:
            await eventually(lambda: is_flushed(site.cloud), "the publications")
    await eventually(lambda: is_flushed(site.cloud), "the publications", 60)

    await expect_service(site)
    assert resident_bytes(site) - before < MEMORY_GROWTH_MAX
    raw.close()


@pytest.mark.parametrize("keepalive_s", [0, 65_535])
async def test_row_13_clients_that_never_speak_again_take_nothing_from_others(site, keepalive_s):
    silent = [await thief(site, keepalive_s=keepalive_s)]
    before = resident_bytes(site)

    await expect_service(site)

    assert resident_bytes(site) - before < MEMORY_GROWTH_MAX
    silent[0].close()
