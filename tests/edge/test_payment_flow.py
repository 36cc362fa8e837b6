"""Taking money, as the flows decide it: order of records, unknown outcomes, reversals, cash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.effects import ArmReader, AskCloud, ForgetCard, OpenDrawer, PrintReceipt, PrintSlip, SealCard
from edge.events import (
    AttendantActed,
    CardNotSealed,
    CardPresented,
    CardSealed,
    DeviceChanged,
    LinkChanged,
    PaymentAnswered,
    TimerFired,
)
from edge.flows.checkout import page_of
from edge.flows.recovery import PAID_SHOWN_MS, newest_id, rebuild, resume
from edge.screen.view import view_of
from protocol.identifiers import to_paper
from protocol.receipt import to_plain
from protocol.records import check_record
from tests.builders import BREAD, SOAP, WINE, Play, idle_box
from tests.edge.test_checkout_flow import scan, touch

DIGEST = "ab" * 32


@pytest.fixture
def play():
    play = Play()
    yield play
    for record in play.records:
        check_record(record)


def answer(play, outcome, kind="pay", **more):
    return PaymentAnswered(kind, play.box.sale.tender.attempt, outcome, {"amount_minor": 369, **more})


def to_card_page(play):
    return play.play(scan(BREAD), scan(SOAP), touch("pay"), touch("method", choice="card"))


def to_authorizing(play):
    to_card_page(play).play(CardPresented("453201******0366", "visa", "contact"))
    attempt = play.told(SealCard)[-1].attempt
    return play.play(CardSealed(attempt, DIGEST, "453201******0366", "visa"))


def test_intention_is_recorded_before_the_request_leaves(play):
    to_card_page(play)
    assert "tender_intended" not in play.record_types()
    assert play.told(ArmReader) == [ArmReader(369, "GBP")]

    play.play(CardPresented("453201******0366", "visa", "contact"))
    assert play.told(AskCloud) == []

    play.play(CardSealed(play.told(SealCard)[-1].attempt, DIGEST, "453201******0366", "visa"))

    assert play.record_types()[-1] == "tender_intended"
    assert play.told(AskCloud)[-1].kind == "pay"
    assert play.records[-1]["attempt"] == str(play.told(AskCloud)[-1].attempt)


def test_approval_completes_the_sale_in_one_group_of_records(play):
    to_authorizing(play)

    play.play(answer(play, "approved", approval_code="123456", rrn="000000000001"))

    assert page_of(play.box) == "paid"
    assert play.record_types()[-3:] == ["tender_result", "fulfilment_result", "sale_completed"]
    assert play.records[-1]["total_minor"] == sum(t["amount_minor"] for t in play.records[-1]["tenders"])
    assert len(play.told(ForgetCard)) == 1


def test_approval_that_comes_twice_completes_once(play):
    to_authorizing(play)
    approval = answer(play, "approved")

    play.play(approval, approval)

    assert play.record_types().count("sale_completed") == 1
    assert page_of(play.box) == "paid"


def test_decline_says_so_and_lets_the_shopper_try_again_with_a_new_attempt(play):
    to_authorizing(play)
    first = play.box.sale.tender.attempt

    play.play(answer(play, "declined", reason="insufficient-funds"))
    assert page_of(play.box) == "declined"
    assert view_of(play.box)["sale"]["decline_reason"] == "insufficient-funds"

    play.play(touch("method", choice="card"), CardPresented("453201******0366", "visa", "contact"))

    assert play.told(SealCard)[-1].attempt != first


def test_no_answer_is_unknown_and_never_declined(play):
    to_authorizing(play)
    tender = play.box.sale.tender

    play.play(TimerFired("deadline"))

    assert page_of(play.box) == "unknown"
    assert play.records[-1]["outcome"] == "unknown"
    assert play.told(AskCloud)[-1] == replace(play.told(AskCloud)[-1], kind="query", attempt=tender.attempt)


def test_unknown_that_turns_out_approved_completes_the_same_sale(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("query"))

    play.play(answer(play, "approved", kind="query"))

    assert page_of(play.box) == "paid"
    assert [r["outcome"] for r in play.records if r["t"] == "tender_result"] == ["unknown", "approved"]


def test_unknown_beyond_patience_is_asked_back_and_the_shopper_may_pay_again(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("patience"))
    assert play.record_types()[-1] == "reversal_intended"
    assert play.told(AskCloud)[-1].kind == "reverse"
    assert page_of(play.box) == "unknown"

    play.play(answer(play, "reversed", kind="reverse"))

    assert page_of(play.box) == "declined"
    assert view_of(play.box)["sale"]["decline_reason"] == "not-charged"
    assert play.box.reversing == ()


def test_approval_while_the_reversal_runs_does_not_complete_the_sale(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("patience"))

    play.play(answer(play, "approved", kind="query"))

    assert "sale_completed" not in play.record_types()
    assert page_of(play.box) == "unknown"


def test_approval_of_another_amount_is_asked_back(play):
    to_authorizing(play)

    play.play(PaymentAnswered("pay", play.box.sale.tender.attempt, "approved", {"amount_minor": 368}))

    assert play.records[-1]["t"] == "reversal_intended"
    assert play.records[-1]["reason"] == "wrong-amount"


def test_reversal_is_asked_again_after_the_sale_was_given_up_until_it_is_confirmed(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("patience"))
    attempt = play.box.sale.tender.attempt
    play.play(TimerFired("unknown_end"))
    assert page_of(play.box) == "attract"
    assert play.records[-1]["t"] == "sale_voided"
    assert play.told(PrintSlip) != []

    play.play(LinkChanged(is_up=False), LinkChanged(is_up=True))
    assert play.told(AskCloud)[-1].kind == "reverse"

    play.play(PaymentAnswered("reverse", attempt, "reversed", {}))

    assert play.records[-1]["t"] == "reversal_result"
    asked = len(play.told(AskCloud))
    play.play(TimerFired("reverse"))
    assert len(play.told(AskCloud)) == asked


def test_a_reversal_refused_for_a_completed_sale_is_asked_no_more_also_after_a_restart(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("patience"))
    attempt = play.box.sale.tender.attempt
    play.play(TimerFired("unknown_end"))

    play.play(PaymentAnswered("reverse", attempt, "refused", {"reason": "attempt-of-another-box"}))
    assert [entry[2] for entry in play.box.reversing] == [attempt]
    play.play(PaymentAnswered("reverse", attempt, "refused", {"reason": "sale-completed"}))

    assert play.box.reversing == ()
    last = play.records[-1]
    assert (last["t"], last["outcome"], last["reason"]) == ("reversal_result", "refused", "sale-completed")
    assert restarted(play).box.reversing == ()


def test_attendant_can_release_an_unknown_and_the_money_is_asked_back(play):
    to_authorizing(play).play(TimerFired("deadline"))

    play.play(AttendantActed("unknown_released", "anna"))

    assert play.record_types()[-3:] == ["attendant_acted", "reversal_intended", "sale_voided"]
    assert page_of(play.box) == "attract"
    lines = to_plain(play.told(PrintSlip)[-1].document, 40)
    assert any("PAYMENT NOT CONFIRMED" in line for line in lines)
    assert any(to_paper(int(play.records[-1]["order"])) in line for line in lines)


def test_card_taken_away_too_early_sends_nothing(play):
    to_card_page(play).play(CardPresented("453201******0366", "visa", "contact"))

    play.play(CardNotSealed(play.told(SealCard)[-1].attempt, "card-removed"))

    assert play.told(AskCloud) == []
    assert page_of(play.box) == "card"
    assert len(play.told(ArmReader)) == 2


def test_reader_that_comes_back_is_armed_again_while_a_card_is_wanted(play):
    to_card_page(play).play(DeviceChanged("reader", "failed", "secure-module-lost"))

    play.play(DeviceChanged("reader", "ready"))

    assert play.told(ArmReader) == [ArmReader(369, "GBP")] * 2


def test_reader_that_comes_back_is_not_armed_while_no_card_is_wanted(play):
    play.play(scan(BREAD), DeviceChanged("reader", "absent"), DeviceChanged("reader", "ready"))

    assert play.told(ArmReader) == []


def test_card_is_not_offered_while_the_cloud_is_away(play):
    play.play(LinkChanged(is_up=False), scan(BREAD), touch("pay"), touch("method", choice="card"))

    assert page_of(play.box) == "choose"
    assert view_of(play.box)["notice"] == "card-offline"
    assert view_of(play.box)["methods"] == ["cash"]


def test_cash_gives_change_and_opens_the_drawer(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="cash"))
    assert play.record_types()[-1] == "tender_intended"

    play.play(AttendantActed("cash_counted", "anna", amount_minor=100))
    assert view_of(play.box)["notice"] == "cash-short"

    play.play(AttendantActed("cash_counted", "anna", amount_minor=500))

    assert page_of(play.box) == "paid"
    assert view_of(play.box)["sale"]["tender"]["change"] == "2.51"
    assert len(play.told(OpenDrawer)) == 1


def test_going_back_from_cash_ends_the_attempt_and_keeps_the_basket(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="cash"), touch("back"))

    assert page_of(play.box) == "basket"
    assert play.records[-1]["outcome"] == "declined"
    assert play.box.sale.total_minor == BREAD.unit_price_minor


def restarted(play):
    """The box as a restart finds it, with what it then decides, played on."""
    again = Play(
        rebuild(idle_box(), play.records), records=list(play.records), now_ms=play.now_ms, ids=play.ids
    )
    again.take(resume(again.box, again.now()))
    return again


def test_basket_is_the_same_after_a_restart(play):
    play.play(scan(BREAD), scan(SOAP), touch("void_line", line=1))

    again = restarted(play)

    assert page_of(again.box) == "basket"
    assert again.box.sale.total_minor == play.box.sale.total_minor
    assert [line.name for line in again.box.sale.basket.lines] == [SOAP.name]


def test_a_basket_goes_on_under_a_new_number_after_a_restart_because_the_disk_may_be_an_old_copy(play):
    play.play(scan(BREAD), scan(SOAP))
    before = play.box.sale

    again = restarted(play)
    once_more = rebuild(idle_box(), again.records).sale

    assert again.box.sale.order > before.order
    voided = next(record for record in again.records if record["t"] == "sale_voided")
    assert (voided["order"], voided["reason"]) == (str(before.order), "restarted")
    assert once_more is not None
    assert once_more.order == again.box.sale.order
    assert [line.name for line in once_more.basket.lines] == [BREAD.name, SOAP.name]
    assert once_more.total_minor == before.total_minor
    assert once_more.opened_at == before.opened_at


def test_an_approval_of_age_does_not_outlive_the_box(play):
    play.play(scan(WINE), touch("pay"), AttendantActed("age_approved", "anna"))
    assert play.box.sale.is_age_approved

    again = restarted(play)

    assert not again.box.sale.is_age_approved
    again.play(touch("pay"))
    assert page_of(again.box) == "age"


def test_tender_without_result_is_unknown_after_a_restart_and_is_asked_for(play):
    to_authorizing(play)

    again = restarted(play)

    assert page_of(again.box) == "unknown"
    assert again.records[-1]["outcome"] == "unknown"
    assert again.told(AskCloud)[-1].kind == "query"
    again.play(answer(again, "approved", kind="query"))
    assert again.record_types()[-1] == "sale_completed"


@pytest.mark.parametrize("kept", range(3))
def test_power_cut_inside_the_completion_group_is_completed_after_the_restart(play, kept):
    to_authorizing(play)
    before = len(play.records)
    play.play(answer(play, "approved"))
    del play.records[before + kept :]

    again = restarted(play)
    if kept == 0:
        again.play(answer(again, "approved", kind="query"))

    assert again.record_types().count("sale_completed") == 1
    assert page_of(again.box) == "paid"


def test_unconfirmed_reversal_is_asked_again_after_a_restart(play):
    to_authorizing(play).play(TimerFired("deadline"), TimerFired("patience"), TimerFired("unknown_end"))

    again = restarted(play)

    assert again.box.sale is None
    assert again.told(AskCloud)[-1].kind == "reverse"


def test_paid_page_comes_back_after_a_restart_for_the_shopper_who_did_not_see_it(play):
    to_authorizing(play).play(answer(play, "approved"))
    total = view_of(play.box)["sale"]["total"]

    again = restarted(play)
    assert page_of(again.box) == "paid"
    assert view_of(again.box)["sale"]["total"] == total

    again.play(touch("receipt", choice="print"), touch("done"))
    assert len(again.told(PrintReceipt)) == 1
    assert page_of(again.box) == "attract"


def test_paid_page_of_a_sale_long_ago_does_not_come_back(play):
    to_authorizing(play).play(answer(play, "approved"))
    play.now_ms += PAID_SHOWN_MS

    again = restarted(play)

    assert page_of(again.box) == "attract"
    assert again.box.last_sale is not None


def test_cash_page_comes_back_after_a_restart(play):
    play.play(scan(BREAD), touch("pay"), touch("method", choice="cash"))

    again = restarted(play)
    again.play(AttendantActed("cash_counted", "anna", amount_minor=249))

    assert again.record_types()[-1] == "sale_completed"


def test_ids_after_a_restart_are_above_all_recorded_ones(play):
    to_authorizing(play)

    assert newest_id(play.records) == play.box.sale.tender.attempt


def test_money_shown_is_never_of_the_shopper_before(play):
    to_authorizing(play).play(answer(play, "approved"), touch("done"))

    assert view_of(play.box)["sale"] is None


def test_box_without_a_reader_never_offers_card():
    play = Play(replace(idle_box(), unbound=frozenset({"reader"})))

    play.play(scan(BREAD), touch("pay"))

    assert page_of(play.box) == "cash"
    assert view_of(play.box)["methods"] == ["cash"]
    assert view_of(play.box)["methods_closed"] == {}


def test_box_without_a_printer_offers_no_paper():
    play = Play(replace(idle_box(), unbound=frozenset({"printer"})))

    assert view_of(play.box)["receipts"] == ["none"]
    assert view_of(play.box)["troubles"] == []
