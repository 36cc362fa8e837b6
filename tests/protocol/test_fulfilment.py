"""The life of handing over goods."""

from protocol.fulfilment import LIFECYCLE, next_state
from tests.protocol.expect import raises


def after(*events, state="waiting"):
    for event in events:
        state = next_state(state, event)
    return state


def test_goods_in_the_shoppers_hands_are_delivered():
    assert after("handed_over") == "delivered"


def test_a_machine_dispenses_all_some_or_nothing():
    assert after("dispense_intended", "dispensed") == "delivered"
    assert after("dispense_intended", "dispensed_partly") == "partly"
    assert after("dispense_intended", "dispense_failed") == "failed"
    assert after("dispense_failed") == "failed"


def test_a_power_cut_while_dispensing_is_unknown_until_somebody_looked():
    assert after("dispense_intended", "interrupted") == "unknown"
    assert after("dispense_intended", "interrupted", "dispensed_partly") == "partly"


def test_nothing_is_dispensed_twice():
    for first in ("interrupted", "dispensed", "dispensed_partly", "dispense_failed"):
        raises("fulfilment-event-out-of-place", after, "dispense_intended", first, "dispense_intended")
    raises("fulfilment-event-out-of-place", after, "dispense_intended", "dispense_intended")
    raises("fulfilment-event-out-of-place", after, "dispensed")


def test_delivered_partly_and_failed_are_the_ends():
    assert LIFECYCLE.terminal == ("delivered", "failed", "partly")
