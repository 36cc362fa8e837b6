"""Templates under arbitrary texts and values: refused by name or run to the end, and never a control character."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.peripherals import escpos
from protocol.basket import Basket
from protocol.document import to_plain
from protocol.errors import ConfigError
from protocol.item import Item
from protocol.plain_text import columns, is_plain
from protocol.pricing.engine import price_basket
from protocol.pricing.tax import TaxTable
from protocol.product_codes import read_code
from protocol.receipt import ReceiptSettings, Sale, Tender, build_receipt
from protocol.receipt_context import order_ean
from protocol.receipt_labels import LANGUAGES
from protocol.template.builtin import RECEIPT
from protocol.template.names import kinds_of, objects
from protocol.template.template import compile_template, read_template
from simulators.printer.paper import Cut
from simulators.printer.station import PrinterSim, PrinterSimSettings

TAXES = TaxTable("included", "line", {"A": 200000})
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["\x1b@", "\x1bp\x00\x19\xfa", "\x1dV\x41\x00", "\x1d(k\x03\x00", "\x10\x04\x01", "\x1dv0\x00\xff\xff\xff\xff",
         "{{ 7*7 }}", "{% cut %}", "${jndi}", "%s%n", "\u202egnp.exe", "\x00", "\x7f", "\x9b2J", "a||b"]
    ),
)  # fmt: skip
NAMES = sorted({field for name in objects() for field in kinds_of(name)})
PIECES = st.sampled_from(
    ["{{ ", " }}", "{% ", " %}", "||", "\n", "if ", "for ", "x in ", "else", "end", "elif ", "center ", "qr ", "feed ",
     "rule", "(", ")", " | ", ".", "+", " and ", " == ", "'a'", "3", "money", "first(3)", "{# ", " #}", *NAMES]
)  # fmt: skip


COMPILED = compile_template(RECEIPT)


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=400)
def test_a_text_is_compiled_or_refused_by_name_and_place(source):
    told = ""
    try:
        document = compile_template(source)
    except ConfigError as wrong:
        told = wrong.code if wrong.action else "a refusal without a mend"
    else:
        assert read_template(document).program.code

    assert not told or told.startswith("template-")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["if", ".copy", "|first", "?"]),
    lambda part: st.lists(part, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_a_program_from_outside_is_refused_and_never_breaks_the_check(program):
    with pytest.raises(ConfigError) as refused:
        read_template(COMPILED | {"program": program})

    assert refused.value.code.startswith("template-")


@given(HOSTILE, HOSTILE, HOSTILE, st.integers(0, 3), st.sampled_from([32, 42, 48]))
@settings(deadline=None)
@example("\x1bp\x00", "\x1dV\x00", "\x10\x14\x01", 1, 48)
def test_no_name_reaches_the_printer_as_a_command(name, shop, discount, copy, width):
    basket = Basket()
    line = basket.add(Item("05000112637922", "Cola", 120, "A"), quantity=3)
    line.name = name
    facts = {"number": name, "tier": shop, "points_earned": 3, "points_left": 4}
    sale = Sale(
        123456789012345, "EUR", basket.lines, "2026-11-22 14:05", shop,
        discounts={1: ((discount, 60),)}, order_discounts=((name, 10),), member=facts,
        coupons=({"name": discount, "code": name, "valid_until": shop},), refund={"order": name, "reason": shop},
    )  # fmt: skip
    tender = Tender("cash", 290, brand=discount, approval_code=shop)

    shown = ReceiptSettings(LANGUAGES["zh"], [shop, name], [name], template=read_template(COMPILED))

    document = build_receipt(sale, price_basket(basket.lines, TAXES), [tender], shown, copy)

    for block in document.blocks:
        assert all(is_plain(part) for part in block if isinstance(part, str)), block
    assert all(columns(row) <= width for row in to_plain(document, width))
    sim = PrinterSim(PrinterSimSettings(port=0, columns=width))
    paper = escpos.PaperSettings(columns=width)
    for data in (escpos.opening(paper), *escpos.render(document, paper)):
        sim.receive(data)
    assert not sim.machine.kicks, "the drawer stays shut"
    assert not sim.machine.notes, "the printer understood every byte"
    assert len([part for part in sim.machine.paper.parts if isinstance(part, Cut)]) == 1


@given(st.integers(0, 2**63 - 1))
def test_the_ean_of_an_order_is_an_ean_and_no_item_of_a_shop(order):
    ean = order_ean(order)

    assert read_code(ean).gtin == "0" + ean
    assert ean.startswith("980")
