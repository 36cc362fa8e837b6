"""An image on disk, opened with its records mapped and its names read."""

from __future__ import annotations

from edge.catalogue_file import ImageBytes, open_image
from protocol.catalogue import Catalogue, build
from protocol.facts import Facts
from protocol.item import Item
from protocol.product_codes.gtin import check_digit

ITEMS = [
    Item("0" + body + check_digit("0" + body), f"Item {number} £", number, "A", facts=Facts(f"d{number % 7}"))
    for number, body in ((number, f"24{number:010d}") for number in range(1_000))
]


def test_every_item_is_found_as_in_an_image_held_in_memory(tmp_path):
    image = build(ITEMS, "GBP")
    path = tmp_path / "active.tbc"
    path.write_bytes(image)

    opened = open_image(path)

    assert [opened.find(item.gtin) for item in ITEMS] == ITEMS
    assert (opened.hash, opened.count) == (Catalogue(image).hash, 1_000)
    opened.audit()


def test_any_slice_is_the_one_of_the_file_whether_mapped_or_read(tmp_path):
    image = build(ITEMS, "GBP")
    path = tmp_path / "active.tbc"
    path.write_bytes(image)
    data = ImageBytes(path)
    border = image.index(b"Item ")

    for start, stop in (
        (0, 34),
        (border - 5, border),
        (border - 5, border + 5),
        (border, border + 9),
        (9, 2),
    ):
        assert data[start:stop] == image[start:stop]
    assert data[len(image) - 3 : len(image) + 9] == image[-3:]
    assert len(data) == len(image)


def test_a_name_that_is_gone_from_the_file_is_an_empty_name_and_no_crash(tmp_path):
    image = build(ITEMS, "GBP")
    path = tmp_path / "active.tbc"
    path.write_bytes(image)
    opened = open_image(path)

    with path.open("r+b") as file:
        file.truncate(image.index(b"Item "))

    assert opened.item_at(0).name == ""
    assert opened.item_at(0).unit_price_minor == 0
