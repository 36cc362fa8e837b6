"""The shopper's way through a sale, as the flows decide it."""

from __future__ import annotations

import pytest

from edge.effects import ApplySettings, PrintReceipt, ShowOnPole, StartTimer, WatchScale
from edge.events import (
    AttendantActed,
    CodeScanned,
    ReceiptPrinted,
    SellingBlocked,
    SellingUnblocked,
    SettingsOffered,
    ShopperActed,
    TimerFired,
    WeightRead,
)
from edge.flows.checkout import page_of
from edge.screen.view import view_of
from edge.settings import Settings
from protocol.errors import PeerError
from protocol.money import format_amount
from protocol.records import check_record
from tests.builders import APPLE, BREAD, NOON_MS, SOAP, WINE, Play, idle_box


def scan(item):
    return CodeScanned(item.gtin.removeprefix("0"))


def touch(action, **more):
    return ShopperActed(action, **more)


@pytest.fixture
def play():
    play = Play()
    yield play
    for record in play.records:
        check_record(record)


def test_first_scan_opens_a_sale_and_shows_the_line(play):
    play.play(scan(BREAD))

    assert play.record_types() == ["sale_opened", "line_added"]
    assert page_of(play.box) == "basket"
    assert play.told(ShowOnPole)[-1].lower.endswith("2.49")
    assert view_of(play.box)["sale"]["lines"][0]["amount"] == "2.49"


def test_total_follows_every_line_and_every_void(play):
    play.play(scan(BREAD), scan(SOAP), scan(SOAP), touch("void_line", line=2))

    assert play.box.sale.total_minor == 249 + 120
    assert play.record_types()[-1] == "line_voided"
    assert view_of(play.box)["sale"]["item_count"] == 2


def test_unknown_code_is_told_and_opens_no_sale(play):
    play.play(CodeScanned("4006381333948"))

    assert play.records == []
    assert view_of(play.box)["notice"] == "item-not-found"


def test_code_with_wrong_check_digit_is_told_by_its_name(play):
    play.play(CodeScanned("4006381333932"))

    assert play.records == []
    assert "check" in view_of(play.box)["notice"]


def test_weighed_item_waits_for_a_stable_weight_and_the_shoppers_word(play):
    play.play(scan(APPLE))
    assert page_of(play.box) == "weigh"
    assert play.told(WatchScale)[-1].is_wanted

    play.play(WeightRead(400, "moving"), touch("weigh_done"))
    assert view_of(play.box)["notice"] == "weight-not-stable"

    play.play(WeightRead(512, "stable"), touch("weigh_done"))

    assert page_of(play.box) == "basket"
    assert play.records[-1]["weight_g"] == 512
    assert play.records[-1]["amount_minor"] == 153  # 2.99 x 0.512 = 1.53088
    assert not play.told(WatchScale)[-1].is_wanted


def test_weight_of_the_item_before_is_never_used_for_the_next(play):
    play.play(scan(APPLE), WeightRead(512, "stable"), touch("weigh_done"), scan(APPLE), touch("weigh_done"))

    assert page_of(play.box) == "weigh"
    assert view_of(play.box)["notice"] == "weight-not-stable"


def test_scan_while_the_card_is_asked_for_sells_nothing(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="card"), scan(SOAP))

    assert play.box.sale.total_minor == BREAD.unit_price_minor
    assert view_of(play.box)["notice"] == "not-now"


def test_age_restricted_item_stops_payment_and_not_scanning(play):
    play.play(scan(WINE), touch("pay"))
    assert page_of(play.box) == "age"

    play.play(scan(BREAD), touch("pay"))
    assert page_of(play.box) == "age"

    play.play(AttendantActed("age_approved", "anna"), touch("pay"))

    assert page_of(play.box) == "choose"
    assert "attendant_acted" in play.record_types()


def test_shopper_who_left_is_warned_then_the_sale_is_voided(play):
    play.play(scan(BREAD), TimerFired("inactivity"))
    assert view_of(play.box)["is_warned"]

    play.play(TimerFired("more_time"))

    assert page_of(play.box) == "attract"
    assert play.records[-1] == {**play.records[-1], "t": "sale_voided", "reason": "shopper-left"}


def test_more_time_keeps_the_sale(play):
    play.play(scan(BREAD), TimerFired("inactivity"), touch("more_time"), TimerFired("more_time"))

    assert page_of(play.box) == "basket"
    assert not view_of(play.box)["is_warned"]
    assert play.told(StartTimer)[-1].name == "inactivity"


def test_out_of_service_refuses_a_new_sale_and_lets_the_open_one_end(play):
    play.play(scan(BREAD), SellingBlocked("journal-full"))
    assert page_of(play.box) == "basket"

    play.play(touch("cancel_sale"), scan(BREAD))
    assert page_of(play.box) == "out_of_service"
    assert play.record_types()[-1] == "sale_voided"

    play.play(SellingUnblocked("journal-full"), scan(BREAD))
    assert page_of(play.box) == "basket"


def test_settings_wait_for_the_end_of_the_sale(play):
    play.play(scan(BREAD), SettingsOffered(Settings(store_name="New name"), 7))
    assert view_of(play.box)["store"] != "New name"

    play.play(touch("cancel_sale"))

    assert view_of(play.box)["store"] == "New name"
    assert play.told(ApplySettings) == [ApplySettings(7)]


def test_language_can_be_changed_at_any_step_and_no_other_language(play):
    play.play(scan(BREAD), touch("language", choice="zh"))
    assert view_of(play.box)["language"] == "zh"

    play.play(touch("language", choice="xx"))
    assert view_of(play.box)["language"] == "zh"
    assert view_of(play.box)["notice"] == "language-not-offered"


def test_unknown_action_of_the_screen_is_refused_by_name():
    with pytest.raises(PeerError) as refused:
        Play().play(touch("give_me_money"))

    assert refused.value.code == "action-unknown"


def test_free_basket_is_completed_without_a_tender(play):
    play.play(CodeScanned("012345678905"), touch("pay"))

    assert page_of(play.box) == "paid"
    assert play.records[-1]["tenders"] == []
    assert play.records[-1]["total_minor"] == 0


def test_receipt_is_printed_once_and_its_outcome_recorded(play):
    play.play(
        scan(BREAD),
        touch("pay"),
        touch("method", choice="cash"),
        AttendantActed("cash_counted", "anna", amount_minor=500),
    )
    play.play(touch("receipt", choice="print"), touch("receipt", choice="print"))
    assert len(play.told(PrintReceipt)) == 1

    order = play.told(PrintReceipt)[0].order
    play.play(ReceiptPrinted(order, 0, "failed", ""))

    assert play.records[-1]["outcome"] == "failed"
    assert view_of(play.box)["notice"] == "receipt-failed"


def test_paid_page_stays_until_the_printer_said_how_the_receipt_ended_and_the_shopper_could_read_it(play):
    play.play(
        scan(BREAD),
        touch("pay"),
        touch("method", choice="cash"),
        AttendantActed("cash_counted", "anna", amount_minor=500),
        touch("receipt", choice="print"),
        TimerFired("thanks"),
    )
    assert page_of(play.box) == "paid"
    started = len(play.told(StartTimer))

    play.play(ReceiptPrinted(play.box.sale.order, 0, "failed", ""))
    assert play.told(StartTimer)[started:] == [StartTimer("thanks", play.box.settings.thanks_ms)]
    assert view_of(play.box)["notice"] == "receipt-failed"

    play.play(TimerFired("thanks"))
    assert page_of(play.box) == "attract"


def test_reprint_is_a_numbered_copy(play):
    play.play(
        scan(BREAD),
        touch("pay"),
        touch("method", choice="cash"),
        AttendantActed("cash_counted", "anna", amount_minor=249),
    )
    play.play(touch("receipt", choice="print"), touch("done"), AttendantActed("receipt_reprinted", "anna"))

    assert [(told.order, told.copy) for told in play.told(PrintReceipt)] == [
        (play.told(PrintReceipt)[0].order, 0),
        (play.told(PrintReceipt)[0].order, 1),
    ]
    assert any("COPY" in str(block) for block in play.told(PrintReceipt)[1].document.blocks)


def test_next_scan_after_payment_starts_the_next_shoppers_sale(play):
    play.play(
        scan(BREAD),
        touch("pay"),
        touch("method", choice="cash"),
        AttendantActed("cash_counted", "anna", amount_minor=249),
    )
    first = play.box.sale.order

    play.play(scan(SOAP))

    assert play.box.sale.order > first
    assert play.box.sale.total_minor == SOAP.unit_price_minor


def test_help_call_stands_until_staff_answers(play):
    play.play(scan(BREAD), touch("help", choice="price"))
    assert view_of(play.box)["help"] == "price"

    play.play(AttendantActed("help_given", "anna"))
    assert view_of(play.box)["help"] == ""


def test_business_day_turns_at_the_closing_time_of_the_shop():
    settings = Settings(closing_time_min=4 * 60, utc_offsets=((0, 480),))

    # 2026-11-22 19:59 UTC is 03:59 on the 23rd in the shop: still the 22nd's business.
    assert settings.business_day(NOON_MS + (7 * 60 + 59) * 60_000) == "2026-11-22"
    assert settings.business_day(NOON_MS + 8 * 60 * 60_000) == "2026-11-23"


def test_pole_never_keeps_an_amount_for_the_next_shopper():
    play = Play(idle_box(store_name="Green grocer"))

    play.play(scan(BREAD), touch("cancel_sale"))

    assert play.told(ShowOnPole)[-1] == ShowOnPole("Green grocer", "")
    assert format_amount(249, "GBP") in play.told(ShowOnPole)[0].upper
