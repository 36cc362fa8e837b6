"""Receipts of any text: they fit the paper, carry no control, and count columns as Unicode does."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from protocol.basket import Basket
from protocol.document import to_plain
from protocol.item import Item
from protocol.plain_text import columns, cut, is_plain, strip_controls, wrap
from protocol.pricing.engine import price_basket
from protocol.pricing.tax import TaxTable
from protocol.receipt import ReceiptSettings, Sale, Tender, build_receipt
from protocol.receipt_labels import ENGLISH

TAXES = TaxTable("included", "line", {"A": 200_000})
TEXT = st.text(max_size=120)


@given(st.lists(TEXT, min_size=1, max_size=5), TEXT, st.integers(16, 80), st.integers(0, 3))
def test_any_text_gives_a_receipt_that_fits_and_commands_nothing(names, other, width, copy):
    basket = Basket()
    for name in names:
        basket.add(Item("05000112637922", name, 4294967295, "A"), quantity=23 // len(names))
    shop = ReceiptSettings(ENGLISH, [other], [other])
    sale = Sale(7, "GBP", basket.lines, other, other)
    tender = Tender("cash", 1, brand=other, approval_code=other)

    lines = to_plain(build_receipt(sale, price_basket(basket.lines, TAXES), [tender], shop, copy), width)

    assert all(columns(line) <= width and is_plain(line) for line in lines)


@given(TEXT)
def test_stripping_twice_is_stripping_once_and_leaves_no_control(text):
    stripped = strip_controls(text)

    assert strip_controls(stripped) == stripped
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in stripped)


@given(TEXT.map(strip_controls), st.integers(2, 60))
def test_wrapping_loses_nothing_but_blanks(text, width):
    lines = wrap(text, width)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= width for line in lines)


@given(TEXT.map(strip_controls), st.integers(0, 60))
def test_a_cut_text_fits(text, width):
    short = cut(text, width)

    assert columns(short) <= width
    assert short == text or columns(text) > width


def test_every_assigned_character_but_pictographs_takes_the_columns_that_unicode_says():
    pictographs = ((0x2300, 0x2BFF), (0x3248, 0x324F), (0x1F000, 0x1FAFF))
    invisible = ("Cn", "Co", "Cs", "Cc", "Cf", "Mn", "Me", "Zl", "Zp")
    shown = [
        chr(code)
        for code in range(0x20, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in invisible
    ]

    wrong = [c for c in shown if columns(c) != (2 if unicodedata.east_asian_width(c) in "WF" else 1)]

    assert len(shown) > 100_000
    assert not [hex(ord(c)) for c in wrong if not any(first <= ord(c) <= last for first, last in pictographs)]
    assert len(wrong) < 400
