"""A basket under any sequence of adds and voids: its numbers, its subtotal, and refusals that change nothing."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.basket import Basket
from protocol.errors import PeerError
from protocol.item import Item

VALUES = st.one_of(
    st.integers(-3, 10), st.integers(-(2**40), 2**40), st.none(), st.booleans(), st.text(max_size=2)
)
STEPS = st.one_of(
    st.tuples(st.just("unit"), VALUES, VALUES, VALUES),
    st.tuples(st.just("weight"), VALUES, VALUES, VALUES),
    st.tuples(st.just("void"), VALUES, st.none(), st.none()),
)


def take(basket, step):
    kind, first, second, third = step
    if kind == "void":
        basket.void(first)
    else:
        item = Item("05000112637922", "item", 250, "A", kind)
        basket.add(item, quantity=first, weight_g=second, price_minor=third)


@given(st.lists(STEPS, max_size=40))
def test_any_steps_leave_a_basket_whose_numbers_and_subtotal_are_right(steps):
    basket = Basket()
    for step in steps:
        before = (list(basket.lines), basket.subtotal_minor)
        try:
            take(basket, step)
        except PeerError:
            assert (basket.lines, basket.subtotal_minor) == before

        assert [line.number for line in basket.lines] == list(range(1, len(basket.lines) + 1))
        assert basket.subtotal_minor == sum(line.amount_minor for line in basket.open_lines())
        assert all(line.amount_minor >= 0 and type(line.amount_minor) is int for line in basket.lines)


@given(st.lists(STEPS, max_size=20), st.lists(STEPS, max_size=20))
def test_a_copy_never_changes_the_original(first, then):
    basket = Basket()
    run(basket, first)
    lines, subtotal = list(basket.lines), basket.subtotal_minor

    run(basket.copy(), then)

    assert (basket.lines, basket.subtotal_minor) == (lines, subtotal)


def run(basket, steps):
    for step in steps:
        try:
            take(basket, step)
        except PeerError:
            continue
