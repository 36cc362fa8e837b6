"""Rows 39 to 43: a box that lies about prices, and sums that somebody would profit from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from edge.events import CodeScanned, ShopperActed, WeightRead
from protocol.basket import Line
from protocol.errors import PeerError
from protocol.pricing.engine import price_basket
from protocol.pricing.tax import TaxTable
from protocol.records import check_record
from tests.builders import Play, idle_box
from tests.cloud.tills import APPLE, BREAD, NOON_MS, TAXES, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

BREAD_CODE, APPLE_CODE = "4006381333931", "4011200296908"


def line(**changed: Any) -> Line:
    fields = {"number": 1, "gtin": BREAD.gtin, "name": "Rye", "kind": "unit", "quantity": 2, "weight_g": 0}
    return Line(**{**fields, "unit_price_minor": 249, "tax_class": "A", **changed})


def fields_of(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what every record has."""
    return {name: value for name, value in record.items() if name not in ("v", "t", "at", "boot")}


async def sell(estate: Estate, lines: list[Line], taxes: TaxTable = TAXES) -> int:
    """A cash sale of lines as a lying box prices them; what it took."""
    till = await estate.enrol()
    order, _ = till.open_sale()
    del till.frames[1:]
    till.rechain()
    for one in lines:
        till.add_line(order, one)
    priced = price_basket(lines, taxes)
    if priced.total_minor:
        tender = till.intend(order, priced.total_minor, "cash")
        till.result(tender)
        till.complete(order, priced, tender)
    else:
        nothing = {"payment": "1", "attempt": "1", "method": "cash", "amount_minor": 0}
        till.complete(order, priced, nothing, tenders=[])
    await estate.hear(till, "evt", till.batch())
    return int(priced.total_minor)


LIES = {
    "one penny a piece": line(unit_price_minor=1),
    "a gift": line(unit_price_minor=0),
    "dearer than the shelf": line(unit_price_minor=250),
    "a label that the item never has": line(unit_price_minor=1, quantity=1, source="label"),
    "many by a label": line(unit_price_minor=1, quantity=99, source="label"),
    "another tax class": line(tax_class="Z"),
    "another item's number": line(gtin="05000112637922"),
    "a piece of what is weighed": line(gtin=APPLE.gtin, unit_price_minor=299, tax_class="Z"),
    "a weighed piece": line(kind="weight", quantity=1, weight_g=1, unit_price_minor=249),
}


@pytest.mark.parametrize("lie", LIES)
async def test_row_39_a_price_that_the_shelf_does_not_give_is_suspended(estate: Estate, lie) -> None:
    taken = await sell(estate, [LIES[lie]])

    assert await estate.rows("SELECT state, price_check FROM sale_order") == [("completed", "priced_wrong")]
    assert await estate.alarms() == ["priced_wrong"]
    accounts = dict(
        await estate.rows("SELECT account, balance_minor FROM ledger_balance WHERE balance_minor <> 0")
    )
    assert accounts == ({"cash:till-1": taken, "suspense": -taken} if taken else {})


async def test_row_39_taxes_that_the_box_made_up_are_suspended(estate: Estate) -> None:
    await sell(estate, [line()], TaxTable("included", "line", {"A": 0, "Z": 0}))

    assert await estate.rows("SELECT price_check FROM sale_order") == [("priced_wrong",)]
    assert await estate.rows("SELECT count(*) FROM ledger_posting WHERE account LIKE 'sales%'") == [(0,)]


@pytest.mark.parametrize("version", ["catalogue", "taxes"])
async def test_row_39_versions_that_nobody_published_are_never_booked_as_sales(
    small_estate: Estate, version
) -> None:
    till = await small_estate.enrol()
    order, priced = till.open_sale(2, 450, **{version: "ab" * 32})
    tender = till.intend(order, priced.total_minor, "cash")
    till.result(tender)
    till.complete(order, priced, tender)

    await small_estate.hear(till, "evt", till.batch())

    rows = await small_estate.rows("SELECT state, price_check FROM sale_order")
    assert rows == [("completed", "price-not-checked")]
    accounts = {account for (account,) in await small_estate.rows("SELECT account FROM ledger_posting")}
    assert accounts == {"cash:till-1", "customer-deposits", "suspense"}


@pytest.mark.parametrize(
    "change",
    [
        {"total_minor": 497},
        {"net_minor": 1},
        {"tax_minor": 0},
        {"tax_rows": []},
        {"tenders": []},
        {"tax_rows": [{"tax_class": "A", "ppm": 200_000, "net_minor": 498, "tax_minor": 0}] * 2},
        {"line_count": 1_001},
    ],
)
def test_row_39_a_completion_whose_sums_disagree_is_no_record(change) -> None:
    till = Till()
    till.cash_sale()
    completed = till.bodies[-1]

    assert check_record(completed) == completed
    with pytest.raises(PeerError, match="record-field"):
        check_record({**completed, **change})


@pytest.mark.parametrize("rounding", ["line", "total"])
@pytest.mark.parametrize("mode", ["included", "excluded"])
@pytest.mark.parametrize(
    ("price_minor", "weight_g"), [(1, 500), (5, 100), (1, 499), (3, 333), (299, 1), (249, 2), (100_000, 5)]
)
def test_row_41_a_thousand_halves_sum_to_their_total_by_construction(
    mode, rounding, price_minor, weight_g
) -> None:
    taxes = TaxTable(mode, rounding, {"A": 200_000, "Z": 55_000})
    lines = [
        Line(n, APPLE.gtin, "Apple", "weight", 1, weight_g, price_minor, "AZ"[n % 2]) for n in range(1, 1_001)
    ]

    priced = price_basket(lines, taxes)

    assert priced.net_minor + priced.tax_minor == priced.total_minor
    assert sum(row[2] for row in priced.tax_rows) == priced.net_minor
    assert sum(row[3] for row in priced.tax_rows) == priced.tax_minor
    assert sum(one[2] for one in priced.lines) == priced.net_minor
    exact = (
        sum(2 * price_minor * weight_g + 1_000 for _ in lines) // 2_000
    )  # half up, each line at most half off
    gross = sum(one.amount_minor for one in lines)
    assert abs(gross - exact) <= len(lines)


def test_row_41_an_amount_of_half_a_penny_goes_up_not_down() -> None:
    assert [Line(1, APPLE.gtin, "A", "weight", 1, g, 1, "Z").amount_minor for g in (499, 500, 501)] == [
        0,
        1,
        1,
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": -1},
        {"quantity": 0},
        {"unit_price_minor": -249},
        {"kind": "weight", "quantity": 1, "weight_g": -100},
        {"quantity": True},
        {"quantity": 1.0},
        {"kind": "refund"},
        {"source": "return"},
    ],
)
def test_row_42_no_line_is_negative_and_none_is_a_refund(change) -> None:
    with pytest.raises(PeerError):
        line(**change)


@pytest.mark.parametrize("page", ["card", "cash", "authorizing", "unknown", "paid"])
@pytest.mark.parametrize("action", ["void_line", "cancel_sale", "pay", "weigh_done", "start"])
def test_row_42_nothing_leaves_the_basket_once_payment_began(page, action) -> None:
    play = Play(box=idle_box()).play(CodeScanned(BREAD_CODE), CodeScanned(BREAD_CODE))
    play.box = play.box.with_sale(phase=page)
    before = play.box.sale
    if (page, action) == ("card", "cancel_sale"):
        return  # Leaving with nothing sold is the shopper's right.

    play.play(ShopperActed(action, line=1))

    assert play.box.notice == "not-now"
    assert play.box.sale == before


def test_row_42_a_line_cannot_be_taken_off_twice_or_before_it_exists() -> None:
    play = Play(box=idle_box()).play(CodeScanned(BREAD_CODE), CodeScanned(BREAD_CODE))

    for number in (1, 1, 3, 0, -1, 10**9):
        play.play(ShopperActed("void_line", line=number))

    assert play.box.sale is not None
    assert play.box.sale.total_minor == 249
    assert play.record_types().count("line_voided") == 1


async def test_row_42_a_line_taken_off_after_the_tender_is_parked_by_the_cloud(small_estate: Estate) -> None:
    till = await small_estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    till.write("line_voided", order=order, line=1, by="shopper", reason="")
    till.result(tender)
    till.complete(order, priced, tender)

    await small_estate.hear(till, "evt", till.batch())

    assert await small_estate.rows("SELECT code FROM parked_record") == [("order-event-out-of-place",)]
    assert await small_estate.rows("SELECT state, price_check FROM sale_order") == [("completed", "right")]


@pytest.mark.parametrize("currency", ["JPY", "BHD", "EUR", "XXX"])
@pytest.mark.parametrize("where", ["tender_intended", "sale_completed"])
async def test_row_43_another_currency_in_mid_sale_is_parked(small_estate: Estate, currency, where) -> None:
    till = await small_estate.enrol()
    order, priced = till.open_sale()
    tender = till.intend(order, priced.total_minor, "cash")
    if where == "tender_intended":
        body = till.bodies[-1]
        till.frames.pop()
        till.rechain()
        till.write("tender_intended", **{**fields_of(body), "currency": currency})
    till.result(tender)
    till.complete(order, priced, tender, currency=currency if where == "sale_completed" else "GBP")

    await small_estate.hear(till, "evt", till.batch())

    assert "tender-differs" in [code for (code,) in await small_estate.rows("SELECT code FROM parked_record")]
    assert await small_estate.rows("SELECT count(*) FROM sale_order WHERE state = 'completed'") == [(0,)]
    assert await small_estate.rows("SELECT count(*) FROM ledger_entry WHERE kind = 'sale-completed'") == [
        (0,)
    ]


@pytest.mark.parametrize("currency", ["JPY", "BHD"])
async def test_row_43_a_sale_in_a_currency_that_the_catalogue_is_not_in_is_never_right(
    small_estate: Estate, currency
) -> None:
    till = await small_estate.enrol()
    order, priced = till.open_sale()
    opened = fields_of(till.bodies[0])
    bodies = till.bodies[1:]
    till.frames, till.chain = [], till.chain_at(0)
    till.write("sale_opened", **{**opened, "currency": currency})
    for body in bodies:
        till.write(body["t"], **fields_of(body))
    cash = {"order": order, "payment": str(till.new_id()), "attempt": str(till.new_id()), "method": "cash"}
    tender = {**cash, "amount_minor": priced.total_minor}
    till.write("tender_intended", **tender, currency=currency, blob_digest="", masked="", brand="")
    till.result(tender)
    till.complete(order, priced, tender, currency=currency)

    await small_estate.hear(till, "evt", till.batch())

    assert await small_estate.rows("SELECT price_check FROM sale_order") == [("priced_wrong",)]


def test_row_35_a_weight_that_changes_after_it_was_shown_is_not_the_one_sold() -> None:
    play = Play(box=idle_box()).play(CodeScanned(APPLE_CODE), WeightRead(500, "stable"))

    play.play(WeightRead(0, "moving"), ShopperActed("weigh_done"))
    moved = play.box.notice
    play.play(WeightRead(-500, "stable"), ShopperActed("weigh_done"))
    negative = play.box.notice
    play.play(WeightRead(450, "stable"), ShopperActed("weigh_done"))

    assert (moved, negative) == ("weight-not-stable", "weight-not-stable")
    assert play.box.sale is not None
    assert [one.weight_g for one in play.box.sale.basket.open_lines()] == [450]
    assert replace(play.box.sale).total_minor == 135
    assert play.now_ms > NOON_MS
