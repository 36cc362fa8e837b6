"""The card zone as a real process: every way an acquirer answers, crashes between any two steps, reversals."""

from __future__ import annotations

import asyncio
import json
import stat
import sys

import pytest

from protocol.errors import CallerError, DeviceError
from simulators.cards import unique_card
from tests.cloud.card_zone_running import ROOT, WAIT_S, eventually, zone_stage

pytestmark = pytest.mark.slow


async def test_an_approved_purchase_is_captured_once_and_told_in_full(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        answer = await stage.pay(1)

        assert answer["outcome"] == "approved"
        assert answer["amount_minor"] == 1250
        assert answer["masked"] == "411111******1111"
        assert answer["brand"] == "visa"
        assert answer["stan"] == "000001"
        assert answer["rrn"]
        assert answer["approval_code"]
        assert len(answer["token"]) == 32
        assert stage.net(1) == 1250
        assert stat.S_IMODE((tmp_path / "zone.sock").stat().st_mode) == 0o600


async def test_the_same_attempt_has_one_effect_and_one_answer_also_while_under_way(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        answers = await asyncio.gather(*(stage.pay(7) for _ in range(5)))
        again = await stage.pay(7)

        assert all(answer == again for answer in answers)
        assert stage.kinds(7) == ["capture"]


@pytest.mark.parametrize("shared", ["socket", "store"])
async def test_a_second_card_zone_on_one_store_or_socket_is_refused_and_the_first_goes_on(tmp_path, shared):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        config = json.loads((tmp_path / "zone.json").read_text())
        other = {name: f"{config[name]}-2" for name in {"socket", "store"} - {shared}}
        (tmp_path / "second.json").write_text(json.dumps({**config, **other}))

        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloud.cardzone.main", "--config", str(tmp_path / "second.json")),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await asyncio.wait_for(second.communicate(), WAIT_S)

        assert second.returncode == 2
        assert b"card-zone-in-use" in told
        assert (await stage.pay(1))["outcome"] == "approved"


async def test_a_known_attempt_with_another_body_is_refused(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.pay(7)

        with pytest.raises(CallerError, match="attempt-differs"):
            await stage.pay(7, amount_minor=9)

        assert stage.kinds(7) == ["capture"]


DECLINES = [
    ("declined", "05", "declined-by-issuer"),
    ("no-funds", "51", "funds-insufficient"),
    ("lost", "41", "card-lost"),
    ("expired", "54", "card-expired"),
    ("limit", "61", "amount-above-limit"),
]


async def test_declines_carry_the_reason_and_leave_nothing_captured(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        answers = [await stage.pay(number, card=name) for number, (name, _, _) in enumerate(DECLINES)]

        told = [(answer["outcome"], answer["response_code"], answer["reason"]) for answer in answers]
        assert told == [("declined", code, reason) for _, code, reason in DECLINES]
        assert stage.acquirer.books.lines() == []


# magic amount, reason told with "unknown"; whatever happened, nothing stays captured.
DOUBTFUL = [
    (990_068, "host-undecided"),
    (990_085, "amount-differs"),
    (990_088, "partly-approved"),
    (990_090, "currency-differs"),
    (990_095, "approval-incomplete"),
]


@pytest.mark.parametrize(("amount", "reason"), DOUBTFUL)
async def test_a_doubtful_answer_is_unknown_and_reversed_at_once(tmp_path, amount, reason):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        answer = await stage.pay(1, amount)

        assert (answer["outcome"], answer["reason"]) == ("unknown", reason)
        await eventually(lambda: stage.kinds(1) == ["capture", "reversal"], "the reversal went out")
        assert stage.net(1) == 0


# magic amount -> what the acquirer books at the end, after no usable answer came within the deadline
UNANSWERED = [
    (990_081, ["capture", "reversal"]),
    (990_082, ["reversal"]),
    (990_087, ["capture", "reversal"]),
    (990_089, ["capture", "reversal"]),
    (990_092, ["capture", "reversal"]),
    (990_094, ["capture", "reversal"]),
    (990_098, ["capture", "reversal"]),
]


@pytest.mark.parametrize(("amount", "booked"), UNANSWERED)
async def test_an_unanswered_purchase_is_unknown_and_its_reversal_is_repeated_until_answered(
    tmp_path, amount, booked
):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()

        answer = await stage.pay(1, amount, deadline_ms=300)

        assert (answer["outcome"], answer["reason"]) == ("unknown", "no-answer")
        await eventually(lambda: stage.kinds(1) == booked, "the books are even")
        await eventually(lambda: bool(stage.notices), "the end was told")
        assert stage.net(1) == 0
        assert [(notice["event"], notice["said"]) for notice in stage.notices] == [
            ("reversal_settled", "reversed")
        ]
        assert (await stage.client.query("acme", "1"))["outcome"] == "reversed"
        assert (await stage.pay(1, amount))["outcome"] == "reversed"


async def test_a_refused_reversal_is_told_and_a_person_may_ask_again(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()

        await stage.pay(1, 990_099, deadline_ms=300)
        await eventually(lambda: bool(stage.notices), "the refusal was told")
        again = await stage.client.reverse("acme", "1", "operator", 5_000)

        assert stage.notices[0]["said"] == "refused"
        assert again["outcome"] == "reversed"
        assert stage.net(1) == 0


async def test_answers_that_are_garbage_doubled_or_dripping_do_not_harm_the_link(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        answers = [await stage.pay(amount, amount) for amount in (990_086, 990_083, 990_097)]
        health = await stage.client.health()

        assert [answer["outcome"] for answer in answers] == ["approved"] * 3
        assert health["counts"]["message-malformed"] == 1
        assert health["counts"]["answer-doubled"] == 1
        assert stage.acquirer.counts["0800"] == 1


async def test_an_answer_that_contradicts_the_first_changes_nothing_but_is_told(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()

        answer = await stage.pay(1, 990_093)
        await eventually(lambda: bool(stage.notices), "the contradiction was told")

        assert answer["outcome"] == "approved"
        assert (stage.notices[0]["event"], stage.notices[0]["said"]) == ("late_answer", "declined")
        assert (await stage.client.query("acme", "1"))["outcome"] == "approved"


async def test_a_late_approval_is_told_while_its_reversal_is_under_way(tmp_path):
    async with zone_stage(tmp_path, late_ms=300, reversal_first_ms=1_500, reversal_max_ms=1_500) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()

        answer = await stage.pay(1, 990_079, deadline_ms=100)
        await eventually(lambda: len(stage.notices) == 2, "both were told")

        assert answer["outcome"] == "unknown"
        told = [(notice["event"], notice["said"], notice["outcome"]) for notice in stage.notices]
        assert told == [("late_answer", "approved", "unknown"), ("reversal_settled", "reversed", "reversed")]
        assert stage.notices[0]["rrn"]
        # The approval may be younger than the reversal that was under way: another one follows it.
        assert stage.kinds(1) == ["capture", "reversal", "reversal"]
        assert stage.net(1) == 0
        assert stage.acquirer.counts["0401"] == 2


async def test_an_approval_that_comes_after_the_reversal_is_told_and_undone_once_more(tmp_path):
    async with zone_stage(tmp_path, late_ms=1_500) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()

        await stage.pay(1, 990_080, deadline_ms=100)
        await eventually(lambda: len(stage.notices) == 3, "all were told")

        told = [(notice["event"], notice["said"]) for notice in stage.notices]
        settled = ("reversal_settled", "reversed")
        assert told == [settled, ("late_answer", "approved"), settled]
        assert stage.kinds(1) == ["capture", "reversal", "reversal"]
        assert stage.net(1) == 0


async def test_money_captured_after_its_reversal_was_answered_is_reversed_again(tmp_path):
    async with zone_stage(tmp_path, late_ms=1_500) as stage:
        await stage.start()
        await stage.is_up()

        answer = await stage.pay(1, 990_084, deadline_ms=100)

        assert answer["outcome"] == "unknown"
        await eventually(lambda: stage.kinds(1) == ["reversal", "capture", "reversal"], "it was undone again")
        assert stage.net(1) == 0


async def test_a_pending_reversal_blocks_its_terminal_and_no_other(tmp_path):
    async with zone_stage(tmp_path, reversal_first_ms=500, reversal_max_ms=500) as stage:
        await stage.start()
        await stage.is_up()
        stage.listen()
        stage.acquirer.use_next(89)
        await stage.pay(1, deadline_ms=100)

        other = await stage.pay(2, terminal="TERM0002")
        same = await stage.pay(3, deadline_ms=50)
        await eventually(lambda: bool(stage.notices), "the zone heard the reversal's answer")
        later = await stage.pay(4)

        assert other["outcome"] == "approved"
        assert (same["outcome"], same["reason"]) == ("declined", "reversal-pending")
        assert later["outcome"] == "approved"
        assert stage.kinds(3) == []


async def test_reversing_what_was_never_seen_refuses_a_later_purchase(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        reversed_first = await stage.client.reverse("acme", "5", "abandoned", 1_000)
        paid_later = await stage.pay(5)

        assert reversed_first["outcome"] == "reversed"
        assert (paid_later["outcome"], paid_later["reason"]) == ("declined", "reversed-before")
        assert stage.acquirer.counts["0200"] == 0


async def test_an_approved_purchase_is_reversed_on_request_by_rrn_and_without_its_card(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.pay(1)

        answers = [await stage.client.reverse("acme", "1", "abandoned", 5_000) for _ in range(2)]

        assert [answer["outcome"] for answer in answers] == ["reversed", "reversed"]
        assert stage.kinds(1) == ["capture", "reversal"]
        assert stage.acquirer.books.lines()[1]["named_card"] is False
        assert stage.net(1) == 0


async def test_reversing_a_declined_purchase_sends_nothing(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.pay(1, card="declined")

        answer = await stage.client.reverse("acme", "1", "abandoned", 1_000)

        assert (answer["outcome"], answer["reason"]) == ("reversed", "nothing-captured")
        assert stage.acquirer.counts["0400"] == 0


async def test_without_a_link_nothing_is_sent_and_the_answer_is_a_technical_decline(tmp_path):
    async with zone_stage(tmp_path) as stage:
        stage.acquirer.refuses_sign_on = True
        await stage.start()

        answer = await stage.pay(1, deadline_ms=300)
        expired = await stage.pay(2, deadline_ms=0)
        again = await stage.pay(1, deadline_ms=300)

        assert (answer["outcome"], answer["reason"]) == ("declined", "acquirer-unreachable")
        assert expired["reason"] == "expired"
        assert again == answer
        assert stage.acquirer.counts["0200"] == 0


async def test_a_purchase_waits_for_a_zone_that_starts_and_not_for_one_that_is_away(tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.cardzone.client.START_MS", 20_000)  # it starts beside other tests
    async with zone_stage(tmp_path) as stage:
        with pytest.raises(DeviceError, match="card-zone-unreachable"):
            await stage.pay(1, deadline_ms=300)
        waiting = asyncio.create_task(stage.pay(2, deadline_ms=40_000))
        await stage.start()

        answer = await waiting

        assert answer["outcome"] == "approved"
        assert stage.net(1) == 0


async def test_stans_count_per_terminal_and_go_on_after_a_restart(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        first = [await stage.pay(number) for number in (1, 2)]
        other = await stage.pay(3, terminal="TERM0002")
        await stage.kill()
        await stage.start()
        await stage.is_up()

        after = await stage.pay(4)

        assert [answer["stan"] for answer in (*first, other, after)] == [
            "000001",
            "000002",
            "000001",
            "000003",
        ]


async def test_the_stan_wraps_and_an_answer_still_finds_its_own_purchase(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.stop()
        stage.change("INSERT INTO terminals VALUES ('TERM0001', 999998)")
        await stage.start()
        await stage.is_up()

        wrapped = [await stage.pay(number) for number in (1, 2, 3)]

        assert [answer["stan"] for answer in wrapped] == ["999999", "000001", "000002"]
        assert {answer["outcome"] for answer in wrapped} == {"approved"}
        assert [stage.net(number) for number in (1, 2, 3)] == [1250] * 3


async def test_purchases_of_many_terminals_are_under_way_at_once(tmp_path):
    async with zone_stage(tmp_path, late_ms=400, links=2) as stage:
        await stage.start()
        await stage.is_up()
        loop = asyncio.get_running_loop()
        began = loop.time()

        answers = await asyncio.gather(
            *(stage.pay(number, 990_080, terminal=f"T{number}", deadline_ms=10_000) for number in range(20))
        )

        assert {answer["outcome"] for answer in answers} == {"approved"}
        assert loop.time() - began < 20 * 0.4, "they waited for each other"
        assert sum(stage.net(number) for number in range(20)) == 20 * 990_080


async def test_two_tenants_have_different_tokens_for_the_same_card(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()

        mine, mine_again = [(await stage.pay(number))["token"] for number in (1, 2)]
        theirs = (await stage.pay(1, tenant="other"))["token"]
        other_card = (await stage.pay(3, card=unique_card(3)))["token"]

        assert mine == mine_again
        assert len({mine, theirs, other_card}) == 3
