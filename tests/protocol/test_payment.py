"""The life of one attempt to take money."""

from protocol.payment import LIFECYCLE, SETTLED, next_state
from tests.protocol.expect import raises


def after(*events, state="intended"):
    for event in events:
        state = next_state(state, event)
    return state


def test_an_attempt_is_asked_and_answered():
    for event, state in (
        ("approved", "approved"),
        ("declined", "declined"),
        ("refused", "declined"),
        ("expired", "expired"),
        ("unknown", "unknown"),
        ("timed_out", "unknown"),
    ):
        assert after("requested", event) == state
        assert after("requested", "timed_out", event) == state


def test_cash_is_approved_without_asking_anybody():
    assert after("approved") == "approved"


def test_no_answer_is_unknown_and_never_declined():
    assert after("requested", "timed_out") == "unknown"
    assert after("timed_out") == "unknown"


def test_an_unknown_or_approved_attempt_can_be_reversed():
    for before in ((), ("requested",), ("requested", "timed_out"), ("requested", "approved")):
        assert after(*before, "reversal_requested") == "reversing"
        assert after(*before, "reversal_requested", "reversed") == "reversed"


def test_a_reversal_goes_on_until_it_is_confirmed():
    start = ("requested", "timed_out", "reversal_requested")
    for event in (
        "reversal_unknown",
        "reversal_refused",
        "reversal_requested",
        "timed_out",
        "unknown",
        "declined",
    ):
        assert after(*start, event) == "reversing"


def test_an_approval_during_a_reversal_does_not_stop_it():
    assert after("requested", "timed_out", "reversal_requested", "approved") == "reversing"


def test_an_approval_after_a_no_must_be_reversed():
    for event in ("declined", "refused", "expired", "reversed"):
        assert after("requested", event, "approved") == "reversing"
        assert after("requested", event, "approved", "reversed") == "reversed"


def test_the_same_answer_twice_changes_nothing():
    for event in ("approved", "declined", "refused", "expired", "reversed", "unknown"):
        assert after("requested", event, event) == after("requested", event)


def test_a_declined_attempt_is_neither_asked_again_nor_reversed():
    raises("payment-event-out-of-place", after, "requested", "declined", "requested")
    raises("payment-event-out-of-place", after, "requested", "declined", "reversal_requested")
    raises("payment-event-out-of-place", after, "requested", "approved", "declined")
    raises("payment-event-out-of-place", after, "requested", "approved", "timed_out")


def test_the_states_are_those_of_the_records():
    assert LIFECYCLE.states == (
        "approved",
        "declined",
        "expired",
        "intended",
        "requested",
        "reversed",
        "reversing",
        "unknown",
    )
    assert SETTLED == ("approved", "declined", "expired", "reversed")
