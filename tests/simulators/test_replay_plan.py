"""The catalogue and the codes that a replay makes from invoices."""

from __future__ import annotations

import itertools

import pytest

from protocol.catalogue import Catalogue
from protocol.errors import CallerError
from protocol.limits import MAX_ITEM_NAME_BYTES
from protocol.product_codes import read_code
from simulators.replay.files import ReplayFiles
from simulators.replay.invoices import MILLIONTHS_A_MINOR, Invoice, Row
from simulators.replay.plan import in_store_code, make_plan


def row(code="22423", price_minor=1095, quantity=1, name="CAKESTAND"):
    return Row("1", code, name, quantity, price_minor * MILLIONTHS_A_MINOR, "")


def one_invoice(*rows):
    return Invoice("1", list(rows))


def test_each_pair_of_stock_code_and_price_is_an_item_that_its_code_finds():
    invoice = one_invoice(row(), row(price_minor=1275, quantity=3), row("POST", 1800), row(quantity=2))

    plan = make_plan([invoice], "GBP")

    image = Catalogue(plan.image)
    found = [(image.find(read_code(code).gtin), quantity) for code, quantity in plan.sales[0].codes]
    assert [(item and item.unit_price_minor, quantity) for item, quantity in found] == [
        (1095, 1),
        (1275, 3),
        (1800, 1),
        (1095, 2),
    ]
    assert plan.item_count == image.count == 3
    assert plan.sales[0].total_minor == 1095 + 3 * 1275 + 1800 + 2 * 1095
    assert plan.line_count == 4


def test_the_same_pairs_in_another_order_give_the_same_image():
    first, second = row(), row("POST", 1800)

    plans = [make_plan([one_invoice(*rows)], "GBP") for rows in ((first, second), (second, first))]

    assert plans[0].image == plans[1].image


@pytest.mark.parametrize("number", [0, 1, 8_469, 10**10 - 1, 10**10, 4 * 10**10 - 1])
def test_codes_are_gtins_of_the_shops_own_that_no_scale_label_uses(number):
    code = in_store_code(number)

    assert len(code) == 13
    assert 24 <= int(code[:2]) <= 27
    assert read_code(code).kind == "gtin"


def test_codes_are_used_up_with_a_named_error():
    with pytest.raises(CallerError) as caught:
        in_store_code(4 * 10**10)

    assert caught.value.code == "in-store-codes-used-up"


@pytest.mark.parametrize("name", ["£" * 300, "BAG\x1b@\r\n", "\x00"])
def test_any_description_becomes_a_name_that_the_image_holds(name):
    plan = make_plan([one_invoice(row(name=name))], "GBP")

    item = Catalogue(plan.image).item_at(0)
    assert 1 <= len(item.name.encode()) <= MAX_ITEM_NAME_BYTES
    assert item.name.isprintable()


@pytest.mark.parametrize(("percent", "cards"), [(0, 0), (5, 2), (50, 20), (100, 40)])
def test_cards_are_spread_evenly_over_the_sales(percent, cards):
    plan = make_plan([one_invoice(row())] * 40, "GBP", percent)

    by_card = [number for number, sale in enumerate(plan.sales) if sale.by_card]
    assert len(by_card) == cards
    gaps = {later - earlier for earlier, later in itertools.pairwise(by_card)}
    assert len(gaps) <= 1


def test_the_plan_comes_back_from_disk_as_it_was(tmp_path):
    plan = make_plan([one_invoice(row(), row("POST", 1800, 7))] * 3, "GBP", 50)
    files = ReplayFiles(tmp_path)

    files.write_sales(plan.sales)

    assert files.read_sales() == plan.sales
