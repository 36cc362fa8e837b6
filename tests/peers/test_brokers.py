"""Both ends of the wire against both real brokers, with mutual TLS and the access generated from enrolment."""

from __future__ import annotations

import asyncio

import pytest

from cloud.broker_link import BrokerLink
from protocol.errors import ConfigError
from tests.brokers import eventually, eventually_admitted, eventually_refused, running_site, topic_of
from tests.mqtt_raw import Raw, connect

pytestmark = pytest.mark.slow


@pytest.fixture(params=["nats", "mosquitto"])
async def site(request, tmp_path):
    async with running_site(request.param, tmp_path) as running:
        yield running


async def test_messages_go_both_ways_between_a_box_and_the_cloud(site):
    box = await site.enroll("till-1")
    await site.refresh()
    cloud = await site.cloud_link()
    till = await site.box_link(box)

    till.link.publish(till.topic("evt"), b"frames")
    heard = await asyncio.wait_for(cloud.receive(), 10)
    await cloud.publish(till.topic("receipt", "down"), b"stored")

    await eventually(lambda: till.heard, "the receipt")
    assert [(message.topic, message.payload) for message in heard] == [(till.topic("evt"), b"frames")]
    assert till.heard == [("receipt", b"stored")]


async def test_a_full_batch_of_the_replica_fits_through(site):
    box = await site.enroll("till-1")
    await site.refresh()
    cloud = await site.cloud_link()
    till = await site.box_link(box)
    batch = bytes(131_072)

    till.link.publish(till.topic("evt"), batch)

    (message,) = await asyncio.wait_for(cloud.receive(), 10)
    assert message.payload == batch


async def test_the_cloud_learns_that_a_box_went_away(site):
    box = await site.enroll("till-1")
    await site.refresh()
    cloud = await site.cloud_link()
    await eventually_admitted(site, box)
    raw = await Raw.open(site.port, site.box_tls(box))
    await raw.send(connect(box.client_id, will=(topic_of(box, "state"), b"gone")))
    assert await raw.connack() == 0

    raw.close()

    (message,) = await asyncio.wait_for(cloud.receive(), 10)
    assert message == (topic_of(box, "state"), b"gone")


async def test_a_retained_configuration_reaches_a_box_that_was_away(site):
    box = await site.enroll("till-1")
    await site.refresh()
    cloud = await site.cloud_link()
    await cloud.publish(topic_of(box, "cfg", "down"), b"signed", retain=True)
    await eventually(lambda: cloud.counts.published, "the publication")

    till = await site.box_link(box)

    await eventually(lambda: till.heard, "the configuration")
    assert till.heard == [("cfg", b"signed")]


async def test_a_box_enrolled_while_the_broker_runs_gets_in_after_the_reload(site):
    first = await site.enroll("till-1")
    await site.refresh()
    till = await site.box_link(first)
    starts = site.broker.child.starts

    second = await site.enroll("till-2", tenant="other")
    await site.refresh()

    other = await site.box_link(second)
    assert other.link.is_up
    assert till.changes == [True]
    assert site.broker.child.starts == starts


async def test_a_revoked_box_is_shut_out_and_another_stays_connected(site):
    gone, stays = await site.enroll("till-1"), await site.enroll("till-2")
    await site.refresh()
    till = await site.box_link(stays)

    await site.enrolment.revoke("acme", "till-1", "stolen")
    await site.refresh()

    await eventually_refused(site, gone)
    assert till.changes == [True]


async def test_the_certificate_of_a_replaced_enrolment_opens_nothing(site):
    former = await site.enroll("till-1")
    await site.refresh()

    latter = await site.enroll("till-1", out="again")
    await site.refresh()

    await eventually_refused(site, former)
    till = await site.box_link(latter)
    assert latter.box_number == former.box_number + 1
    assert till.link.is_up


async def test_both_links_come_back_after_the_broker_was_killed(site):
    box = await site.enroll("till-1")
    await site.refresh()
    cloud, till = await site.cloud_link(), await site.box_link(box)

    site.broker.child._running.kill()

    await eventually(lambda: cloud.counts.connections == 2, "the cloud's second connection", 60)
    await eventually(lambda: till.changes == [True, False, True], "the box's second connection", 60)
    till.link.publish(till.topic("evt"), b"again")
    (message,) = await asyncio.wait_for(cloud.receive(), 10)
    assert message.payload == b"again"


async def test_a_cloud_without_access_stops_with_a_named_error(tmp_path):
    async with running_site("nats", tmp_path) as site:
        box = await site.enroll("till-1")
        await site.refresh()
        await site.box_link(box)
        impostor = BrokerLink(
            host="127.0.0.1", port=site.port, tls=site.box_tls(box), client_id="any", server_name="localhost"
        )

        with pytest.raises(ConfigError) as refusal:
            await asyncio.wait_for(impostor.run(), 10)

    assert refusal.value.code == "cloud-subscription-refused"
