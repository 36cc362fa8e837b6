"""A broker under attack: our one stolen box, another tenant's box that must not suffer, the cloud that listens."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path

from cloud.main import client_tls
from tests.brokers import PATIENCE_S, VISITOR, eventually_admitted, running_site, topic_of
from tests.mqtt_raw import PING, PINGRESP, Raw, connect, publish, subscribe

MIB = 1_048_576
WAITING_BYTES = 16 * MIB  # for one slow reader; far less than in service, so that a test can reach it
MEMORY_GROWTH_MAX = 64 * MIB


@contextlib.asynccontextmanager
async def attacked_site(kind, directory):
    async with running_site(kind, directory, max_waiting_bytes=WAITING_BYTES) as site:
        site.mine = await site.enroll("till-1")
        site.other = await site.enroll("till-9", tenant="other")
        await site.refresh()
        site.cloud = await site.cloud_link()
        await eventually_admitted(site, site.other)
        yield site


async def thief(site, client_id="", **options):
    """A raw connection with the certificate of our one stolen box."""
    raw = await Raw.open(site.port, site.box_tls(site.mine))
    await raw.send(connect(client_id or site.mine.client_id, **options))
    assert await raw.connack() == 0
    return raw


async def expect_service(site):
    """Another tenant's box gets in and is heard."""
    bystander = await Raw.open(site.port, site.box_tls(site.other))
    await bystander.send(connect(site.other.client_id))
    assert await bystander.connack() == 0
    mark = hashlib.sha256(str(id(bystander)).encode()).digest()
    await bystander.send(publish(topic_of(site.other, "evt"), mark))
    assert (await next_heard(site)).payload == mark
    bystander.close()


async def expect_all_was_passed_on(site):
    """The broker is through with everything that the cloud published: another box heard its last word."""
    bystander = await Raw.open(site.port, site.box_tls(site.other))
    await bystander.send(connect(VISITOR) + subscribe(topic_of(site.other, "#", "down")))
    assert await bystander.connack() == 0
    assert await bystander.packet() is not None
    await site.cloud.publish(topic_of(site.other, "receipt", "down"), b"the last word")
    assert await hears(bystander, {b"the last word"})
    bystander.close()


async def expect_kept(site, box, payloads):
    """The broker keeps these for the box: whoever comes later is given them."""
    was_heard = False
    async with asyncio.timeout(PATIENCE_S):
        while True:
            raw = await Raw.open(site.port, site.box_tls(box))
            await raw.send(connect(VISITOR) + subscribe(topic_of(box, "#", "down")))
            hears_now = await hears(raw, payloads, patience_s=1)
            raw.close()
            if hears_now and was_heard:  # the first time they may just have passed
                return
            was_heard = was_heard or hears_now


async def hears(raw, payloads, patience_s=5.0):
    """Whether all of these payloads come, with nothing else coming for so long."""
    missing = set(payloads)
    with suppressed():
        while missing and (found := await raw.packet(patience_s)) is not None:
            missing -= {payload for payload in missing if found[1].endswith(payload)}
    return not missing


async def next_heard(site):
    (message,) = await asyncio.wait_for(site.cloud.receive(1), 10)
    return message


def resident_bytes(site):
    status = Path(f"/proc/{site.broker.child.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def tls_of(site, directory, issued):
    certificate, key = directory / "odd.cert.pem", directory / "odd.key.pem"
    certificate.write_bytes(issued.chain)
    key.write_bytes(issued.key)
    return client_tls(site.authority.root_path, certificate, key)


def suppressed():
    return contextlib.suppress(OSError, TimeoutError)


def is_flushed(link):
    connection = link._connection
    return not connection._waiting and connection._transport.get_write_buffer_size() == 0


async def never_hears(raw, payload, patience_s=0.5):
    """Whether the payload does not come before the answer to a ping, or the end of the connection."""
    with suppressed():
        await raw.send(PING)
    while True:
        try:
            found = await raw.packet(patience_s)
        except TimeoutError:
            return True
        if found is None or found[0] == PINGRESP:
            return True
        if payload in found[1]:
            return False
