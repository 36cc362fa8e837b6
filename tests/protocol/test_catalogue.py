"""The catalogue image and the overlay of urgent changes: exact bytes, every item found, damage named."""

import binascii
import hashlib

from protocol.catalogue import (
    BLOCK_RECORDS,
    HEADER_BYTES,
    RECORD_BYTES,
    Catalogue,
    Item,
    Overlay,
    Prices,
    build,
)
from protocol.errors import PeerError
from protocol.facts import Facts
from protocol.item_rules import check_item
from protocol.limits import MAX_UNIT_PRICE_MINOR
from protocol.overlay import read_overlay
from tests.protocol.expect import raises

DRINKS = Facts("drinks/soft", "Fizz", ("new", "cold"), (("deposit", "00000020000035"),))
COLA = Item("05000112637922", "Cola 33 cl", 120, "A", facts=DRINKS, levels=(("staff", 80), ("member", 99)))
BANANAS = Item("00000000004011", "Bananas 香蕉", 180, "B", kind="weight", facts=Facts("fruit"))
WHISKY = Item("05010327000176", "Whisky", 2499, "A", age_min=18, facts=Facts("drinks"))
KEY = bytes(32)


def numbered(count):
    return [Item(f"{7 * number + 3:014d}", f"item {number}", number, "A") for number in range(count)]


def rehashed(image):
    """The same image with its hash made right again: damage that a builder's own fault could bring."""
    digest = hashlib.sha256(image[:34] + image[66:]).digest()
    return image[:34] + digest + image[66:]


def changed(image, at, new):
    return image[:at] + new + image[at + len(new) :]


def test_each_item_of_an_image_is_found_with_all_its_fields():
    catalogue = Catalogue(build([WHISKY, COLA, BANANAS], "GBP"))

    found = [catalogue.find(item.gtin) for item in (COLA, BANANAS, WHISKY)]

    assert found == [COLA, BANANAS, WHISKY]
    assert (catalogue.count, catalogue.currency) == (3, "GBP")


def test_an_image_has_these_golden_bytes():
    image = build([COLA, BANANAS], "GBP")

    assert (
        binascii.hexlify(image[:34])
        == (
            b"5442433100020042001802474250"  # TBC1, version 2, header 66, record 24, 2 decimals, GBP
            b"000000020000007a0000003c000000b60000002b"  # 2 items, classes at 122, names at 182, 43 bytes of names
        )
    )
    assert (
        binascii.hexlify(image[66:122])
        == (
            b"0000000000000fab"  # the index: one block begins with 4011
            b"0000000000000fab000000b4000000000e42010000000032"  # bananas, by weight, class at 50
            b"0000048c2df007e2000000780000000e0a41020000000000"  # cola, name from byte 14, with levels, class at 0
        )
    )
    assert image[122:182] == (
        b"\x00\x30drinks/soft\nFizz\ncold\tnew\ndeposit=00000020000035" + b"\x00\x08fruit\n\n\n"
    )
    assert image[182:] == "Bananas 香蕉Cola 33 cl".encode() + b"\x12member=99\tstaff=80"
    assert image == rehashed(image)


def test_the_order_of_items_does_not_change_the_image():
    assert build([COLA, BANANAS, WHISKY], "GBP") == build([WHISKY, BANANAS, COLA], "GBP")


def test_the_prices_of_all_items_come_in_the_order_of_their_keys():
    prices = list(Catalogue(build([WHISKY, COLA, BANANAS], "GBP")).unit_prices())

    assert prices == [(4011, 180), (5000112637922, 120), (5010327000176, 2499)]
    assert list(Catalogue(build([], "GBP")).unit_prices()) == []


def test_an_empty_catalogue_finds_nothing():
    assert Catalogue(build([], "JPY")).find(COLA.gtin) is None


def test_every_item_is_found_and_no_neighbour_at_each_size_around_a_block():
    for count in (1, 2, BLOCK_RECORDS - 1, BLOCK_RECORDS, BLOCK_RECORDS + 1, 3 * BLOCK_RECORDS + 5):
        items = numbered(count)
        catalogue = Catalogue(memoryview(build(items, "EUR")))

        for item in items:
            assert catalogue.find(item.gtin) == item
            assert catalogue.find(f"{int(item.gtin) + 1:014d}") is None
            assert catalogue.find(f"{int(item.gtin) - 1:014d}") is None


def test_a_key_that_occurs_across_two_fields_is_not_taken_for_a_record():
    # The price and name offset of the first record read as one number are a GTIN, but no item has it.
    catalogue = Catalogue(build([Item("00000000000001", "a", 1, "A"), COLA], "EUR"))
    spelt_across = (1 << 32) + 0

    assert catalogue.find(f"{spelt_across:014d}") is None


def test_a_key_of_a_wrong_form_is_the_callers_fault():
    catalogue = Catalogue(build([COLA], "GBP"))

    for wrong in ("", "5000112637922", "0500011263792x", "٠٥٠٠٠١١٢٦٣٧٩٢٢", 5000112637922, None):
        raises("gtin-wrong", catalogue.find, wrong)
    raises("catalogue-number-out-of-range", catalogue.item_at, 1)
    raises("catalogue-number-out-of-range", catalogue.item_at, -1)


def test_an_item_that_no_image_can_hold_is_refused_by_field():
    gtin = COLA.gtin
    cases = (
        ("item-gtin-wrong", Item("123", "a", 1, "A")),
        ("item-gtin-wrong", Item(5000112637922, "a", 1, "A")),
        ("item-name-wrong", Item(gtin, "", 1, "A")),
        ("item-name-wrong", Item(gtin, "open\x1bp0", 1, "A")),
        ("item-name-wrong", Item(gtin, "del\x7f", 1, "A")),
        ("item-name-wrong", Item(gtin, "turn\u202earound", 1, "A")),
        ("item-name-wrong", Item(gtin, None, 1, "A")),
        ("item-name-wrong", Item(gtin, 7, 1, "A")),
        ("item-facts-wrong", Item(gtin, "a", 1, "A", "unit", 0, None)),
        ("item-name-too-long", Item(gtin, "茶" * 67, 1, "A")),
        ("item-price-out-of-range", Item(gtin, "a", -1, "A")),
        ("item-price-out-of-range", Item(gtin, "a", MAX_UNIT_PRICE_MINOR + 1, "A")),
        ("item-price-out-of-range", Item(gtin, "a", 1.5, "A")),
        ("item-price-out-of-range", Item(gtin, "a", True, "A")),  # noqa: FBT003 - a bool is what is refused
        ("item-tax-class-wrong", Item(gtin, "a", 1, "a")),
        ("item-tax-class-wrong", Item(gtin, "a", 1, "AB")),
        ("item-tax-class-wrong", Item(gtin, "a", 1, "")),
        ("item-kind-wrong", Item(gtin, "a", 1, "A", "piece")),
        ("item-age-out-of-range", Item(gtin, "a", 1, "A", "unit", 100)),
        ("item-age-out-of-range", Item(gtin, "a", 1, "A", "unit", -1)),
        ("item-category-wrong", Item(gtin, "a", 1, "A", facts=Facts("d" * 161))),
        ("item-category-wrong", Item(gtin, "a", 1, "A", facts=Facts("d\n"))),
        ("item-category-wrong", Item(gtin, "a", 1, "A", facts=Facts(7))),
        ("item-category-wrong", Item(gtin, "a", 1, "A", facts=Facts("food//fruit"))),
        ("item-category-wrong", Item(gtin, "a", 1, "A", facts=Facts("a/b/c/d/e/f/g/h/i"))),
        ("item-brand-wrong", Item(gtin, "a", 1, "A", facts=Facts(brand="b" * 49))),
        ("item-brand-wrong", Item(gtin, "a", 1, "A", facts=Facts(brand=None))),
        ("item-tag-wrong", Item(gtin, "a", 1, "A", facts=Facts(tags=("new", "")))),
        ("item-tag-wrong", Item(gtin, "a", 1, "A", facts=Facts(tags=("new", "new")))),
        ("item-tag-wrong", Item(gtin, "a", 1, "A", facts=Facts(tags=tuple("abcdefghijklmnopq")))),
        ("item-attribute-wrong", Item(gtin, "a", 1, "A", facts=Facts(attributes=(("a=b", "c"),)))),
        ("item-attribute-wrong", Item(gtin, "a", 1, "A", facts=Facts(attributes=(("a", "\t"),)))),
        ("item-attribute-wrong", Item(gtin, "a", 1, "A", facts=Facts(attributes=(("a", "1"), ("a", "2"))))),
        ("item-levels-wrong", Item(gtin, "a", 1, "A", levels=(("Member", 1),))),
        ("item-levels-wrong", Item(gtin, "a", 1, "A", levels=(("member", 1), ("member", 2)))),
        ("item-levels-wrong", Item(gtin, "a", 1, "A", levels=(("member", -1),))),
    )

    for code, item in cases:
        raises(code, build, [item], "GBP")


def test_the_largest_values_come_back_unchanged():
    tags = tuple("é" * 23 + letter for letter in "abcdefghijklmnop")
    attributes = tuple((letter * 48, "é" * 32) for letter in "abcdefghijklmnop")
    widest = Facts("/".join(["d" * 19] * 8), "b" * 48, tags, attributes)
    levels = tuple((letter * 16, MAX_UNIT_PRICE_MINOR) for letter in "abcdefgh")
    item = Item("99999999999999", "é" * 100, MAX_UNIT_PRICE_MINOR, "Z", "weight", 99, widest, levels)

    assert Catalogue(build([item], "EUR")).find(item.gtin) == item


def test_a_gtin_that_occurs_twice_is_refused():
    raises("item-twice", build, [COLA, BANANAS, Item(COLA.gtin, "Other", 1, "A")], "GBP")


def test_an_unknown_currency_is_refused():
    raises("currency-unknown", build, [COLA], "ZZZ")


def test_every_beginning_of_an_image_is_refused_as_truncated():
    image = build([COLA, BANANAS], "GBP")

    for size in range(len(image)):
        raises("catalogue-truncated", Catalogue, image[:size])


def test_bytes_after_the_end_are_refused():
    raises("catalogue-truncated", Catalogue, build([COLA], "GBP") + b"\x00")


def test_each_damaged_header_field_has_its_named_error():
    image = build([COLA, BANANAS], "GBP")
    cases = (
        ("catalogue-magic-wrong", 0, b"TBC2"),
        ("catalogue-version-unknown", 4, b"\x00\x03"),
        ("catalogue-version-unknown", 6, b"\x00\x43"),
        ("catalogue-version-unknown", 8, b"\x00\x19"),
        ("catalogue-currency-wrong", 10, b"\x03"),
        ("catalogue-currency-wrong", 11, b"JPY"),
        ("catalogue-currency-wrong", 11, b"gbp"),
        ("catalogue-currency-wrong", 11, b"\xff\xff\xff"),
        ("currency-unknown", 11, b"ZZZ"),
        ("catalogue-too-large", 14, b"\xff\xff\xff\xff"),
        ("catalogue-layout-wrong", 14, b"\x00\x00\x00\x03"),
        ("catalogue-layout-wrong", 18, b"\x00\x00\x00\x00"),
        ("catalogue-layout-wrong", 22, b"\xff\xff\xff\xff"),
        ("catalogue-layout-wrong", 26, b"\x00\x00\x00\x00"),
        ("catalogue-truncated", 30, b"\xff\xff\xff\xff"),
    )

    for code, at, new in cases:
        raises(code, Catalogue, changed(image, at, new))


def test_no_single_changed_byte_escapes_the_hash_and_none_crashes():
    image = build([COLA, BANANAS, WHISKY], "GBP")
    for at in range(len(image)):
        damaged = changed(image, at, bytes([image[at] ^ 0x81]))
        try:
            catalogue = Catalogue(damaged)
        except PeerError:
            continue
        for item in (COLA, BANANAS, WHISKY):
            try:
                catalogue.find(item.gtin)
            except PeerError as error:
                assert error.code == "catalogue-record-wrong", error
        raises("catalogue-hash-wrong", catalogue.verify, [damaged])


def test_a_whole_image_is_verified_in_chunks_of_any_size():
    image = build(numbered(300), "EUR")
    catalogue = Catalogue(image)

    for size in (1, 7, 34, 66, 100, len(image)):
        chunks = [image[at : at + size] for at in range(0, len(image), size)]
        assert catalogue.verify(chunks) is None
        raises("catalogue-hash-wrong", catalogue.verify, chunks[1:])


def test_a_truncated_file_does_not_verify_against_an_open_image():
    image = build(numbered(300), "EUR")

    raises("catalogue-hash-wrong", Catalogue(image).verify, [image[:-1]])
    raises("catalogue-hash-wrong", Catalogue(image).verify, [])


def test_an_image_with_the_right_hash_but_wrong_records_fails_the_audit():
    image = build([COLA, BANANAS], "GBP")
    first, second = HEADER_BYTES + 8, HEADER_BYTES + 8 + RECORD_BYTES
    swapped = image[:first] + image[second : second + RECORD_BYTES] + image[first:second]
    swapped += image[second + RECORD_BYTES :]
    Catalogue(image).audit()

    raises("catalogue-index-wrong", Catalogue(rehashed(swapped)).audit)
    cola_first = changed(swapped, HEADER_BYTES, swapped[first : first + 8])
    raises("catalogue-unsorted", Catalogue(rehashed(cola_first)).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, first + 12, b"\x00\x00\xff\x00")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, first + 16, b"\xff")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, first + 17, b"\x20")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, first + 18, b"\x04")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, first + 20, b"\x00\x02")).audit)
    raises("item-age-out-of-range", Catalogue(changed(image, first + 19, b"\xff")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, len(image) - 1, b"\xff")).audit)


def test_an_overlay_replaces_adds_and_blocks():
    catalogue = Catalogue(build([COLA, BANANAS], "GBP"))
    cheaper = Item(COLA.gtin, "Cola 33 cl", 99, "A", facts=DRINKS)
    overlay = Overlay({COLA.gtin: cheaper, BANANAS.gtin: None, WHISKY.gtin: WHISKY}, catalogue.hash)

    prices = Prices(catalogue, overlay)

    assert prices.find(COLA.gtin) == cheaper
    assert prices.find(BANANAS.gtin) is None
    assert prices.find(WHISKY.gtin) == WHISKY
    assert Prices(catalogue).find(BANANAS.gtin) == BANANAS


def test_an_overlay_comes_back_from_its_document_with_the_same_hash():
    overlay = Overlay({COLA.gtin: COLA, BANANAS.gtin: None}, KEY)
    other_order = Overlay({BANANAS.gtin: None, COLA.gtin: COLA}, KEY)

    read = read_overlay(overlay.encode())

    assert read.changes == overlay.changes
    assert read.catalogue_hash == KEY
    assert read.hash == overlay.hash == other_order.hash
    assert overlay.hash == hashlib.sha256(overlay.encode()).digest()
    assert Overlay({COLA.gtin: None}, KEY).hash != overlay.hash


def test_an_overlay_made_for_another_image_is_refused():
    catalogue = Catalogue(build([COLA], "GBP"))

    raises("overlay-of-another-catalogue", Prices, catalogue, Overlay({}, KEY))


def test_a_wrong_overlay_document_is_refused_by_name():
    start = b'{"catalogue":"' + b"00" * 32 + b'","changes":['
    item = b'{"age_min":0,"facts":{},"gtin":"05000112637922","kind":"unit","levels":{},"name":"a","tax_class":"A",'
    cases = (
        ("overlay-wrong", b"[]"),
        ("overlay-wrong", b'{"v":1}'),
        ("overlay-wrong", start + b'],"v":3}'),
        ("overlay-wrong", start + b'],"v":true}'),
        ("overlay-wrong", start + b'],"v":1,"x":0}'),
        ("overlay-wrong", b'{"catalogue":"00","changes":[],"v":1}'),
        ("overlay-wrong", b'{"catalogue":"' + b"0G" * 32 + b'","changes":[],"v":1}'),
        ("overlay-wrong", b'{"catalogue":"' + b"00" * 32 + b'","changes":{},"v":1}'),
        ("overlay-wrong", start + b'7],"v":1}'),
        ("overlay-wrong", start + b'{"blocked":true,"gtin":"1"}],"v":1}'),
        ("overlay-wrong", start + b'{"blocked":false,"gtin":"05000112637922"}],"v":1}'),
        ("overlay-wrong", start + b'{"gtin":"05000112637922"}],"v":1}'),
        (
            "overlay-wrong",
            start
            + b'{"blocked":true,"gtin":"05000112637922"},{"blocked":true,"gtin":"05000112637922"}],"v":1}',
        ),
        ("overlay-wrong", start + item[:-1] + b'}],"v":1}'),
        ("overlay-wrong", start + item.replace(b'"a"', b"7") + b'"unit_price_minor":1}],"v":2}'),
        ("item-price-out-of-range", start + item + b'"unit_price_minor":"1"}],"v":2}'),
        ("item-price-out-of-range", start + item + b'"unit_price_minor":-1}],"v":2}'),
        ("overlay-wrong", start + item + b'"unit_price_minor":1}],"v":1}'),
        (
            "overlay-wrong",
            start + item.replace(b'"levels":{}', b'"levels":[]') + b'"unit_price_minor":1}],"v":2}',
        ),
        ("item-facts-wrong", start + item.replace(b"{},", b"[],", 1) + b'"unit_price_minor":1}],"v":2}'),
        ("item-facts-wrong", start + item.replace(b"{},", b'{"x":1},', 1) + b'"unit_price_minor":1}],"v":2}'),
        (
            "item-tag-wrong",
            start + item.replace(b"{},", b'{"tags":[1]},', 1) + b'"unit_price_minor":1}],"v":2}',
        ),
        (
            "item-attribute-wrong",
            start + item.replace(b"{},", b'{"attributes":{"a":1}},', 1) + b'"unit_price_minor":1}],"v":2}',
        ),
        ("item-tax-class-wrong", start + item.replace(b'"A"', b'"a"') + b'"unit_price_minor":1}],"v":2}'),
        ("item-age-out-of-range", start + item.replace(b":0,", b":true,") + b'"unit_price_minor":1}],"v":2}'),
    )

    for code, document in cases:
        raises(code, read_overlay, document)


def test_a_change_under_another_items_gtin_is_refused():
    raises("overlay-wrong", Overlay, {BANANAS.gtin: COLA}, KEY)
    raises("overlay-wrong", Overlay, {"1": None}, KEY)


def test_an_overlay_holds_a_bounded_number_of_changes():
    changes = {f"{number:014d}": None for number in range(5001)}

    raises("overlay-too-large", Overlay, changes, KEY)


def test_items_are_equal_by_their_fields():
    twin = Item(*COLA.fields())

    assert twin == COLA
    assert check_item(twin) is twin
    assert COLA != BANANAS
    assert COLA != "cola"
