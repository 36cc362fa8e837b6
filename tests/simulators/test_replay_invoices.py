"""What becomes of each row of an invoice file, and that the money of all rows adds up exactly."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from simulators.replay.invoices import (
    COLUMNS,
    MILLIONTHS_A_MINOR,
    REASONS,
    format_millionths,
    parse_millionths,
    read_invoices,
)
from tests.shared_data import shared

PENNY = MILLIONTHS_A_MINOR


def row(invoice="536365", code="85123A", quantity="6", price="2.55", name="LANTERN"):
    return [invoice, code, name, quantity, "2010-12-01 08:26", price, "17850", "United Kingdom"]


def file_of(tmp_path, *rows, columns=COLUMNS):
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    path = tmp_path / "invoices.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def test_rows_of_one_invoice_number_are_one_sale_in_the_order_of_the_file(tmp_path):
    path = file_of(tmp_path, row(), row("536366"), row(code="71053", quantity="1"))

    invoices, sums = read_invoices(path)

    assert [(one.number, [line.stock_code for line in one.lines]) for one in invoices] == [
        ("536365", ["85123A", "71053"]),
        ("536366", ["85123A"]),
    ]
    assert sums.total_millionths == (6 + 6 + 1) * 255 * PENNY
    assert not sums.refused_rows


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (row(invoice="C536379", quantity="-1"), "cancellation"),
        (row(invoice="C536379", quantity="1"), "cancellation"),
        (row(invoice="A563185", code="B", quantity="1", price="11062.06"), "adjustment"),
        (row(quantity="-9600", price="0.0"), "negative-quantity"),
        (row(quantity="0"), "negative-quantity"),
        (row(price="0.0"), "zero-price"),
        (row(price="0.001"), "sub-penny-price"),
        (row(price="2.555"), "sub-penny-price"),
        (row(quantity="100000"), "out-of-range"),
        (row(price="42949672.96"), "out-of-range"),
        (row(price="-11062.06", quantity="1"), "out-of-range"),
        (row(code="M", price="924.59"), "manual-price"),
        (row(code="m"), "manual-price"),
        (row(code="D"), "discount"),
        (row(code="S"), "sample"),
        (row(code="BANK CHARGES"), "bank-charge"),
        (row(code="AMAZONFEE", price="13541.33"), "marketplace-fee"),
        (row(code="gift_0001_20", price="16.67"), "gift-voucher"),
    ],
)
def test_a_row_that_a_till_cannot_sell_is_refused_by_its_reason_and_its_money_counted(
    tmp_path, cells, reason
):
    path = file_of(tmp_path, row(), cells)

    invoices, sums = read_invoices(path)

    amount = parse_millionths(cells[5]) * int(cells[3])
    assert sums.refused_rows == {reason: 1}
    assert sums.refused_millionths[reason] == amount
    assert sums.total_millionths == 6 * 255 * PENNY + amount
    assert [len(one.lines) for one in invoices] == [1]
    assert REASONS[reason]


@pytest.mark.parametrize("code", ["POST", "DOT", "C2", "DCGS0003", "22423"])
def test_goods_postage_and_carriage_are_sold(tmp_path, code):
    invoices, sums = read_invoices(file_of(tmp_path, row(code=code)))

    assert len(invoices) == 1
    assert not sums.refused_rows


@pytest.mark.parametrize(
    "cells",
    [
        row(quantity="six"),
        row(quantity="1.5"),
        row(quantity=""),
        row(price="2,55"),
        row(price="1e3"),
        row(price="NaN"),
        row(price="٣"),
        row(price="0.0000001"),
        row(price="9" * 13),
        row(invoice=""),
        row(code=""),
        row()[:-1],
        [*row(), "more"],
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_has_no_amount(tmp_path, cells):
    invoices, sums = read_invoices(file_of(tmp_path, row(), cells))

    assert sums.rows == 2
    assert sums.refused_rows == {"row-malformed": 1}
    assert sums.total_millionths == 6 * 255 * PENNY
    assert len(invoices) == 1


def test_invoices_beyond_the_limit_are_refused_so_that_the_sum_still_holds(tmp_path):
    path = file_of(tmp_path, row("1"), row("2"), row("3"), row("1", code="71053"))

    invoices, sums = read_invoices(path, limit=2)

    assert [(one.number, len(one.lines)) for one in invoices] == [("1", 2), ("2", 1)]
    assert sums.refused_rows == {"beyond-limit": 1}
    assert sums.total_millionths == 4 * 6 * 255 * PENNY


def test_other_columns_are_refused_by_name(tmp_path):
    path = file_of(tmp_path, row(), columns=["Invoice", *COLUMNS[1:]])

    with pytest.raises(PeerError) as caught:
        read_invoices(path)

    assert caught.value.code == "invoices-columns-wrong"


@pytest.mark.parametrize("damage", ["cut", "no gzip", "bits"])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    whole = gzip.compress(file_of(tmp_path, *[row(str(number)) for number in range(500)]).read_bytes())
    middle = len(whole) // 2
    data = {
        "cut": whole[:middle],
        "no gzip": b"InvoiceNo",
        "bits": whole[:middle] + bytes(20) + whole[middle + 20 :],
    }[damage]
    path = tmp_path / "invoices.csv.gz"
    path.write_bytes(data)

    with pytest.raises(PeerError) as caught:
        read_invoices(path)

    assert caught.value.code == "invoices-unreadable"


def test_text_that_is_not_utf_8_is_refused_by_name(tmp_path):
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes() + b"536365,22423,CAF\xe9,1,2010-12-01 08:26,1.00,1,France\r\n")

    with pytest.raises(PeerError) as caught:
        read_invoices(path)

    assert caught.value.code == "invoices-unreadable"


@given(st.integers(-(10**17), 10**17))
def test_an_amount_survives_being_written_and_read(amount):
    assert parse_millionths(format_millionths(amount)) == amount


@pytest.mark.parametrize(
    ("text", "millionths"),
    [("2.55", 2_550_000), ("0", 0), ("-11062.06", -11_062_060_000), ("1.100000000", 1_100_000)],
)
def test_an_amount_is_read_exactly(text, millionths):
    assert parse_millionths(text) == millionths


_prices = st.one_of(
    st.integers(0, 10**7).map(format_millionths),
    st.integers(0, 500_000).map(lambda pence: format_millionths(pence * PENNY)),
    st.sampled_from(["", "x", "-1.00", "0.0"]),
)
_quantities = st.one_of(st.integers(-200_000, 200_000).map(str), st.sampled_from(["", "1.5", "many"]))
_numbers = st.sampled_from(["1", "2", "3", "C4", "A5", ""])
_codes = st.sampled_from(["22423", "85123A", "POST", "M", "D", "gift_1", "BANK CHARGES"])


@given(
    rows=st.lists(st.builds(row, _numbers, _codes, _quantities, _prices), max_size=30),
    limit=st.none() | st.integers(1, 3),
)
def test_what_is_sold_and_what_is_refused_always_make_the_files_total(tmp_path_factory, rows, limit):
    path = file_of(tmp_path_factory.mktemp("rows"), *rows)

    invoices, sums = read_invoices(path, limit)

    sold = [line for one in invoices for line in one.lines]
    assert (
        sum(line.amount_millionths for line in sold) + sum(sums.refused_millionths.values())
        == sums.total_millionths
    )
    assert len(sold) + sum(sums.refused_rows.values()) == sums.rows == len(rows)
    assert all(line.price_millionths % PENNY == 0 and line.quantity > 0 for line in sold)


def test_the_real_file_is_read_whole():
    invoices, sums = read_invoices(shared("data/online_retail/invoices_2010-12_to_2011-01.csv.gz"))

    assert (sums.rows, len(invoices), format_millionths(sums.total_millionths)) == (
        77_628,
        2_636,
        "1308957.28",
    )
    assert sums.refused_rows == {
        "cancellation": 1_429,
        "negative-quantity": 166,
        "zero-price": 247,
        "manual-price": 48,
        "bank-charge": 2,
        "marketplace-fee": 1,
        "gift-voucher": 5,
    }
