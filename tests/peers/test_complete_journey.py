"""Rules learnt from one half of a supermarket's lines give the discounts of the other half."""

from __future__ import annotations

import csv
import gzip

import pytest

from protocol.promotions.promotion_set import PromotionSet
from tests.peers.complete_journey import FILE, Sold, compare, discounts_of, learn, promotion_set, read
from tests.shared_data import shared

COLUMNS = [
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
]
LINE = ["7", "2.0", "5.00", "1.00", "0.00", "0.00", "9", "2017-02-28 10:00:00"]


def row(**changed):
    return dict(zip(COLUMNS, LINE, strict=True)) | changed


@pytest.mark.slow
def test_rules_of_one_half_give_the_discounts_of_the_other_half():
    told = compare(shared("data/complete_journey_sample")).told()

    assert told["lines"] == 75000
    assert told["same_week"] == {"mapped": 4447, "equal": 4075, "different": 372}
    assert told["coupons"] == {"mapped": 434, "equal": 414, "different": 20}


def test_what_a_row_says_becomes_a_list_price_and_what_was_taken_off():
    sold = read(row(coupon_disc="0.55", coupon_match_disc="0.40", sales_value="4.60"))

    assert sold == Sold("00000000000007", 9, "2017-02-28T10:00", 300, 2, 100, 55, 40)
    assert sold.card_minor == 250


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"quantity": "0.0"}, "no quantity"),
        ({"sales_value": "0.0", "retail_disc": "0.0"}, "no price"),
        ({"sales_value": "4.99"}, "a list price that is no whole number of cents a piece"),
    ],
)
def test_a_row_without_a_price_of_a_piece_is_not_judged(changed, reason):
    assert read(row(**changed)) == reason


def test_a_learnt_card_price_and_coupon_are_taken_off_by_rules():
    seen = Sold("00000000000007", 9, "2017-02-28T10:00", 300, 1, 50, 55, 45)
    promotions = PromotionSet(promotion_set(learn([seen]), 10))

    off = discounts_of(Sold("00000000000007", 10, "2017-03-07T10:00", 300, 3, 0, 55, 0), promotions)

    assert dict(off) == {"shelf": 150, "coupon": 55, "raised": 45}


def test_a_card_price_of_three_weeks_ago_is_no_rule_any_more():
    seen = Sold("00000000000007", 9, "2017-02-28T10:00", 300, 1, 50, 0, 0)

    assert promotion_set(learn([seen]), 12)["rules"] == []


def test_every_second_line_is_learnt_from_and_the_others_are_judged(tmp_path):
    other_price = [*LINE[:3], "1.50", *LINE[4:]]
    with gzip.open(tmp_path / FILE, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, LINE, LINE, LINE, other_price])

    told = compare(tmp_path).told()

    assert told["lines"] == 4
    assert told["same_week"] == {"mapped": 1, "equal": 1, "different": 0}
    assert told["unmapped"] == {"nothing learnt about the article at this list price": 1}
