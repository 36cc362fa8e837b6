"""What no walk through the lifecycles of order, payment and fulfilment may ever do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import fulfilment, order, payment
from protocol.errors import CallerError

MODULES = (order, payment, fulfilment)


def reachable(lifecycle, start: str) -> set[str]:
    """Every state that some events lead to from `start`, and `start` itself."""
    found = {start}
    while True:
        more = {after for (state, _event), after in lifecycle.table.items() if state in found} - found
        if not more:
            return found
        found |= more


@pytest.mark.parametrize("module", MODULES)
def test_every_pair_has_one_meaning_on_all_walks(module):
    for state in module.LIFECYCLE.states:
        for event in module.LIFECYCLE.events:
            after = module.LIFECYCLE.table.get((state, event))
            if after is None:
                with pytest.raises(CallerError, match=f"{state}.*{event}") as caught:
                    module.next_state(state, event)
                assert caught.value.code == f"{module.LIFECYCLE.name}-event-out-of-place"
            else:
                assert module.next_state(state, event) == after


@pytest.mark.parametrize(
    ("module", "start"), [(order, "open"), (payment, "intended"), (fulfilment, "waiting")]
)
def test_every_state_is_reached_from_the_first(module, start):
    assert reachable(module.LIFECYCLE, start) == set(module.LIFECYCLE.states)


@pytest.mark.parametrize(
    ("module", "ends"), [(order, {"completed", "voided"}), (fulfilment, {"delivered", "partly", "failed"})]
)
def test_an_end_is_reached_from_every_state(module, ends):
    for state in module.LIFECYCLE.states:
        assert reachable(module.LIFECYCLE, state) & ends


def test_money_given_back_is_never_taken_again():
    for state in ("reversing", "reversed", "declined", "expired"):
        assert not reachable(payment.LIFECYCLE, state) & {"approved", "requested", "unknown", "intended"}


def test_a_reversal_ends_reversed_and_nowhere_else():
    assert reachable(payment.LIFECYCLE, "reversing") == {"reversing", "reversed"}


def test_every_attempt_can_still_be_settled():
    for state in payment.LIFECYCLE.states:
        assert reachable(payment.LIFECYCLE, state) & set(payment.SETTLED)


def test_a_completed_order_was_paid_or_had_nothing_to_pay():
    into = {state for (state, _event), after in order.LIFECYCLE.table.items() if after == "completed"}

    assert into == {"paid", "open"}


def test_a_voided_order_never_opens_again():
    assert reachable(order.LIFECYCLE, "voided") == {"voided"}
    assert reachable(order.LIFECYCLE, "completed") == {"completed"}


@given(st.lists(st.sampled_from(payment.LIFECYCLE.events), max_size=12))
def test_no_walk_from_unknown_loses_the_attempt(events):
    state = "unknown"
    for event in events:
        try:
            state = payment.next_state(state, event)
        except CallerError:
            continue
        if event == "timed_out":
            assert state in ("unknown", "reversing")
    assert state in payment.LIFECYCLE.states
