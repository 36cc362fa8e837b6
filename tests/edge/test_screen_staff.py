"""What an attendant may change while money is under way: nothing that a tender already counts on."""

from __future__ import annotations

import pytest

from edge.events import AttendantActed
from tests.builders import Play
from tests.journeys.screen_states import STATES

STATE = {state.name: state for state in STATES}
VOID = AttendantActed("line_voided", "17", line=1)


def sale_of(play):
    return play.box.sale


@pytest.mark.parametrize(
    "name", ["card", "card-reading", "cash", "authorizing", "unknown", "unknown-reversing", "paid-card"]
)
def test_line_stays_once_a_tender_counts_on_the_total(name):
    play = Play()
    STATE[name].reach(play)
    total, records = sale_of(play).total_minor, len(play.records)

    play.play(VOID)

    assert sale_of(play).total_minor == total
    assert play.box.notice == "not-now"
    assert len(play.records) == records


@pytest.mark.parametrize("name", ["basket", "age", "choose", "declined", "weigh-stable"])
def test_line_goes_while_the_basket_is_still_open(name):
    play = Play()
    STATE[name].reach(play)
    total = sale_of(play).total_minor

    play.play(VOID)

    assert sale_of(play).total_minor == total - 249
    assert play.record_types()[-2:] == ["attendant_acted", "line_voided"]


def test_cash_sale_completes_with_tenders_that_sum_to_its_total_whatever_staff_tried():
    play = Play()
    STATE["cash"].reach(play)

    play.play(VOID, AttendantActed("cash_counted", "17", amount_minor=1_000))

    completed = play.records[-1]
    assert completed["t"] == "sale_completed"
    assert sum(tender["amount_minor"] for tender in completed["tenders"]) == completed["total_minor"]
