"""Receipts and slips: what stands on them, that nothing in a name can command a printer, and that they fit."""

import binascii

from protocol.basket import Basket
from protocol.document import Document, lay_out, to_plain
from protocol.item import Item
from protocol.limits import MAX_BASKET_LINES, MAX_RECEIPT_BLOCKS
from protocol.plain_text import columns, is_plain
from protocol.pricing.engine import price_basket
from protocol.pricing.tax import TaxTable
from protocol.receipt import ReceiptSettings, Sale, Tender, build_receipt, build_slip
from protocol.receipt_context import discounts_of
from protocol.receipt_labels import CHINESE, ENGLISH, LANGUAGES
from tests.protocol.expect import raises
from tests.protocol.promotion_samples import APPLE, BREAD, basket, priced, rules

TAXES = TaxTable("included", "line", {"A": 200000, "B": 88750, "Z": 0})
ORDER = 123456789012345
COLA = Item("05000112637922", "Cola 33 cl", 120, "A")
BANANAS = Item("00000000004011", "Bananas 香蕉", 180, "Z", kind="weight")
CARD = Tender(
    "card", 302, masked="411111******1111", brand="VISA", approval_code="123456", rrn="000000000099"
)


def sale_of(basket):
    return Sale(ORDER, "GBP", basket.lines, "2026-11-22 15:01", "box-1"), price_basket(basket.lines, TAXES)


def usual_basket():
    basket = Basket()
    basket.add(COLA, quantity=2)
    basket.add(BANANAS, weight_g=345)
    return basket


def settings(labels=ENGLISH, **choices):
    return ReceiptSettings(labels, ["Corner shop", "1 Main Street"], ["Thank you"], **choices)


def test_a_receipt_reads_like_this():
    sale, priced = sale_of(usual_basket())

    receipt = build_receipt(sale, priced, [CARD], settings())

    assert to_plain(receipt, 32) == [
        "          Corner shop",
        "         1 Main Street",
        "2026-11-22 15:01           box-1",
        "Order           0003-G9230-VQVSQ",
        "--------------------------------",
        "Cola 33 cl                2.40 A",
        "  2 x 1.20",
        "Bananas 香蕉              0.62 Z",
        "  0.345 kg x 1.80/kg",
        "--------------------------------",
        "TOTAL                   GBP 3.02",
        "Items                          3",
        "Card VISA                   3.02",
        "  411111******1111",
        "  Approval 123456",
        "  Reference 000000000099",
        "--------------------------------",
        "Net                         2.62",
        "Tax A 20% of 2.00           0.40",
        "Tax Z 0% of 0.62            0.00",
        "--------------------------------",
        "           Thank you",
        "   [barcode 0003-G9230-VQVSQ]",
        "",
        "",
        "",
        "- - - - - - - - - - - - - - - - ",
    ]


def test_a_receipt_has_this_golden_digest():
    sale, priced = sale_of(usual_basket())

    digest = build_receipt(sale, priced, [CARD], settings()).digest()

    assert binascii.hexlify(digest) == GOLDEN_DIGEST
    assert build_receipt(sale, priced, [CARD], settings(), copy=1).digest() != digest


GOLDEN_DIGEST = b"1cc4f72b1f6b9e87505effca4b4380f9927899ca39d57fa3420641d791307e13"


def test_the_same_receipt_reads_in_chinese():
    sale, priced = sale_of(usual_basket())

    lines = to_plain(build_receipt(sale, priced, [CARD], settings(CHINESE)), 32)

    assert "合计                    GBP 3.02" in lines
    assert "银行卡 VISA                 3.02" in lines
    assert "税 A 20% / 2.00             0.40" in lines


def test_a_reprint_is_marked_as_the_copy_that_it_is():
    sale, priced = sale_of(usual_basket())

    original = to_plain(build_receipt(sale, priced, [CARD], settings()), 32)
    second = to_plain(build_receipt(sale, priced, [CARD], settings(), copy=2), 32)

    assert "         *** COPY 2 ***" in second
    assert not [line for line in original if "COPY" in line]
    assert [line for line in second if "COPY" not in line] == original


def test_cash_shows_what_was_given_and_the_change():
    sale, priced = sale_of(usual_basket())
    cash = Tender("cash", 302, tendered_minor=500, change_minor=198)

    lines = to_plain(build_receipt(sale, priced, [cash], settings()), 32)

    assert "Cash                        3.02" in lines
    assert "Given                       5.00" in lines
    assert "Change                      1.98" in lines


def test_voided_lines_are_not_printed():
    basket = usual_basket()
    basket.void(1)
    sale, priced = sale_of(basket)

    lines = to_plain(build_receipt(sale, priced, [], settings()), 32)

    assert not [line for line in lines if "Cola" in line]
    assert "TOTAL                   GBP 0.62" in lines


def test_a_currency_without_decimals_and_a_rate_with_many_are_spelt_right():
    basket = Basket()
    basket.add(Item(COLA.gtin, "cola", 150, "B"))
    sale = Sale(ORDER, "JPY", basket.lines, "now")

    lines = to_plain(build_receipt(sale, price_basket(basket.lines, TAXES), [], settings()), 32)

    assert "TOTAL                    JPY 150" in lines
    assert "Tax B 8.875% of 138           12" in lines


def test_a_long_receipt_counts_the_lines_it_leaves_out_and_keeps_the_whole_total():
    basket = Basket()
    for _ in range(MAX_BASKET_LINES):
        basket.add(COLA, quantity=2)
    sale, priced = sale_of(basket)

    receipt = build_receipt(sale, priced, [CARD], settings())
    lines = to_plain(receipt, 32)

    assert len(receipt.blocks) <= MAX_RECEIPT_BLOCKS
    assert len([line for line in lines if "Cola" in line]) == 300
    assert "... 700 more lines, included in" in lines
    assert "TOTAL                GBP 2400.00" in lines
    assert "Items                       2000" in lines


def test_the_longest_allowed_receipt_fits_a_document():
    labels, fixed = ENGLISH, ["x"] * 40
    basket = Basket()
    for _ in range(MAX_BASKET_LINES):
        basket.add(COLA, quantity=2)
    for letter in "ABZ":
        basket.void(ord(letter) - 64)
    sale, priced = sale_of(basket)

    receipt = build_receipt(sale, priced, [CARD] * 20, ReceiptSettings(labels, fixed, fixed), copy=1)

    assert len(receipt.blocks) <= MAX_RECEIPT_BLOCKS


def test_every_line_fits_every_width_of_paper_in_both_languages():
    basket = usual_basket()
    basket.add(Item(COLA.gtin, "A name as long as an image can hold " * 5, 4294967295, "A"))
    basket.add(Item(COLA.gtin, "很长的名字" * 13, 4294967295, "A"), quantity=2)
    sale, priced = sale_of(basket)
    for labels in LANGUAGES.values():
        for width in (16, 24, 32, 42, 48, 80):
            for receipt in (
                build_receipt(sale, priced, [CARD], settings(labels), copy=3),
                build_slip("unknown", sale, 302, settings(labels), tender=CARD),
            ):
                for line in to_plain(receipt, width):
                    assert columns(line) <= width, (width, line)


def test_no_name_label_or_reason_brings_a_control_character_into_a_document():
    bad = "\x1bp\x00\x1dV\x10\x04\x7f\x9b\u202e\r\n"
    basket = Basket()
    line = basket.add(COLA)
    line.name = bad + "Cola"
    sale = Sale(ORDER, "GBP", basket.lines, bad, bad)
    labels = dict.fromkeys(ENGLISH, bad)
    shop = ReceiptSettings(labels, [bad], [bad])
    tender = Tender(bad, 1, masked=bad, brand=bad, approval_code=bad, rrn=bad)

    for document in (
        build_receipt(sale, price_basket(basket.lines, TAXES), [tender], shop, copy=1),
        build_slip("declined", sale, 1, shop, tender=tender, reason=bad),
    ):
        document.qr(bad)
        for block in document.blocks:
            for part in block:
                assert not isinstance(part, str) or is_plain(part), block


def test_a_declined_slip_says_that_nothing_was_charged_and_why():
    sale, _ = sale_of(usual_basket())

    lines = to_plain(build_slip("declined", sale, 302, settings(), reason="Not enough money"), 32)

    assert "        PAYMENT DECLINED" in lines
    assert "Nothing was charged." in lines
    assert "Not enough money" in lines


def test_an_unknown_outcome_slip_says_that_money_comes_back_and_names_the_order():
    sale, _ = sale_of(usual_basket())

    lines = to_plain(build_slip("unknown", sale, 302, settings(), tender=CARD), 48)

    assert "             PAYMENT NOT CONFIRMED" in lines
    assert "The purchase is cancelled. If money was" in " ".join(lines)
    assert "Order                           0003-G9230-VQVSQ" in lines
    assert "  411111******1111" in lines
    assert not [line for line in lines if "Nothing" in line]


def test_a_voided_slip_says_that_nothing_is_owed():
    sale, _ = sale_of(usual_basket())

    lines = to_plain(build_slip("voided", sale, 302, settings(), copy=1), 32)

    assert "          SALE VOIDED" in lines
    assert "Nothing is owed." in lines
    assert "         *** COPY 1 ***" in lines


def test_a_card_number_in_clear_never_comes_to_print():
    raises("receipt-card-number", Tender, "card", 302, masked="4111111111111111")


def test_wrong_uses_are_named():
    sale, _ = sale_of(usual_basket())
    missing = dict(ENGLISH)
    del missing["total"]

    raises("slip-kind-wrong", build_slip, "refund", sale, 1, settings())
    raises("receipt-labels-wrong", settings, missing)
    raises("receipt-labels-wrong", settings, dict(ENGLISH, other="x"))
    raises("receipt-settings-wrong", ReceiptSettings, ENGLISH, ["x"] * 41, [])
    raises("receipt-settings-wrong", ReceiptSettings, ENGLISH, [], ["x"] * 41)
    raises("receipt-settings-wrong", settings, lines_max=301)
    raises("receipt-width-wrong", to_plain, Document(), 15)
    raises("receipt-width-wrong", to_plain, Document(), 81)


def test_a_document_is_bounded():
    document = Document()
    for _ in range(MAX_RECEIPT_BLOCKS):
        document.rule()

    raises("receipt-too-long", document.rule)


def test_a_text_beyond_its_bound_is_cut_with_dots():
    document = Document()

    document.text("x" * 5000)

    assert document.blocks[0][1] == "x" * 998 + ".."


def test_each_block_is_laid_out_by_its_kind():
    table = (
        (("text", "tea", "right", False, False), ["     tea"]),
        (("text", "green tea please", "center", False, False), [" green", "  tea", " please"]),
        (("columns", "a long name", "1.20", False, False), ["a long..", "    1.20"]),
        (("columns", "", "123456789", False, False), ["", "123456.."]),
        (("rule",), ["--------"]),
        (("feed", 2), ["", ""]),
        (("cut",), ["- - - - "]),
        (("qr", "a"), [" [qr a]"]),
    )

    for block, lines in table:
        assert lay_out(block, 8) == lines, (block, lay_out(block, 8))


def test_both_languages_have_the_same_words():
    assert sorted(ENGLISH) == sorted(CHINESE)
    assert all(is_plain(text) and text for labels in LANGUAGES.values() for text in labels.values())


def test_a_long_name_goes_on_below_and_its_amount_stands_at_its_end():
    document = Document()
    document.columns("Extra virgin olive oil from the hills", "107.88 A")
    document.columns("  Gold members and their friends, today", "-0.58 A")
    document.columns("很长的名字很长的名字很长的名字很长的名字很长的名字很长的名字很长的名字", "1.00")

    assert to_plain(document, 32) == [
        "Extra virgin olive oil",
        "from the hills          107.88 A",
        "  Gold members and their",
        "  friends, today         -0.58 A",
        "很长的名字很长的名字很长的",
        "名字很长的名字很长的名字很",
        "长的名字很长的名字          1.00",
    ]


def test_a_receipt_tells_what_the_trace_took_off_of_lines_and_of_the_order():
    lines = basket((APPLE, 3), (BREAD, 1))
    sold = priced(
        lines,
        rules(
            {"then": {"percent_off": {"ppm": 100000, "lines": {"category": ["food/fruit"]}}}},
            {"then": {"amount_off": {"amount_minor": 33}}},
        ),
    )

    by_line, of_order = discounts_of(sold, {"r1": "Fruit week", "r2": "Welcome"}, {"r2"})
    sale = Sale(ORDER, "EUR", lines, "now", discounts=by_line, order_discounts=of_order)
    shown = to_plain(build_receipt(sale, sold, [], settings()), 32)

    assert by_line == {1: (("Fruit week", 30),)}
    assert of_order == (("Welcome", 33),)
    assert "  Fruit week             -0.30 A" in shown
    assert "Subtotal                    6.03" in shown
    assert "Welcome                    -0.33" in shown
    assert "TOTAL                   EUR 5.70" in shown
    assert "You saved                   0.63" in shown


def test_a_price_level_and_a_rule_without_a_name_are_told_by_their_ids():
    sold = priced(basket((APPLE, 1)), rules({"then": {"percent_off": {"ppm": 500000}}}))
    sold.lines[0][2].append(("level:gold", 1, 7))

    by_line, of_order = discounts_of(sold, {}, set())

    assert by_line == {1: (("r1", 50), ("gold", 7))}
    assert of_order == ()
