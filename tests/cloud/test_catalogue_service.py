"""What a tenant sells is published as versions: prices by store and time, numbers that rise, old versions kept."""

from __future__ import annotations

import pytest

from cloud.catalogue import store
from cloud.catalogue.importing import ITEMS_AT_ONCE
from protocol import faults
from protocol.errors import CallerError
from protocol.item import Item
from protocol.limits import MAX_OVERLAY_CHANGES
from protocol.pricing.tax import TaxTable
from protocol.strict_json import dumps
from tests.cloud.catalogue_shop import BREAD, DAY_MS, SOAP, TABLE, Shop, replace_price
from tests.cloud.tills import NOON_MS, STORE, TENANT


@pytest.fixture
async def shop(database, tmp_path):
    made = Shop(database, tmp_path / "shelf")
    await made.fleet.enrol("till-1")
    await made.taxed()
    yield made
    faults.set_hook(None)


async def test_what_was_imported_is_published_announced_and_found_on_the_shelf(shop):
    await shop.sells(BREAD, SOAP)

    done = await shop.publish()
    await shop.announcer.look()

    told = shop.told("till-1")
    assert (told["number"], told["store"], len(told["plan"])) == (done.number, STORE, 1)
    entry = told["plan"][0]
    found = await shop.shelf.find(TENANT, entry["catalogue"], "", entry["taxes"])
    assert found is not None
    assert [found.find(item.gtin) for item in (BREAD, SOAP)] == [BREAD, SOAP]
    assert found.taxes.hash == TABLE.hash
    assert told["sizes"] == {
        digest: path.stat().st_size
        for path in shop.directory.iterdir()
        for digest in [path.name.partition(".")[0]]
    }


async def test_every_publication_has_a_higher_number_than_any_before_in_the_tenant(shop):
    await shop.sells(BREAD)

    numbers = [(await shop.publish(shop=name)).number for name in (STORE, "south", STORE)]

    assert numbers == [1, 2, 3]


async def test_a_number_is_above_what_a_box_says_to_hold_after_the_cloud_was_restored(shop):
    await shop.sells(BREAD)
    await shop.publish()
    await shop.answers("till-1", 1, "refused", "rollback", held=41)

    assert (await shop.publish()).number == 42


async def test_a_price_of_the_store_goes_before_one_of_every_store(shop):
    await shop.sells(BREAD)
    await shop.sells(replace_price(BREAD, 199), store=STORE)

    here, there = await shop.publish(), await shop.publish(shop="south")

    assert await shop.price(here.plan[0]) == 199
    assert await shop.price(there.plan[0]) == 249


async def test_a_price_that_begins_and_ends_later_is_announced_ahead(shop):
    await shop.sells(BREAD, SOAP)
    await shop.sells(replace_price(BREAD, 149), from_ms=NOON_MS + DAY_MS, until_ms=NOON_MS + 2 * DAY_MS)

    done = await shop.publish()

    assert [entry["from_ms"] for entry in done.plan] == [0, NOON_MS + DAY_MS, NOON_MS + 2 * DAY_MS]
    assert [await shop.price(entry) for entry in done.plan] == [249, 149, 249]
    assert len({entry["catalogue"] for entry in done.plan}) == 1
    assert done.plan[2]["overlay"] == ""


async def test_many_later_changes_make_an_image_of_their_own(shop):
    many = [
        Item(f"{number:014d}", f"Item {number}", 100, "A") for number in range(1, MAX_OVERLAY_CHANGES + 2)
    ]
    await shop.sells(*many)
    await shop.sells(*[replace_price(item, 200) for item in many], from_ms=NOON_MS + DAY_MS)

    done = await shop.publish()

    assert done.plan[1]["catalogue"] != done.plan[0]["catalogue"]
    assert await shop.price(done.plan[1], many[0].gtin) == 200


async def test_another_tax_table_holds_from_its_instant_on(shop):
    await shop.sells(BREAD)
    later = TaxTable("included", "line", {"A": 210_000, "Z": 0})
    await shop.taxed(dumps(later.document()), from_ms=NOON_MS + DAY_MS)

    done = await shop.publish()

    assert [entry["taxes"] for entry in done.plan] == [TABLE.hash.hex(), later.hash.hex()]


async def test_urgent_changes_lie_over_the_last_image(shop):
    await shop.sells(BREAD, SOAP)
    first = await shop.publish()
    new = Item("00012345678905", "Carrier bag", 5, "A")
    await shop.sells(replace_price(BREAD, 99), new)
    async with shop.database.transaction() as tx:
        await store.sell(tx, TENANT, [SOAP.gtin], is_sold=False)

    done = await shop.publish(is_urgent=True)

    entry = done.plan[0]
    assert entry["catalogue"] == first.plan[0]["catalogue"]
    assert done.changes == 3
    assert [await shop.price(entry, gtin) for gtin in (BREAD.gtin, SOAP.gtin, new.gtin)] == [99, None, 5]


async def test_urgent_changes_need_an_image(shop):
    await shop.sells(BREAD)

    with pytest.raises(CallerError, match="nothing-published"):
        await shop.publish(is_urgent=True)


async def test_a_price_of_nothing_or_a_fall_by_more_than_ninety_per_cent_needs_a_second_person(shop):
    await shop.sells(BREAD, SOAP)
    await shop.publish()
    await shop.sells(replace_price(BREAD, 24), replace_price(SOAP, 0))

    for people in ({}, {"made_by": "ann", "approved_by": "ann"}):
        with pytest.raises(CallerError, match="publication-needs-approval") as refused:
            await shop.publish(**people)
        assert BREAD.gtin in str(refused.value)
        assert SOAP.gtin in str(refused.value)
    done = await shop.publish(made_by="ann", approved_by="bob")

    assert await shop.price(done.plan[0]) == 24


async def test_a_fall_by_ninety_per_cent_needs_nobody(shop):
    await shop.sells(replace_price(BREAD, 250))
    await shop.publish()
    await shop.sells(replace_price(BREAD, 25))

    assert await shop.price((await shop.publish()).plan[0]) == 25


async def test_nothing_is_published_where_nothing_is_sold_in_the_currency(shop):
    await shop.sells(BREAD)

    with pytest.raises(CallerError, match="catalogue-empty"):
        await shop.publish(currency="EUR")


async def test_old_versions_stay_on_the_shelf(shop):
    await shop.sells(BREAD)
    old = (await shop.publish()).plan[0]
    await shop.sells(replace_price(BREAD, 300))
    await shop.publish()

    assert await shop.price(old) == 249


async def test_items_that_a_whole_table_does_not_have_are_sold_no_more(shop):
    await shop.sells(BREAD, SOAP)

    done = await shop.sells(SOAP, is_whole=True)

    assert (done.items, done.withdrawn) == (1, 1)
    assert await shop.price((await shop.publish()).plan[0]) is None


async def test_prices_alone_leave_names_and_facts_as_they_are(shop):
    await shop.sells(BREAD)

    done = await shop.sells(
        Item(BREAD.gtin, "x", 111, "A"), Item(SOAP.gtin, "y", 1, "A"), is_prices_only=True
    )

    entry = (await shop.publish()).plan[0]
    found = await shop.shelf.find(TENANT, entry["catalogue"], "", entry["taxes"])
    assert found.find(BREAD.gtin) == replace_price(BREAD, 111)
    assert done.unknown == (SOAP.gtin,)


async def test_an_import_that_was_cut_off_is_mended_by_repeating_it(shop):
    many = [Item(f"{number:014d}", f"Item {number}", 100, "A") for number in range(1, 2 * ITEMS_AT_ONCE)]

    def cut(name):
        if name == "catalogue.part_imported":
            raise RuntimeError("cut")

    faults.set_hook(cut)
    with pytest.raises(RuntimeError):
        await shop.sells(*many)
    assert len(await store.keys(shop.database, TENANT)) == ITEMS_AT_ONCE

    faults.set_hook(None)
    await shop.sells(*many)

    assert (await shop.publish()).items == len(many)


@pytest.mark.parametrize("point", ["catalogue.versions_stored", "catalogue.published"])
async def test_a_publication_that_was_cut_off_is_whole_or_not_there(shop, point):
    await shop.sells(BREAD)

    def cut(name):
        if name == point:
            raise RuntimeError("cut")

    faults.set_hook(cut)
    with pytest.raises(RuntimeError):
        await shop.publish()
    faults.set_hook(None)
    await shop.announcer.look()

    was_committed = point == "catalogue.published"
    assert len(shop.broker.retained) == int(was_committed)
    assert (await shop.publish()).number == 1 + int(was_committed)
