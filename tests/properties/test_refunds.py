"""Goods come back in any order and any number: what is given back sums to what was paid, and is never more."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.pricing.refund import Refund, refund
from tests.properties.promotion_cases import case_of, sold

SEEDS = st.integers(0, 2**32)


def rest_of(case, left):
    """The sale priced again with so many pieces of each line left."""
    lines = [
        [at, left[number + 1], grams]
        for number, (at, _, grams) in enumerate(case["lines"])
        if left[number + 1]
    ]
    kept = [str(number) for number in left if left[number]]
    overrides = case["occasion"].get("overrides", {})
    occasion = case["occasion"] | {
        "overrides": {
            str(kept.index(number) + 1): told for number, told in overrides.items() if number in kept
        }
    }
    return sold(case | {"lines": lines, "occasion": occasion})


@settings(deadline=None)
@given(SEEDS, SEEDS, st.booleans())
def test_partial_refunds_sum_to_what_was_paid_in_any_order(seed, shuffle, is_repriced):
    case = case_of(seed)
    random = Random(shuffle)
    told = sold(case)
    units = {number + 1: quantity for number, (_, quantity, _) in enumerate(case["lines"])}
    pieces = [number for number, quantity in units.items() for _ in range(quantity)]
    random.shuffle(pieces)
    before = dict.fromkeys(units, 0)
    given_back: list[Refund] = []

    while pieces:
        step = [pieces.pop() for _ in range(min(len(pieces), random.randrange(1, 5)))]
        now = {number: step.count(number) for number in sorted(set(step))}
        left = {number: units[number] - before[number] - now.get(number, 0) for number in units}
        rest = rest_of(case, left) if is_repriced else None
        so_far = sum(one.amount_minor for one in given_back)
        given_back.append(refund(told, units, before, now, so_far, rest))
        before = {number: units[number] - left[number] for number in units}

    assert sum(one.amount_minor for one in given_back) == told.total_minor
    assert all(0 <= one.tax_minor <= one.amount_minor for one in given_back)
    assert sum(one.points_taken for one in given_back) == sum(points for _, points in told.points)
    assert sum(one.points_returned for one in given_back) == sum(points for _, points in told.points_spent)
    assert all(one.points_taken >= 0 and one.points_returned >= 0 for one in given_back)
    assert set(told.coupons) == {coupon for one in given_back for coupon in one.coupons}
    assert sum(one.tax_minor for one in given_back) == told.tax_minor
