"""What comes back for goods of a sale, in numbers done by hand: pieces, broken bundles, points and coupons."""

from protocol.pricing.refund import refund
from tests.protocol.expect import raises
from tests.protocol.promotion_samples import APPLE, BREAD, FRUIT, MUG, basket, priced, rules

THREE_FOR_TWO = {"then": {"buy_get": {"buy": 2, "get": 1, "lines": FRUIT}}}


def test_pieces_of_a_line_give_back_their_part_and_together_the_whole():
    told = priced(basket((BREAD, 3)), rules({"then": {"amount_off": {"amount_minor": 100}}}))

    one = refund(told, {1: 3}, {}, {1: 1}, 0, None)
    two = refund(told, {1: 3}, {1: 1}, {1: 2}, one.amount_minor, None)

    assert (told.total_minor, one.amount_minor, two.amount_minor) == (899, 299, 600)
    assert one.lines == [(1, 1, 299, 14)]
    assert one.tax_minor + two.tax_minor == told.tax_minor


def test_a_broken_bundle_gives_back_a_part_or_what_the_rest_does_not_cost():
    lines, three = basket((APPLE, 3)), rules(THREE_FOR_TWO)
    told, rest = priced(lines, three), priced(basket((APPLE, 2)), three)

    assert told.total_minor == 200
    assert refund(told, {1: 3}, {}, {1: 1}, 0, None).amount_minor == 66
    assert refund(told, {1: 3}, {}, {1: 1}, 0, rest).amount_minor == 0
    assert refund(told, {1: 3}, {1: 1}, {1: 2}, 0, priced([], three)).amount_minor == 200


def test_points_and_coupons_go_back_with_the_goods():
    earn = {"then": {"points_earned": {"points": 1, "per_minor": 100}}}
    coupon = {"if": {"amount_minor": {"min": 900}}, "then": {"coupon_issued": {"coupon": "next"}}}
    promotions = rules(earn, coupon)
    told, rest = (
        priced(basket((MUG, 1), (APPLE, 2)), promotions),
        priced(basket((MUG, 1), (APPLE, 1)), promotions),
    )
    few = priced(basket((APPLE, 2)), promotions)

    kept = refund(told, {1: 1, 2: 2}, {}, {2: 1}, 0, rest)
    lost = refund(told, {1: 1, 2: 2}, {}, {1: 1}, 0, few)
    last = refund(told, {1: 1, 2: 2}, {1: 1}, {2: 2}, lost.amount_minor, None)

    assert (kept.points_taken, kept.coupons) == (1, [])
    assert (lost.points_taken, lost.coupons) == (9, [("r2", "next")])
    assert (last.points_taken, last.coupons) == (1, [("r2", "next")])
    assert told.points == [("r1", 10)]


def test_more_than_was_sold_does_not_come_back():
    told = priced(basket((APPLE, 2)), None)

    raises("refund-too-much", refund, told, {1: 2}, {}, {1: 3}, 0, None)
    raises("refund-too-much", refund, told, {1: 2}, {1: 2}, {1: 1}, 200, None)
    raises("refund-too-much", refund, told, {1: 2}, {}, {}, 0, None)
    raises("refund-too-much", refund, told, {1: 2}, {}, {1: 0}, 0, None)
    raises("refund-line-unknown", refund, told, {1: 2}, {}, {2: 1}, 0, None)
