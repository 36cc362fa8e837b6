"""A quantity keyed before the scan: one line for several pieces."""

from __future__ import annotations

import pytest

from edge.events import CodeScanned
from edge.screen.view import view_of
from protocol.limits import MAX_QUANTITY
from protocol.records import check_record
from tests.builders import APPLE, BREAD, Play


@pytest.fixture
def play():
    play = Play()
    yield play
    for record in play.records:
        check_record(record)


def test_one_scan_with_a_quantity_makes_one_line_of_that_many_pieces(play):
    play.play(CodeScanned(BREAD.gtin, 6))

    assert play.record_types() == ["sale_opened", "line_added"]
    assert (play.records[-1]["quantity"], play.records[-1]["amount_minor"]) == (6, 6 * BREAD.unit_price_minor)
    assert view_of(play.box)["sale"]["item_count"] == 6


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_a_quantity_that_no_line_holds_is_told_and_sells_nothing(play, quantity):
    play.play(CodeScanned(BREAD.gtin, quantity))

    assert play.records == []
    assert view_of(play.box)["notice"] == "quantity-out-of-range"


def test_a_weighed_item_takes_no_quantity_because_the_scale_says_how_much(play):
    play.play(CodeScanned(APPLE.gtin, 3))

    assert play.records == []
    assert view_of(play.box)["notice"] == "quantity-not-wanted"


def test_a_label_takes_no_quantity_because_each_package_has_its_own(play):
    of_the_scale = f"01{APPLE.gtin}3103000250"  # GTIN and 250 g in one GS1 code

    play.play(CodeScanned(of_the_scale, 2))
    assert play.records == []
    assert view_of(play.box)["notice"] == "quantity-not-wanted"

    play.play(CodeScanned(of_the_scale))
    assert play.records[-1]["weight_g"] == 250
