"""Receipts as paper: each kind is printed by the real writer, drawn by the printer simulator and judged.

The pictures lie in build/receipts for a person to look at.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.effects import PrintReceipt
from edge.events import AttendantActed, WeightRead
from edge.flows.state import Box
from edge.peripherals import escpos
from edge.settings import read_settings
from protocol import receipt as paper
from protocol.plain_text import columns
from protocol.receipt_labels import LANGUAGES
from simulators.demo.estate import settings
from simulators.printer.station import PrinterSim, PrinterSimSettings
from tests.builders import APPLE, BREAD, SOAP, Play, small_shop
from tests.edge.test_checkout_flow import scan, touch
from tests.edge.test_payment_flow import answer, to_authorizing

PICTURES = Path(__file__).parents[2] / "build" / "receipts"
WIDTH = 48


@pytest.fixture
def play():
    shop = replace(small_shop(), place="box-1")
    return Play(Box(settings=read_settings(settings()), shop=shop, is_linked=True))


def printed(document, name):
    """The lines on the paper, its picture kept."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    sim = PrinterSim(PrinterSimSettings(port=0))
    settings = escpos.PaperSettings()
    for data in (escpos.opening(settings), *escpos.render(document, settings)):
        sim.receive(data)
    sim.save_picture(PICTURES / f"{name}.png")
    assert not sim.machine.notes, "the printer understood every byte"
    lines = sim.text()
    assert all(columns(line) <= WIDTH for line in lines)
    return lines


def last_receipt(play):
    return play.told(PrintReceipt)[-1].document


def ends(line):
    """The first and the last word of a line of two ends."""
    words = line.split()
    return words[0], words[-1]


@pytest.mark.parametrize(("language", "total"), [("en", "TOTAL"), ("zh", "合计")])
def test_receipt_of_a_card_sale_shows_total_tax_and_approval(play, language, total):
    play.play(touch("language", choice=language))
    to_authorizing(play).play(answer(play, "approved", approval_code="123456", rrn="000000000001"))

    lines = printed(last_receipt(play.play(touch("receipt", choice="print"))), f"card-{language}")

    assert (total, "3.69") in [ends(line) for line in lines if line.strip()]
    assert any("453201******0366" in line for line in lines)
    assert any("123456" in line for line in lines)
    assert any("Visa" in line for line in lines)


def test_receipt_of_a_cash_sale_shows_what_was_given_and_the_change(play):
    play.play(
        scan(APPLE), WeightRead(1_250, "stable"), touch("weigh_done"), scan(BREAD), scan(SOAP), scan(SOAP)
    )
    play.play(
        touch("pay"),
        touch("method", choice="cash"),
        AttendantActed("cash_counted", "anna", amount_minor=2000),
    )

    lines = printed(last_receipt(play.play(touch("receipt", choice="print"))), "cash")

    assert any("1.250 kg x 2.99/kg" in line for line in lines)
    assert ("Given", "20.00") in [ends(line) for line in lines if line.strip()]
    assert ("Change", "11.37") in [
        ends(line) for line in lines if line.strip()
    ]  # 3.74 + 2.49 + 1.20 + 1.20 = 8.63


def test_reprint_says_copy_on_paper(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="cash"))
    play.play(AttendantActed("cash_counted", "anna", amount_minor=249), touch("receipt", choice="print"))

    lines = printed(last_receipt(play.play(AttendantActed("receipt_reprinted", "anna"))), "copy")

    assert any("COPY 1" in line for line in lines)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_slip_of_an_unknown_outcome_asks_not_to_pay_again(play, language):
    to_authorizing(play)
    sale = play.box.sale
    facts = paper.Sale(sale.order, "GBP", sale.basket.lines, "2026-11-22 12:00", "box-1")
    fixed = paper.ReceiptSettings(LANGUAGES[language], ["Corner Shop"], [])

    lines = printed(paper.build_slip("unknown", facts, sale.total_minor, fixed), f"unknown-{language}")

    text = "".join(line.strip() for line in lines)
    assert LANGUAGES[language]["unknown_text"][:6] in text
    assert "3.69" in text
