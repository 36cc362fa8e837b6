"""The shelf of price versions: files in a directory, found by hash as soon as they are there."""

from __future__ import annotations

import json
import logging

import pytest

from cloud.catalogue_shelf import DirectoryShelf, put_taxes
from edge.settings import Settings
from protocol.catalogue import Catalogue, build
from protocol.errors import ConfigError
from protocol.item import Item
from protocol.overlay import Overlay
from protocol.pricing.tax import TaxTable

BREAD = Item("04006381333931", "Rye bread", 249, "A")
CHEAPER = Item("04006381333931", "Rye bread", 199, "A")
IMAGE = build([BREAD], "GBP")
CATALOGUE = Catalogue(IMAGE)
TAXES = TaxTable("included", "line", {"A": 200_000})
OVERLAY = Overlay({BREAD.gtin: CHEAPER}, CATALOGUE.hash)
KEY = (CATALOGUE.hash.hex(), "", TAXES.hash.hex())


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "shop.tbc").write_bytes(IMAGE)
    (tmp_path / "shop.taxes.json").write_text(json.dumps(TAXES.document()))
    (tmp_path / "shop.overlay.json").write_bytes(OVERLAY.encode())
    return DirectoryShelf(tmp_path)


async def test_versions_are_found_by_hash(shelf):
    found = await shelf.find("acme", *KEY)

    assert found.prices.find(BREAD.gtin) == BREAD
    assert found.taxes.rates == {"A": 200_000}


async def test_an_overlay_changes_the_price(shelf):
    found = await shelf.find("acme", KEY[0], OVERLAY.hash.hex(), KEY[2])

    assert found.prices.find(BREAD.gtin) == CHEAPER


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_unknown_hash_finds_nothing(shelf, place):
    key = list(KEY)
    key[place] = "00" * 32

    assert await shelf.find("acme", *key) is None


async def test_a_file_that_comes_later_is_found(shelf, tmp_path):
    later = Catalogue(build([CHEAPER], "GBP"))
    before = await shelf.find("acme", later.hash.hex(), "", KEY[2])
    (tmp_path / "new.part").write_bytes(build([CHEAPER], "GBP"))

    (tmp_path / "new.part").rename(tmp_path / "new.tbc")

    assert before is None
    found = await shelf.find("acme", later.hash.hex(), "", KEY[2])
    assert found.prices.find(BREAD.gtin) == CHEAPER


async def test_an_overlay_of_another_image_is_no_version(shelf, tmp_path):
    (tmp_path / "other.tbc").write_bytes(build([CHEAPER], "GBP"))
    other = Catalogue(build([CHEAPER], "GBP")).hash.hex()

    assert await shelf.find("acme", other, OVERLAY.hash.hex(), KEY[2]) is None


async def test_a_damaged_file_is_named_and_does_not_hide_the_others(shelf, tmp_path, caplog):
    (tmp_path / "a-cut.tbc").write_bytes(IMAGE[:-2])
    (tmp_path / "a-empty.tbc").write_bytes(b"")
    (tmp_path / "a-wrong.taxes.json").write_text("{")
    (tmp_path / "a-wrong.overlay.json").write_text("[]")

    with caplog.at_level(logging.WARNING):
        found = await shelf.find("acme", *KEY)

    assert found is not None
    for name in ("a-cut.tbc", "a-empty.tbc", "a-wrong.taxes.json", "a-wrong.overlay.json"):
        assert name in caplog.text


async def test_a_directory_that_is_missing_holds_nothing(tmp_path):
    assert await DirectoryShelf(tmp_path / "nowhere").find("acme", *KEY) is None


async def test_the_tax_table_of_a_box_that_was_told_none_lies_on_every_shelf(shelf):
    assert await shelf.find("acme", KEY[0], "", Settings().taxes.hash.hex()) is not None


async def test_a_tax_table_that_is_put_on_the_shelf_is_found_at_once(shelf, tmp_path):
    later = TaxTable("excluded", "total", {"A": 77_000})
    before = await shelf.find("acme", KEY[0], "", later.hash.hex())

    put_taxes(tmp_path, later)
    put_taxes(tmp_path, later)

    assert before is None
    found = await shelf.find("acme", KEY[0], "", later.hash.hex())
    assert found is not None
    assert found.taxes.hash == later.hash


def test_a_shelf_that_cannot_be_written_is_a_named_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError) as refusal:
        put_taxes(tmp_path / "file", TaxTable("excluded", "total", {"A": 1}))

    assert refusal.value.code == "shelf-not-writable"
