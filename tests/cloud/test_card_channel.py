"""The card channel as the payments service uses it: over a real card zone and a real acquirer link."""

from __future__ import annotations

import pytest

from cloud.channels.card import Acceptor, Acceptors, CardChannel
from cloud.ports import CardChannel as Port
from cloud.ports import ChannelCall, LateAnswer
from protocol.errors import OutcomeUnknown
from tests.cloud.card_zone_running import eventually, zone_stage

CALL = ChannelCall(
    tenant="acme", store="s1", box="box-1", order=1, payment=2, attempt=3, amount_minor=1250, currency="EUR"
)
BOUND = {"tenant": "acme", "box": "box-1", "attempt": "3", "amount_minor": 1250, "currency": "EUR"}


def channel_over(stage, heard=None):
    channel = CardChannel(Acceptors({("acme", "box-1"): Acceptor("MERCHANT1", "TERM0009")}))
    channel.attach(stage.client)
    stage.client._on_notice = channel.hear

    async def hear(late: LateAnswer) -> None:
        if heard is not None:
            heard.append(late)

    channel.listen(hear)
    return channel


async def test_a_payment_passes_through_with_the_assigned_terminal(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        channel: Port = channel_over(stage)

        answer = await channel.authorize(CALL, stage.seal(BOUND, "mastercard"), 5_000)
        asked = await channel.query(CALL)

        assert (answer.outcome, answer.amount_minor, answer.brand) == ("approved", 1250, "mastercard")
        assert asked == answer
        line = stage.acquirer.books.lines()[0]
        assert (line["terminal"], line["merchant"], line["attempt"]) == ("TERM0009", "MERCHANT1", "3")


async def test_a_reversal_undoes_it_and_may_be_asked_for_again(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        channel = channel_over(stage)
        await channel.authorize(CALL, stage.seal(BOUND, "visa"), 5_000)

        answers = [await channel.reverse(CALL) for _ in range(2)]

        assert [answer.outcome for answer in answers] == ["reversed", "reversed"]
        assert stage.net(3) == 0


async def test_an_unknown_outcome_is_settled_by_the_zone_and_told(tmp_path):
    async with zone_stage(tmp_path, late_ms=300, reversal_first_ms=500, reversal_max_ms=500) as stage:
        await stage.start()
        await stage.is_up()
        heard: list[LateAnswer] = []
        channel = channel_over(stage, heard)
        stage.listen()
        stage.acquirer.use_next(79)

        answer = await channel.authorize(CALL, stage.seal(BOUND, "visa"), 100)
        await eventually(lambda: len(heard) == 2, "both were told")

        assert answer.outcome == "unknown"
        assert [(late.about, late.attempt, late.answer.outcome) for late in heard] == [
            ("authorization", 3, "unknown"),
            ("reversal", 3, "reversed"),
        ]


async def test_a_notice_that_the_cloud_could_not_keep_stays_with_the_zone_and_is_told_again(tmp_path):
    async with zone_stage(tmp_path, reversal_first_ms=100) as stage:
        await stage.start()
        await stage.is_up()
        channel = channel_over(stage)
        kept: list[LateAnswer] = []
        refused: list[LateAnswer] = []

        async def refuse(late: LateAnswer) -> None:
            refused.append(late)
            raise OutcomeUnknown("notice-not-kept", "The database is away", "Tell it again")

        async def keep(late: LateAnswer) -> None:
            kept.append(late)

        channel.listen(refuse)
        stage.listen()
        stage.acquirer.use_next(81)
        await channel.authorize(CALL, stage.seal(BOUND, "visa"), 100)
        await eventually(lambda: bool(refused), "it was told, and could not be kept")
        await stage.client.query("acme", "3")  # an answer to "heard" would be before this one
        still = stage.rows("SELECT * FROM notices")
        channel.listen(keep)
        await stage.stop_listening()
        stage.listen()
        await eventually(lambda: stage.rows("SELECT * FROM notices") == [], "the zone knows that it was kept")

        assert still != []
        assert [late.about for late in kept] == ["reversal"]


async def test_a_zone_that_does_not_listen_was_never_asked(tmp_path):
    async with zone_stage(tmp_path) as stage:
        channel = channel_over(stage)

        answer = await channel.authorize(CALL, b"x", 1_000)

        assert (answer.outcome, answer.reason) == ("declined", "card-zone-unreachable")


async def test_a_zone_that_dies_under_the_call_leaves_it_unknown_and_the_query_knows(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start(killed_at="cardzone.sent")
        await stage.is_up()
        channel = channel_over(stage)

        with pytest.raises(OutcomeUnknown):
            await channel.authorize(CALL, stage.seal(BOUND, "visa"), 5_000)
        await stage.ended()
        await stage.start()
        await stage.is_up()
        reversed_answer = await channel.reverse(CALL)

        assert reversed_answer.outcome == "reversed"
        assert (await channel.query(CALL)).outcome == "reversed"
        assert stage.net(3) == 0


async def test_an_attempt_nobody_saw_is_unknown_with_that_reason(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        channel = channel_over(stage)

        answer = await channel.query(CALL)

        assert (answer.outcome, answer.reason) == ("unknown", "never-seen")


def test_a_box_without_an_assigned_terminal_gets_one_of_its_own_for_ever():
    acceptors = Acceptors({})

    found = [acceptors.find("acme", "s1", f"box-{number}") for number in range(1_000)]

    assert found == [acceptors.find("acme", "s1", f"box-{number}") for number in range(1_000)]
    assert len({acceptor.terminal for acceptor in found}) == 1_000
    assert {len(acceptor.terminal) for acceptor in found} == {8}
    assert {len(acceptor.merchant) for acceptor in found} == {15}
