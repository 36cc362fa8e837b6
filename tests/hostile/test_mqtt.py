"""Rows 1 to 7, 22 and 70: what a stranger and a thief with one box's certificate can do at the broker.

Where a stock broker cannot refuse, the test shows that our side ignores; docs/reference/topics.md says which is which.
Floods and broken packets: `test_mqtt_load`.
"""

from __future__ import annotations

import asyncio
import ssl

import pytest

from cloud.fleet.authority import Authority
from cloud.fleet.rules import NewBox, number_box
from cloud.intake import Opener
from cloud.intake_boxes import BoxTable
from protocol.seal import seal
from tests.brokers import eventually, eventually_refused, topic_of
from tests.hostile.mqtt_site import (
    attacked_site,
    expect_all_was_passed_on,
    expect_kept,
    expect_service,
    never_hears,
    next_heard,
    suppressed,
    thief,
    tls_of,
)
from tests.mqtt_raw import PING, PINGRESP, SUBACK, Raw, connect, publish, refused, subscribe

pytestmark = pytest.mark.slow

YEAR_MS = 365 * 86_400_000


@pytest.fixture(params=["nats", "mosquitto"])
async def site(request, tmp_path):
    async with attacked_site(request.param, tmp_path) as attacked:
        yield attacked


async def test_row_1_an_anonymous_connection_is_refused_in_clear_and_over_tls(site):
    anonymous = ssl.create_default_context(cafile=str(site.authority.root_path))

    assert await refused(site.port, None)
    assert await refused(site.port, anonymous)
    await expect_service(site)


async def test_row_2_a_certificate_of_another_authority_is_refused(site, tmp_path):
    foreign = Authority(tmp_path / "foreign", now_ms=site.world.now_ms, random_bytes=site.world.random_bytes)
    foreign.make_root()
    issued = foreign.issue_box("acme", site.mine.client_id)

    assert await refused(site.port, tls_of(site, tmp_path, issued), site.mine.client_id)
    await expect_service(site)


async def test_row_2_an_expired_certificate_is_refused(site, tmp_path):
    then = Authority(
        site.there.authority,
        now_ms=lambda: site.world.now_ms() - 11 * YEAR_MS,
        random_bytes=site.world.random_bytes,
    )
    issued = then.issue_box("acme", site.mine.client_id)

    assert await refused(site.port, tls_of(site, tmp_path, issued), site.mine.client_id)
    await expect_service(site)


async def test_row_2_a_revoked_certificate_is_refused_and_its_open_connection_is_deaf_and_mute(site):
    raw = await thief(site)
    await raw.send(subscribe(topic_of(site.mine, "#", "down")) + PING)
    while (await raw.packet())[0] != PINGRESP:
        pass

    await site.enrolment.revoke("acme", "till-1", "stolen")
    await site.refresh()
    await eventually_refused(site, site.mine)
    with suppressed():
        await raw.send(publish(topic_of(site.mine, "evt"), b"from the thief"))
    await site.cloud.publish(topic_of(site.mine, "res", "down"), b"for the thief")
    await expect_all_was_passed_on(site)

    await expect_service(site)
    assert await never_hears(raw, b"for the thief")


async def test_row_2_a_certificate_cannot_pose_as_the_broker(site):
    box = site.mine
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(box.certificate[1], box.certificate[2])
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]

    with pytest.raises(ssl.SSLCertVerificationError):
        await Raw.open(port, site.box_tls(site.other))

    listener.close()


async def test_row_3_a_client_that_names_itself_after_another_does_not_unseat_it(site):
    till = await site.box_link(site.other)

    for _ in range(5):
        raw = await Raw.open(site.port, site.box_tls(site.mine))
        await raw.send(connect("cloud-9" if site.kind == "nats" else site.other.client_id))
        await raw.connack()
        raw.close()

    till.link.publish(till.topic("evt"), b"still here")
    assert (await next_heard(site)).payload == b"still here"
    assert till.changes == [True]


def test_row_3_nobody_guesses_a_client_id():
    asked = []

    def random_bytes(count):
        asked.append(count)
        return bytes(range(count))

    numbered = number_box(NewBox("acme", "north", "till-1"), 0, "", random_bytes)

    assert asked == [6]
    assert numbered.client_id.endswith(bytes(range(6)).hex())


async def test_row_3_a_takeover_loop_with_one_certificate_leaves_one_owner_and_others_alone(site):
    connections = []
    for _ in range(20):
        raw = await Raw.open(site.port, site.box_tls(site.mine))
        await raw.send(connect(site.mine.client_id))
        connections.append((raw, await raw.connack()))

    admitted = [raw.reader for raw, code in connections if code == 0]

    assert connections[0][1] == 0
    await eventually(
        lambda: sum(not reader.at_eof() and not reader.exception() for reader in admitted) <= 1, "one owner"
    )
    await expect_service(site)


@pytest.mark.parametrize("lane", ["evt", "req", "state"])
async def test_row_4_publishing_under_another_box_is_heard_by_nobody(site, lane):
    raw = await thief(site)

    await raw.send(publish(topic_of(site.other, lane), b"forged"))
    await raw.send(publish(topic_of(site.other, lane), b"forged", retain=True))
    await raw.send(publish(topic_of(site.other, "cmd", "down"), b"forged", retain=True))

    await expect_service(site)  # in order behind the forgeries, and the first thing that is heard


@pytest.mark.parametrize("topic_filter", ["#", "+/+/#", "tb1/#", "$SYS/#", "$share/g/#", "+/+/+/+/+/+/+"])
async def test_row_5_a_wide_subscription_hears_nothing_of_others(site, topic_filter):
    raw = await thief(site)
    await raw.send(subscribe(topic_filter))
    answer = await raw.packet()
    granted = answer is not None and answer[0] == SUBACK and answer[1][2] < 0x80

    await expect_service(site)
    await site.cloud.publish(topic_of(site.other, "res", "down"), b"for another")
    await expect_all_was_passed_on(site)

    assert not granted or site.kind == "mosquitto"
    assert await never_hears(raw, b"for another")


async def test_row_6_a_retained_command_is_dropped_by_the_box(site):
    await site.cloud.publish(topic_of(site.mine, "cmd", "down"), b"open the drawer", retain=True)
    await site.cloud.publish(topic_of(site.mine, "cfg", "down"), b"signed", retain=True)
    await expect_kept(site, site.mine, {b"open the drawer", b"signed"})

    till = await site.box_link(site.mine)

    await eventually(lambda: till.heard, "the configuration")
    await eventually(lambda: till.link.messages_refused == 1, "the refusal of the command")
    assert till.heard == [("cfg", b"signed")]


async def test_row_6_retained_money_is_dropped_by_the_cloud(site):
    raw = await thief(site)
    for lane in ("evt", "req", "state"):
        await raw.send(publish(topic_of(site.mine, lane), b"kept", retain=True))
        assert (await next_heard(site)).payload == b"kept"

    later = type(site.cloud)(
        host="127.0.0.1", port=site.port, tls=site.cloud_tls, client_id="cloud", server_name="localhost"
    )
    site.tasks[0].cancel()
    site.start(later.run())
    (message,) = await asyncio.wait_for(later.receive(), 10)

    await eventually(lambda: later.counts.refused == 2, "the two that may not be retained")
    assert message.topic == topic_of(site.mine, "state")


async def test_row_7_a_last_will_on_another_box_is_not_delivered(site):
    raw = await Raw.open(site.port, site.box_tls(site.mine))
    await raw.send(connect(site.mine.client_id, will=(topic_of(site.other, "evt"), b"sale complete")))
    await raw.connack()
    bystander = await Raw.open(site.port, site.box_tls(site.other))
    await bystander.send(connect(site.other.client_id, will=(topic_of(site.other, "state"), b"gone")))
    assert await bystander.connack() == 0

    raw.close()
    assert await raw.is_closed()
    bystander.close()

    assert (await next_heard(site)).payload == b"gone"  # the will that is allowed, and nothing before it
    await expect_service(site)


async def test_row_7_a_last_will_that_claims_a_sale_is_refused_for_its_seal(site):
    raw = await thief(site, will=(topic_of(site.mine, "evt"), b"sale complete" * 10))
    raw.close()

    message = await next_heard(site)
    sorted_out = await Opener(BoxTable(site.database)).sort([message], site.world.now_ms())

    assert not sorted_out.batches
    assert not sorted_out.requests


async def test_row_22_a_message_of_another_box_is_refused_for_its_seal(site):
    stolen = seal(site.other.up_key, topic_of(site.other, "evt"), b"TBB1")
    raw = await thief(site)
    await raw.send(publish(topic_of(site.mine, "evt"), stolen))

    message = await next_heard(site)
    sorted_out = await Opener(BoxTable(site.database)).sort([message], site.world.now_ms())

    assert not sorted_out.batches


async def test_row_70_the_name_of_one_enrolment_is_no_good_with_the_certificate_of_another(site, tmp_path):
    issued = site.authority.issue_box("acme", "acme_77_000000000000")

    tls = tls_of(site, tmp_path, issued)
    if not await refused(site.port, tls, site.other.client_id):
        raw = await Raw.open(site.port, tls)
        await raw.send(connect(site.other.client_id) + publish(topic_of(site.other, "evt"), b"forged"))

    await expect_service(site)
