"""Acts at odd times: staff, shopper, timers and settings where the flows least expect them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.effects import ApplySettings, ArmReader, AskCloud, SealCard, StartTimer, StopTimer
from edge.events import (
    AttendantActed,
    CardPresented,
    CardSealed,
    PaymentAnswered,
    SettingsOffered,
    TimerFired,
)
from edge.flows.checkout import page_of
from edge.flows.outcome import REVERSALS_AT_ONCE
from edge.flows.recovery import rebuild, resume
from edge.settings import Settings, read_settings
from protocol.errors import ConfigError
from protocol.facts import Facts
from protocol.item import Item
from protocol.pricing.tax import TaxTable
from protocol.records import check_record
from tests.builders import APPLE, BREAD, SOAP, Play, idle_box, small_shop
from tests.edge.test_checkout_flow import scan, touch

DIGEST = "ab" * 32
WARNED = TimerFired("inactivity")


@pytest.fixture
def play():
    play = Play()
    yield play
    for record in play.records:
        check_record(record)


def staff(act, **more):
    return AttendantActed(act, "anna", **more)


def to_card_page(play):
    return play.play(scan(BREAD), touch("pay"), touch("method", choice="card"))


def to_authorizing(play):
    to_card_page(play).play(CardPresented("453201******0366", "visa", "contact"))
    attempt = play.told(SealCard)[-1].attempt
    return play.play(CardSealed(attempt, DIGEST, "453201******0366", "visa"))


def answer(play, outcome, kind="pay", **more):
    return PaymentAnswered(kind, play.box.sale.tender.attempt, outcome, {"amount_minor": 249, **more})


@pytest.mark.parametrize("method", ["card", "cash"])
def test_no_method_is_taken_once_staff_took_the_last_line_off(play, method):
    play.play(scan(BREAD), touch("pay"), staff("line_voided", line=1), touch("method", choice=method))

    assert "tender_intended" not in play.record_types()
    assert play.told(ArmReader) == []
    assert page_of(play.box) == "basket"


def test_no_method_is_taken_after_a_decline_once_staff_took_the_last_line_off(play):
    to_authorizing(play).play(answer(play, "declined"))
    play.play(staff("line_voided", line=1), touch("method", choice="cash"))

    assert play.record_types().count("tender_intended") == 1
    assert page_of(play.box) == "basket"


@pytest.mark.parametrize("act", ["sale_voided", "unknown_released"])
def test_an_act_of_staff_that_was_refused_is_not_recorded(play, act):
    to_authorizing(play)
    if act == "unknown_released":
        play.play(answer(play, "declined"))
    play.play(staff(act))

    assert "attendant_acted" not in play.record_types()
    assert play.box.notice in {"not-now", "nothing-unknown"}


def test_a_void_of_a_line_that_is_not_there_is_not_recorded(play):
    play.play(scan(BREAD), staff("line_voided", line=7))

    assert "attendant_acted" not in play.record_types()


def test_a_shopper_who_was_warned_before_paying_is_given_up_after_a_decline(play):
    to_card_page(play).play(WARNED, CardPresented("453201******0366", "visa", "contact"))
    attempt = play.told(SealCard)[-1].attempt
    play.play(CardSealed(attempt, DIGEST, "453201******0366", "visa"), TimerFired("more_time"))
    play.play(answer(play, "declined"))
    play.commands.clear()
    play.play(WARNED)
    assert any(timer.name == "more_time" for timer in play.told(StartTimer))
    play.play(TimerFired("more_time"))

    assert play.box.sale is None
    assert play.records[-1]["reason"] == "shopper-left"


def test_a_card_ends_the_warning(play):
    to_card_page(play).play(WARNED, CardPresented("453201******0366", "visa", "contact"))

    assert not play.box.is_warned
    assert StopTimer("more_time") in play.commands
    assert page_of(play.box) == "card"


def test_an_item_that_must_be_weighed_ends_the_warning(play):
    play.play(scan(BREAD), WARNED, scan(APPLE), TimerFired("more_time"))

    assert page_of(play.box) == "weigh"


def test_an_act_of_staff_ends_the_warning_and_gives_the_shopper_time_again(play):
    play.play(scan(BREAD), touch("pay"), WARNED)
    play.commands.clear()
    play.play(staff("help_given"))

    assert StartTimer("inactivity", play.box.settings.inactivity_ms) in play.commands
    play.play(TimerFired("more_time"))
    assert page_of(play.box) == "choose"


@pytest.mark.parametrize("last", [TimerFired("unknown_end"), staff("unknown_released")])
def test_settings_that_wait_are_applied_when_an_unknown_outcome_ends_the_sale(play, last):
    offered = Settings(store_name="New name")
    to_authorizing(play).play(SettingsOffered(offered, 4))
    play.play(answer(play, "unknown"), TimerFired("patience"), last)

    assert play.box.sale is None
    assert play.box.settings == offered
    assert play.told(ApplySettings) == [ApplySettings(4)]


def test_the_next_shopper_is_greeted_in_the_first_language_after_a_voided_sale(play):
    play.play(scan(BREAD), touch("language", choice="zh"), touch("cancel_sale"))

    assert play.box.language == "en"


OTHER_TAXES = TaxTable("excluded", "line", {"A": 250_000, "Z": 100_000})


def restarted_with_other_taxes(play):
    box = rebuild(idle_box(taxes=OTHER_TAXES), play.records)
    again = Play(box=box, now_ms=play.now_ms, ids=play.ids)
    again.take(resume(box, again.now()))
    return again


def test_cash_that_is_awaited_over_a_restart_with_other_taxes_is_given_up_with_its_sale(play):
    play.play(scan(SOAP), touch("pay"), touch("method", choice="cash"))

    again = restarted_with_other_taxes(play)

    assert again.record_types() == ["tender_result", "sale_voided"]
    assert again.records[0]["outcome"] == "declined"
    assert again.box.sale is None


def test_an_approval_that_comes_after_a_restart_with_other_taxes_is_asked_back(play):
    to_authorizing(play)
    again = restarted_with_other_taxes(play)

    again.play(answer(again, "approved", kind="query"))

    assert "sale_completed" not in again.record_types()
    assert again.record_types()[-1] == "reversal_intended"


def test_a_recorded_approval_is_asked_back_after_a_restart_with_other_taxes(play):
    to_authorizing(play).play(answer(play, "approved"))
    while play.records[-1]["t"] != "tender_result":
        play.records.pop()

    again = restarted_with_other_taxes(play)

    assert again.record_types() == ["reversal_intended", "tender_result", "sale_voided"]
    assert again.records[1]["outcome"] == "reversed"
    assert again.told(AskCloud)[0].kind == "reverse"
    assert again.box.sale is None


def test_a_sale_that_lost_a_line_to_damage_does_not_stop_the_start(play):
    play.play(scan(BREAD), scan(SOAP), scan(BREAD))
    kept = [record for record in play.records if record.get("line") != 2]

    box = rebuild(idle_box(), kept)
    again = Play(box=box)
    again.take(resume(box, again.now()))

    assert again.box.sale is None
    assert again.record_types() == ["sale_voided"]


def test_a_payment_whose_sale_lost_a_line_to_damage_is_asked_back(play):
    to_authorizing(play.play(scan(SOAP)))
    kept = [record for record in play.records if record.get("line") != 1]

    box = rebuild(idle_box(), kept)
    again = Play(box=box)
    again.take(resume(box, again.now()))
    again.play(answer(again, "approved", kind="query"))

    assert again.record_types() == ["tender_result", "reversal_intended"]


def test_a_tender_of_another_order_is_not_taken_for_the_open_sales(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="cash"))
    *before, tender = play.records
    other = {**tender, "order": str(int(tender["order"]) + 256)}

    box = rebuild(idle_box(), [*before, other])

    assert box.sale is not None
    assert box.sale.tender is None


def test_an_age_check_comes_before_goods_that_cost_nothing():
    sample = Item("05012345678900", "Sample of wine", 0, "A", "unit", 18, Facts("drinks"))
    play = Play(box=replace(idle_box(), shop=small_shop([sample])))

    play.play(scan(sample), touch("pay"))

    assert page_of(play.box) == "age"


def test_a_staff_id_that_no_record_takes_is_refused_with_the_settings():
    with pytest.raises(ConfigError, match="ASCII"):
        read_settings({"staff": [{"id": "Jürgen", "name": "Jürgen", "pin": "x"}]})


def test_reversals_that_pile_up_are_asked_for_in_turn():
    entries = tuple((order, order, order) for order in range(1, 12))
    play = Play(box=replace(idle_box(), reversing=entries))

    play.play(TimerFired("reverse"), TimerFired("reverse"))

    asked = [ask.attempt for ask in play.told(AskCloud)]
    assert len(asked) == 2 * REVERSALS_AT_ONCE
    assert set(asked) == set(range(1, 12))
    assert sorted(play.box.reversing) == sorted(entries)
