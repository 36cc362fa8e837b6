"""Price versions of a box: fetched by hash, verified, changed over between sales, never in the middle of one."""

from __future__ import annotations

from edge.events import CodeScanned, ShopperActed
from edge.versions.keeper import FIRST_DELAY_MS
from edge.versions.shelf import ROOM_KEPT_BYTES
from protocol.publication import MAX_PUBLICATION_STEP
from tests.builders import BREAD, NOON_MS, SOAP
from tests.edge.configured_box import STRANGER
from tests.edge.disk import MemoryDisk
from tests.edge.versioned_box import HOUR_MS, VersionedBox, Versions

BREAD_CODE, SOAP_CODE = BREAD.gtin[1:], SOAP.gtin[1:]


async def test_a_publication_is_fetched_verified_and_sold_by():
    cloud = Versions()
    box = VersionedBox(cloud)
    image, taxes = cloud.image(300), cloud.taxes(50_000)

    await box.hears(cloud.published(1, {"catalogue": image, "taxes": taxes}))

    assert box.price() == 300
    assert box.box.taxes.hash.hex() == taxes
    assert box.outcomes() == [(1, "applied", "")]
    assert box.answers[-1]["catalogue"] == image


async def test_a_sale_keeps_its_versions_to_its_end():
    cloud = Versions()
    box = VersionedBox(cloud)
    first, second = cloud.image(300), cloud.image(400)
    low, high = cloud.taxes(50_000), cloud.taxes(200_000)
    await box.hears(cloud.published(1, {"catalogue": first, "taxes": low}))
    box.plays(CodeScanned(BREAD_CODE))

    await box.hears(cloud.published(2, {"catalogue": second, "taxes": high}))
    box.plays(CodeScanned(SOAP_CODE))

    added = [record["unit_price_minor"] for record in box.records if record["t"] == "line_added"]
    opened = [
        (record["catalogue"], record["taxes"]) for record in box.records if record["t"] == "sale_opened"
    ]
    assert added == [300, 300]
    assert opened == [(first, low)]
    assert box.outcomes()[-1] == (2, "taken", "")

    box.plays(ShopperActed("cancel_sale"))
    box.plays(CodeScanned(BREAD_CODE))

    assert box.records[-1]["unit_price_minor"] == 400
    assert (box.records[-2]["catalogue"], box.records[-2]["taxes"]) == (second, high)
    assert box.outcomes()[-1] == (2, "applied", "")


async def test_after_a_restart_a_box_sells_by_what_was_in_force():
    cloud = Versions()
    box = VersionedBox(cloud)
    await box.hears(cloud.published(1, {"catalogue": cloud.image(300)}))

    box.start()

    assert box.price() == 300
    assert box.keeper.number == 1


async def test_urgent_changes_are_fetched_alone_and_lie_over_the_image():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    await box.hears(cloud.published(1, {"catalogue": image}))
    overlay = cloud.overlay(image, 111)

    await box.hears(cloud.published(2, {"catalogue": image, "overlay": overlay}))

    assert box.price() == 111
    assert [digest for digest, _ in box.fetched] == [image, overlay]


async def test_a_set_that_begins_later_is_fetched_now_and_sold_by_then_also_offline():
    cloud = Versions()
    box = VersionedBox(cloud)
    now, later = cloud.image(300), cloud.image(400)
    plan = {"catalogue": now}, {"catalogue": later, "from_ms": NOON_MS + HOUR_MS}
    await box.hears(cloud.published(1, *plan))
    cloud.bytes.clear()
    box.keeper.link_changed(is_up=False)

    assert box.price() == 300
    box.cloud_ms += HOUR_MS
    await box.goes_on()

    assert box.price() == 400


async def test_a_fetch_that_broke_goes_on_where_it_ended():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    box.breaks_after = 200

    box.keeper.received(cloud.published(1, {"catalogue": image}))
    await box.keeper.look()
    box.breaks_after = None
    box.clock.ms += FIRST_DELAY_MS
    await box.goes_on()

    assert box.fetched == [(image, 0), (image, 200)]
    assert box.price() == 300
    assert box.outcomes() == [(1, "delayed", "versions-unreachable"), (1, "applied", "")]


async def test_a_box_that_cannot_fetch_sells_on_and_tries_ever_more_seldom():
    cloud = Versions()
    box = VersionedBox(cloud)
    await box.hears(cloud.published(1, {"catalogue": cloud.image(300)}))
    image = cloud.image(400)
    box.breaks_after = 0
    began_ms = box.clock.ms

    box.keeper.received(cloud.published(2, {"catalogue": image}))
    while box.clock.ms < began_ms + 16 * FIRST_DELAY_MS:
        await box.keeper.look()
        box.clock.ms += FIRST_DELAY_MS

    assert len(box.fetched) == 6
    assert box.price() == 300
    assert box.outcomes()[1:] == [(2, "delayed", "versions-unreachable")]


async def test_bytes_with_another_hash_are_never_sold_by():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    payload = cloud.published(1, {"catalogue": image})
    good = cloud.bytes[image]
    cloud.bytes[image] = good[:-1] + bytes([good[-1] ^ 1])

    box.keeper.received(payload)
    await box.keeper.look()

    assert box.outcomes() == [(1, "delayed", "versions-hash-wrong")]
    assert box.price() == BREAD.unit_price_minor

    cloud.bytes[image] = good
    box.clock.ms += FIRST_DELAY_MS
    await box.goes_on()

    assert box.price() == 300


async def test_more_bytes_than_were_announced_are_not_written():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    payload = cloud.published(1, {"catalogue": image})
    cloud.bytes[image] += bytes(5_000)

    box.keeper.received(payload)
    await box.keeper.look()

    assert box.outcomes() == [(1, "delayed", "versions-too-large")]
    assert box.disk.size(f"/versions/{image}.tbc") == -1
    assert box.disk.size(f"/versions/{image}.tbc.part") <= len(cloud.bytes[image]) - 5_000


async def test_a_version_leaves_the_journal_its_room():
    cloud = Versions()
    box = VersionedBox(cloud, MemoryDisk(room=ROOM_KEPT_BYTES))

    box.keeper.received(cloud.published(1, {"catalogue": cloud.image(300)}))
    await box.keeper.look()

    assert box.outcomes() == [(1, "delayed", "versions-no-room")]
    assert box.fetched == []


async def test_what_is_not_genuine_or_not_newer_is_refused_by_name():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = {"catalogue": cloud.image(300)}
    await box.hears(cloud.published(5, image))
    held = box.price()
    other = {"catalogue": cloud.image(999)}

    for payload in (
        b"rubbish",
        cloud.published(6, other, key=STRANGER),
        cloud.published(6, other, store="south"),
        cloud.published(6, other, tenant="rival"),
        cloud.published(4, other),
        cloud.published(5, other),
        cloud.published(6 + MAX_PUBLICATION_STEP, other),
        cloud.published(6, other, expires_ms=NOON_MS + 1, issued_ms=NOON_MS - HOUR_MS),
    ):
        box.cloud_ms = NOON_MS + 1
        await box.hears(payload)

    assert box.price() == held
    assert box.outcomes()[1:] == [
        (0, "refused", "unsigned"),
        (0, "refused", "signature-wrong"),
        (0, "refused", "wrong-target"),
        (0, "refused", "wrong-target"),
        (4, "refused", "rollback"),
        (5, "refused", "not-newer"),
        (6 + MAX_PUBLICATION_STEP, "refused", "fast-forward"),
        (6, "refused", "expired"),
    ]
    assert {answer["held"] for answer in box.answers} == {5}


async def test_a_repeat_is_answered_again_and_fetched_once():
    cloud = Versions()
    box = VersionedBox(cloud)
    payload = cloud.published(1, {"catalogue": cloud.image(300)})
    await box.hears(payload)

    await box.hears(payload)

    assert box.outcomes() == [(1, "applied", ""), (1, "applied", "")]
    assert len(box.fetched) == 1


async def test_a_publication_waits_until_the_present_is_known():
    cloud = Versions()
    box = VersionedBox(cloud)
    box.cloud_ms = 0

    await box.hears(cloud.published(1, {"catalogue": cloud.image(300)}))
    assert box.fetched == []
    box.cloud_ms = NOON_MS
    await box.goes_on()

    assert box.price() == 300


async def test_a_set_in_another_currency_is_refused_and_the_box_sells_on():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    box.currency = "EUR"

    await box.hears(cloud.published(1, {"catalogue": image}))

    assert box.outcomes() == [(1, "refused", "version-unusable: catalogue-currency-wrong")]
    assert box.price() == BREAD.unit_price_minor


async def test_an_overlay_of_another_image_is_refused():
    cloud = Versions()
    box = VersionedBox(cloud)
    image, other = cloud.image(300), cloud.image(400)
    overlay = cloud.overlay(other, 111)

    await box.hears(cloud.published(1, {"catalogue": image, "overlay": overlay}))

    assert box.outcomes() == [(1, "refused", "version-unusable: overlay-of-another-catalogue")]
    assert box.price() == BREAD.unit_price_minor


async def test_when_the_disk_cannot_say_so_the_box_sells_by_what_it_says_and_tries_again():
    cloud = Versions()
    box = VersionedBox(cloud)
    await box.hears(cloud.published(1, {"catalogue": cloud.image(300)}))
    box.keeper.received(cloud.published(2, {"catalogue": cloud.image(400)}))
    await box.keeper.step()
    box.disk.sync_fails = 1

    box.plays(box.events.popleft())
    box.plays(box.events.popleft())

    assert box.price() == 300
    assert box.outcomes()[-1] == (2, "delayed", "versions-write-failed")

    box.clock.ms += FIRST_DELAY_MS
    await box.goes_on()

    assert box.price() == 400
    assert box.outcomes()[-1] == (2, "applied", "")


async def test_only_what_may_be_sold_by_is_kept():
    cloud = Versions()
    box = VersionedBox(cloud)
    images = [cloud.image(price) for price in (300, 400, 500)]

    for number, image in enumerate(images, 1):
        await box.hears(cloud.published(number, {"catalogue": image}))

    assert box.disk.list("/versions") == sorted([f"{image}.tbc" for image in images[1:]] + ["state.json"])


async def test_a_damaged_version_is_fetched_again_and_the_one_before_is_sold_by_meanwhile():
    cloud = Versions()
    box = VersionedBox(cloud)
    first, second = cloud.image(300), cloud.image(400)
    await box.hears(cloud.published(1, {"catalogue": first}))
    await box.hears(cloud.published(2, {"catalogue": second}))
    box.disk.entries[f"/versions/{second}.tbc"].data[0] ^= 1

    box.start()
    assert box.price() == 300
    await box.goes_on()

    assert box.price() == 400
    assert box.fetched[-1] == (second, 0)


async def test_a_newer_publication_ends_the_fetching_of_what_it_does_without():
    cloud = Versions()
    box = VersionedBox(cloud)
    slow, wanted = cloud.image(300), cloud.image(400)
    older, newer = cloud.published(1, {"catalogue": slow}), cloud.published(2, {"catalogue": wanted})
    fetch = box.keeper._fetch

    async def interrupted(source, digest, offset):
        if digest == slow:
            box.keeper.received(newer)
        async for chunk in fetch(source, digest, offset):
            yield chunk

    box.keeper._fetch = interrupted
    await box.hears(older)

    assert box.price() == 400
    assert f"/versions/{slow}.tbc" not in box.disk.entries


async def test_what_a_power_cut_left_of_a_fetch_is_verified_too_and_fetched_anew():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    box.disk.fill({f"/versions/{image}.tbc.part": bytes(120)})

    box.keeper.received(cloud.published(1, {"catalogue": image}))
    await box.keeper.look()
    box.clock.ms += FIRST_DELAY_MS
    await box.goes_on()

    assert box.fetched == [(image, 120), (image, 0)]
    assert box.price() == 300


async def test_a_bit_that_turned_in_what_is_in_force_stops_selling_until_it_was_fetched_again():
    cloud = Versions()
    box = VersionedBox(cloud)
    image = cloud.image(300)
    payload = cloud.published(1, {"catalogue": image})
    await box.hears(payload)
    box.disk.entries[f"/versions/{image}.tbc"].data[-1] ^= 1
    box.start()
    assert box.price() == 300

    await box.keeper.verify_in_force()
    box.plays(*box.events)
    box.events.clear()
    assert box.box.blocked == {"versions-damaged"}
    await box.goes_on()

    assert box.box.blocked == frozenset()
    assert box.fetched[-1] == (image, 0)
    assert box.disk.read(f"/versions/{image}.tbc") == cloud.bytes[image]
    assert box.price() == 300


async def test_what_is_whole_is_verified_at_a_start_and_nothing_more_happens():
    cloud = Versions()
    box = VersionedBox(cloud)
    await box.hears(cloud.published(1, {"catalogue": cloud.image(300), "taxes": cloud.taxes(50_000)}))
    box.start()

    await box.keeper.verify_in_force()
    await box.goes_on()

    assert len(box.fetched) == 2
    assert box.box.blocked == frozenset()
    assert box.keeper.number == 1
