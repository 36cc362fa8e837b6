"""The life of an order as the shopper lives it."""

from protocol.order import LIFECYCLE, next_state
from tests.protocol.expect import raises


def after(*events, state="open"):
    for event in events:
        state = next_state(state, event)
    return state


def test_a_sale_is_scanned_paid_and_completed():
    assert after("line_added", "line_added", "line_voided", "tender_intended") == "tendering"
    assert after("line_added", "tender_intended", "tender_approved") == "paid"
    assert after("line_added", "tender_intended", "tender_approved", "sale_completed") == "completed"


def test_a_declined_or_reversed_tender_gives_the_basket_back():
    for event in ("tender_declined", "tender_reversed"):
        assert after("line_added", "tender_intended", event) == "open"
        assert after("tender_intended", event, "line_added", "tender_intended", "tender_approved") == "paid"


def test_an_unknown_tender_keeps_the_sale_where_it_is():
    assert after("tender_intended", "tender_unknown") == "tendering"
    assert after("tender_intended", "tender_unknown", "tender_approved") == "paid"
    raises("order-event-out-of-place", after, "tender_intended", "tender_unknown", "line_added")
    raises("order-event-out-of-place", after, "tender_intended", "tender_unknown", "sale_completed")


def test_no_second_tender_starts_while_one_is_open_or_paid():
    raises("order-event-out-of-place", after, "tender_intended", "tender_intended")
    raises("order-event-out-of-place", after, "tender_intended", "tender_approved", "tender_intended")
    raises("order-event-out-of-place", after, "tender_intended", "tender_approved", "tender_approved")


def test_a_paid_sale_is_not_voided_before_its_money_is_back():
    raises("order-event-out-of-place", after, "tender_intended", "tender_approved", "sale_voided")

    assert after("tender_intended", "tender_approved", "tender_reversed", "sale_voided") == "voided"


def test_answers_about_money_of_a_voided_sale_change_nothing():
    for event in ("tender_approved", "tender_declined", "tender_reversed", "tender_unknown"):
        assert after("tender_intended", "sale_voided", event) == "voided"


def test_a_sale_without_anything_to_pay_completes_at_once():
    assert after("sale_completed") == "completed"


def test_completed_and_voided_are_the_only_ends():
    assert LIFECYCLE.terminal == ("completed", "voided")
    assert LIFECYCLE.states == ("completed", "open", "paid", "tendering", "voided")


def test_nothing_happens_to_a_completed_sale():
    for event in LIFECYCLE.events:
        raises("order-event-out-of-place", next_state, "completed", event)
