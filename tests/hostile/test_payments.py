"""Rows 45, 48, 49, 54, 77 and 84: money asked for, asked back, or answered by somebody who lies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cloud.payments.rules import MAX_BUDGET_MS
from edge.effects import ArmReader, AskCloud
from edge.events import (
    AttendantActed,
    CardPresented,
    CashReceived,
    CodeScanned,
    PaymentAnswered,
    ShopperActed,
)
from edge.flows.checkout import ACTIONS
from protocol.frame import encode_frame
from protocol.limits import MAX_AMOUNT_MINOR, MAX_INTEGER
from protocol.messages import pack_bytes
from protocol.strict_json import dumps, loads
from tests.builders import Play, idle_box
from tests.cloud.estate import answer_of
from tests.cloud.payment_steps import balances, begin, outcomes, pay
from tests.cloud.tills import NOON_MS, Till
from tests.hostile.card_tender import authorizing

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

BREAD_CODE = "4006381333931"


async def test_row_45_fifty_reversals_from_every_side_give_the_money_back_once(estate: Estate, tried) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    paid = await balances(estate)
    asked = [till.request("reverse", tender) for _ in range(25)]

    for payload in asked:
        estate.wire.send(till.topic("up", "req"), payload)
    await estate.hear(till, "evt", till.batch())  # the replica tells of the same 25 intentions
    await estate.settle()
    await estate.pass_time(60)

    assert paid == {"card-clearing": 633, "customer-deposits": -633}
    assert await balances(estate) == {}
    assert estate.channel.count("reverse", int(tender["attempt"])) == 1
    reversed_rows = await estate.rows("SELECT count(*) FROM ledger_entry WHERE kind = 'card-reversed'")
    assert reversed_rows == [(1,)]
    tried(50)


async def test_row_45_another_box_cannot_give_the_money_back_or_learn_of_it(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    thief = await estate.enrol(Till(box="till-2", number=2))

    for kind in ("reverse", "query", "pay"):
        await estate.hear(thief, "req", thief.request(kind, tender))
    thief.write("reversal_intended", **{k: tender[k] for k in ("order", "payment", "attempt")}, reason="mine")
    thief.write("sale_voided", order=tender["order"], reason="mine")
    await estate.hear(thief, "evt", thief.batch())
    await estate.settle()

    assert await estate.attempt(tender) == "approved"
    assert await balances(estate) == {"card-clearing": 633, "customer-deposits": -633}
    told = outcomes(estate, thief)
    assert {outcome for _, outcome, _ in told} <= {"refused", "unknown", "approved"}
    assert ("reverse", "refused", "attempt-of-another-box") in told


@pytest.mark.parametrize("second", ["approved", "wrong-amount", "declined", "unknown"])
async def test_row_48_whatever_comes_after_a_reversal_two_captures_never_stand(
    estate: Estate, second
) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append("unknown")
    await pay(estate, till, tender)
    await estate.hear(till, "req", till.request("reverse", tender))
    await estate.settle()

    for _ in range(3):
        late = answer_of(second, int(tender["amount_minor"]))
        estate.channel.say_late(int(tender["attempt"]), "authorization", late)
        await estate.settle()
    await estate.pass_time(60)
    await pay(estate, till, tender)

    assert await estate.attempt(tender) == "reversed"
    assert await balances(estate) == {}
    assert estate.channel.count("authorize", int(tender["attempt"])) == 1
    assert ("pay", "approved", "") not in outcomes(estate, till)


@pytest.mark.parametrize("answer", ["wrong-amount", "broken", "unknown", "maybe", "", "APPROVED", "reversed"])
async def test_row_49_only_a_clear_yes_over_the_very_amount_is_a_yes(estate: Estate, answer) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.answers.append(answer)

    await pay(estate, till, tender)
    for _ in range(4):
        await estate.pass_time(150)

    assert "approved" not in [outcome for _, outcome, _ in outcomes(estate, till)]
    assert await estate.attempt(tender) != "approved"
    assert await balances(estate) == {}


def test_row_54_a_card_is_not_taken_while_the_cloud_is_away() -> None:
    play = Play(box=idle_box()).play(CodeScanned(BREAD_CODE), ShopperActed("pay"))
    play.box = play.box.with_sale(phase="choose")
    play.box = replace(play.box, is_linked=False)

    play.play(ShopperActed("method", choice="card"), CardPresented("476173******0119", "visa", "contact"))

    assert play.box.notice == "card-offline"
    assert play.told(ArmReader) == []
    assert play.told(AskCloud) == []
    assert "tender_intended" not in play.record_types()


@pytest.mark.parametrize("deadline_ms", [0, 1, NOON_MS - 1, NOON_MS])
async def test_row_77_a_request_whose_time_is_over_never_reaches_the_channel(
    estate: Estate, deadline_ms
) -> None:
    till, _, _, tender = await begin(estate)

    await estate.hear(till, "req", till.request("pay", tender, deadline_ms=deadline_ms or 1))
    await estate.settle()

    assert estate.channel.asked == []
    assert [outcome for _, outcome, _ in outcomes(estate, till)] == ["expired"]


async def test_row_77_a_deadline_in_a_hundred_years_is_cut_to_what_a_person_waits(estate: Estate) -> None:
    till, _, _, tender = await begin(estate)
    estate.channel.hold = asyncio.Event()

    await estate.hear(till, "req", till.request("pay", tender, deadline_ms=NOON_MS + 100 * 365 * 86_400_000))
    ((deadline_ms,),) = await estate.rows("SELECT deadline_ms FROM payment_attempt")
    estate.channel.hold.set()
    await estate.settle()

    assert deadline_ms == NOON_MS + MAX_BUDGET_MS


BENT = {
    "crc": lambda frame, _: frame[:-1] + bytes([frame[-1] ^ 1]),
    "cut": lambda frame, _: frame[:-5],
    "two frames": lambda frame, _: frame * 2,
    "not a record": lambda _, till: encode_frame(1, bytes(32), b"{}") + b"" * till.number,
    "another kind": lambda _, till: till.write("sale_voided", order="7", reason=""),
    "cash": lambda _, till: till.intend("7", 633, "cash")["frame"],
    "another attempt": lambda _, till: till.intend("7", 633)["frame"],
}


@pytest.mark.parametrize("bent", BENT)
async def test_row_77_an_intention_that_does_not_fit_its_request_is_refused_unasked(
    estate: Estate, bent
) -> None:
    till, _, _, tender = await begin(estate)
    frame = BENT[bent](tender["frame"], till)

    await pay(estate, till, tender, frame=pack_bytes(frame))

    assert estate.channel.asked == []
    assert [outcome for _, outcome, _ in outcomes(estate, till)] in (["refused"], [])
    assert await estate.rows("SELECT count(*) FROM payment_attempt WHERE requested_ms > 0") == [(0,)]


async def test_row_76_a_request_with_the_card_of_another_attempt_is_refused_unasked(estate: Estate) -> None:
    till, order, priced, first = await begin(estate)
    second = till.intend(order, priced.total_minor)

    await pay(estate, till, second, blobs={"card": pack_bytes(first["card"])})
    request = loads(till.request("pay", second)[32:])
    assert isinstance(request, dict)
    every: list[object] = [
        {},
        {"card": ""},
        {"card": "", "pin": "AAAA"},
        {"card": "AAAA" * 4_000},
        [],
        "AAAA",
    ]
    for blobs in every:
        await estate.hear(till, "req", till.seal("req", dumps({**request, "blobs": blobs})))
        await estate.settle()

    assert estate.channel.asked == []
    assert "approved" not in [outcome for _, outcome, _ in outcomes(estate, till)]


@pytest.mark.parametrize("tendered", [0, 1, 248, -249, -1, MAX_AMOUNT_MINOR + 1, MAX_INTEGER])
def test_row_84_cash_that_is_too_little_or_beyond_any_till_is_not_taken(tendered) -> None:
    play = Play(box=idle_box(methods=("cash",))).play(CodeScanned(BREAD_CODE), ShopperActed("pay"))

    play.play(CashReceived(tendered, "17"))

    assert play.box.notice == "cash-short"
    assert "tender_result" not in play.record_types()


def test_row_84_cash_counted_twice_or_without_a_tender_counts_once() -> None:
    play = Play(box=idle_box(methods=("cash",))).play(CashReceived(500, "17"), CodeScanned(BREAD_CODE))
    early = play.record_types()

    play.play(CashReceived(500, "17"), ShopperActed("pay"))
    play.play(*[CashReceived(500, "17")] * 5, *[AttendantActed("cash_counted", "17", amount_minor=500)] * 5)

    assert "tender_result" not in early
    assert play.record_types().count("tender_result") == 1
    assert play.record_types().count("sale_completed") == 1


APPROVED = {"amount_minor": 249}


@pytest.mark.parametrize("page", ["attract", "basket", "choose", "card", "cash", "declined", "paid"])
def test_row_74_an_approval_that_nobody_asked_for_pays_nothing_on_any_page(page) -> None:
    play = Play(box=idle_box())
    if page != "attract":
        play.play(CodeScanned(BREAD_CODE))
        play.box = play.box.with_sale(phase=page)
    before = play.record_types()

    for attempt in (0, 1, 2**62):
        play.play(
            *[PaymentAnswered(kind, attempt, "approved", APPROVED) for kind in ("pay", "query", "reverse")]
        )

    assert play.record_types() == before
    assert play.commands == [command for command in play.commands if not isinstance(command, AskCloud)]


@pytest.mark.parametrize("amount", [248, 250, 0, -249, None, "249", True])
def test_row_74_an_approval_over_another_amount_is_asked_back(amount) -> None:
    play, attempt = authorizing(BREAD_CODE)

    play.play(PaymentAnswered("pay", attempt, "approved", {"amount_minor": amount}))

    assert "sale_completed" not in play.record_types()
    assert play.record_types()[-1] == "reversal_intended"


@pytest.mark.parametrize("outcome", ["", "APPROVED", "captured", "ok", "unknown"])
def test_row_74_a_word_that_no_answer_has_is_unknown_never_paid_never_declined(outcome) -> None:
    play, attempt = authorizing(BREAD_CODE)

    play.play(PaymentAnswered("pay", attempt, outcome, APPROVED))

    assert play.box.sale is not None
    assert play.box.sale.phase == "unknown"
    assert [record["outcome"] for record in play.records if record["t"] == "tender_result"] == ["unknown"]


def test_row_83_no_order_of_touches_sells_pays_or_gives_back_without_its_page(tried) -> None:
    touches = [ShopperActed(action, line=number, choice=choice) for action in ACTIONS for number in (0, 1)
               for choice in ("", "card", "cash", "print", "zh", "nothing")]  # fmt: skip
    play = Play(box=idle_box())

    play.play(CodeScanned(BREAD_CODE))
    for touch in touches * 3 + list(reversed(touches)) * 3:
        play.play(touch)

    assert "tender_result" not in [r["t"] for r in play.records if r.get("outcome") == "approved"]
    assert "sale_completed" not in play.record_types()
    assert "reversal_intended" not in play.record_types()
    tried(6 * len(touches))
