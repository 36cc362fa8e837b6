"""What an image knows of items beside their prices: classes of facts, price levels, and images from before them."""

import binascii
import hashlib

from protocol.catalogue import Catalogue, Item, build
from protocol.facts import Facts
from protocol.item_facts import answers_of
from protocol.overlay import read_overlay
from tests.protocol.expect import raises

DRINKS = Facts("drinks/soft", "Fizz", ("new", "cold"), (("deposit", "00000020000035"),))
COLA = Item("05000112637922", "Cola 33 cl", 120, "A", facts=DRINKS, levels=(("staff", 80), ("member", 99)))
BANANAS = Item("00000000004011", "Bananas 香蕉", 180, "B", kind="weight", facts=Facts("fruit"))
TONIC = Item("05010327000176", "Tonic", 99, "A", facts=DRINKS)


def rehashed(image):
    """The same image with its hash made right again."""
    return image[:34] + hashlib.sha256(image[:34] + image[66:]).digest() + image[66:]


def changed(image, at, new):
    return image[:at] + new + image[at + len(new) :]


def test_an_image_of_version_1_is_read_with_departments_as_categories():
    header = binascii.unhexlify(b"5442433100010042001802474250000000020000007a0000000d0000008700000018")
    body = binascii.unhexlify(
        b"0000000000000fab"
        b"0000000000000fab000000b4000000000e42010000010000"
        b"0000048c2df007e2000000780000000e0a41000000000000"
    )
    body += b"\x06drinks\x05fruit" + "Bananas 香蕉Cola 33 cl".encode()
    image = rehashed(header + bytes(32) + body)

    catalogue = Catalogue(image)

    assert catalogue.find(BANANAS.gtin) == BANANAS
    assert catalogue.find(COLA.gtin) == Item(COLA.gtin, COLA.name, 120, "A", facts=Facts("drinks"))
    catalogue.audit()
    raises("catalogue-departments-wrong", Catalogue, changed(image, 122 + 7, b"\x20"))
    raises("catalogue-departments-wrong", Catalogue, changed(image, 122 + 1, b"\xff"))
    raises("catalogue-record-wrong", Catalogue(changed(image, 74 + 20, b"\x00\x02")).audit)
    raises("catalogue-record-wrong", Catalogue(changed(image, 74 + 22, b"\x00\x01")).audit)


def test_items_that_agree_share_one_object_of_facts():
    catalogue = Catalogue(build([COLA, TONIC, BANANAS], "GBP"))

    assert catalogue.find(COLA.gtin).facts is catalogue.find(TONIC.gtin).facts
    assert answers_of(catalogue.find(BANANAS.gtin).facts) == ["c:fruit"]
    assert answers_of(COLA.facts) == [
        "c:drinks",
        "c:drinks/soft",
        "b:Fizz",
        "t:cold",
        "t:new",
        "a:deposit=00000020000035",
    ]


def test_damaged_classes_and_levels_are_found_by_find_and_audit():
    image = build([COLA, BANANAS], "GBP")
    cases = (
        ("catalogue-record-wrong", 74 + 24 + 20, b"\x00\x00\x00\x3b"),  # the size of the class stands outside
        ("catalogue-record-wrong", 74 + 24 + 20, b"\xff\xff\xff\xff"),
        ("catalogue-record-wrong", 122, b"\x7f"),  # a class without an end
        ("catalogue-record-wrong", 124, b"\xff"),  # no UTF-8
        ("catalogue-record-wrong", 124 + 16, b"x"),  # three parts
        ("catalogue-record-wrong", 124 + 17, b"z"),  # tags out of order
        ("catalogue-record-wrong", 182 + 24, b"\x13"),  # levels without an end
        ("catalogue-record-wrong", 182 + 24, b"\x00"),
        ("catalogue-record-wrong", 182 + 31, b"-"),  # member-99
    )

    for code, at, new in cases:
        damaged = Catalogue(changed(image, at, new))
        raises(code, damaged.find, COLA.gtin)
    raises("catalogue-classes-wrong", Catalogue(changed(image, 122, b"\x7f")).audit)
    raises("catalogue-classes-wrong", Catalogue(changed(image, 172, b"\x00\x09")).audit)
    raises("catalogue-classes-wrong", Catalogue(changed(image, 174, b"a")).audit)
    raises("item-category-wrong", Catalogue(changed(image, 124 + 6, b"\x01")).audit)
    raises("item-levels-wrong", Catalogue(changed(image, 182 + 25, b"M")).audit)


def test_an_overlay_of_version_1_is_read_under_its_own_hash():
    document = (
        b'{"catalogue":"' + b"00" * 32 + b'","changes":['
        b'{"age_min":0,"department":"drinks","gtin":"05000112637922","kind":"unit","name":"a","tax_class":"A",'
        b'"unit_price_minor":1}],"v":1}'
    )

    read = read_overlay(document)

    assert read.changes == {COLA.gtin: Item(COLA.gtin, "a", 1, "A", facts=Facts("drinks"))}
    assert read.hash == hashlib.sha256(document).digest()
