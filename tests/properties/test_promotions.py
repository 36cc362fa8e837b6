"""What holds for every rule set and basket: sums to the minor unit, nothing negative, no say of the scanning order."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.pricing.sale import LEVEL, OVERRIDE
from protocol.promotions.promotion_set import PromotionSet
from protocol.strict_json import dumps
from tests.properties.promotion_cases import MONOTONE, case_of, lines_of, sold

SEEDS = st.integers(0, 2**32)


@settings(deadline=None)
@given(SEEDS)
def test_lines_shares_taxes_and_totals_sum_exactly_and_nothing_is_negative(seed):
    case = case_of(seed)

    told = sold(case)

    is_included = case["taxes"]["mode"] == "included"
    for _, listed, shares, amount, net, tax in told.lines:
        assert listed - sum(minor for _, _, minor in shares) == amount
        assert (net + tax == amount) if is_included else (net == amount)
        assert min(amount, net, tax) >= 0
        assert all(minor > 0 for rule, _, minor in shares if not rule.startswith((OVERRIDE, LEVEL)))
    amounts = sum(line[3] for line in told.lines)
    assert told.total_minor == (amounts if is_included else amounts + told.tax_minor)
    assert told.net_minor == sum(line[4] for line in told.lines)
    assert told.tax_minor == sum(line[5] for line in told.lines) == sum(row[3] for row in told.tax_rows)
    assert told.list_minor - sum(minor for _, minor in told.discounts) == amounts


@settings(deadline=None)
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_scanning_changes_no_amount(seed, shuffler):
    case = case_of(seed)
    case["occasion"].pop("overrides", None)  # they name lines by number
    first = sold(case)
    shuffler.shuffle(case["lines"])

    second = sold(case)

    assert (first.discounts, first.total_minor, first.tax_rows) == (
        second.discounts,
        second.total_minor,
        second.tax_rows,
    )
    assert (first.points, first.points_spent, first.coupons) == (
        second.points,
        second.points_spent,
        second.coupons,
    )
    assert sorted(line[1:] for line in first.lines) == sorted(line[1:] for line in second.lines)


@settings(deadline=None)
@given(SEEDS)
def test_one_more_item_never_costs_less_where_no_rule_is_of_that_kind(seed):
    case = case_of(seed, MONOTONE)
    before = sold(case).total_minor
    case["lines"] += lines_of(Random(seed), case["items"], 2)

    after = sold(case).total_minor

    # Each percentage is rounded once over its lines, and each tax once: half a minor unit either way.
    assert after >= before - len(case["rules"]["rules"]) - 3


@settings(deadline=None)
@given(SEEDS)
def test_limits_hold(seed):
    case = case_of(seed)
    limits = {rule["id"]: rule.get("limits", {}) for rule in case["rules"]["rules"]}
    grants = case["occasion"].get("grants", {})

    for rule, minor in sold(case).discounts:
        if rule in limits:
            assert minor <= limits[rule].get("amount_minor", minor)
            assert "budget_minor" not in limits[rule] or minor <= grants[rule][1]


@settings(deadline=None)
@given(SEEDS)
def test_a_set_that_has_seen_other_baskets_prices_the_same(seed):
    case = case_of(seed)
    told = PromotionSet(case["rules"])
    first = dumps(sold(case, told).document())
    sold(case | {"lines": case["lines"][:1]}, told)

    again = dumps(sold(case, told).document())

    assert again == first == dumps(sold(case).document())
