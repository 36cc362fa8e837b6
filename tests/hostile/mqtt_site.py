"""A broker under attack: our one stolen box, another tenant's box that must not suffer, the cloud that listens."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path

from cloud.main import client_tls
from tests.brokers import running_site, topic_of
from tests.mqtt_raw import PING, PINGRESP, Raw, connect, publish, refused

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


async def eventually_refused(site, box):
    for _ in range(200):
        if await refused(site.port, site.box_tls(box), box.client_id):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the broker still lets it in")


async def eventually_admitted(site, box):
    for _ in range(200):
        if not await refused(site.port, site.box_tls(box), box.client_id):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the broker does not let it in")
