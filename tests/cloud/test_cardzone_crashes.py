"""The card zone killed between any two steps, its links cut, its notices unheard: nothing is lost or
doubled."""

from __future__ import annotations

import asyncio

import pytest

from protocol.errors import OutcomeUnknown
from tests.cloud.card_zone_running import actions_of, eventually, zone_stage

pytestmark = pytest.mark.slow

CRASHES = [
    ("cardzone.stan_stored", ["reversal"]),
    ("cardzone.sent", ["capture", "reversal"]),
    ("cardzone.answer_received", ["capture", "reversal"]),
]


@pytest.mark.parametrize(("point", "booked"), CRASHES)
async def test_a_crash_before_the_verdict_is_durable_ends_in_a_reversal(tmp_path, point, booked):
    async with zone_stage(tmp_path) as stage:
        await stage.start(killed_at=point)
        await stage.is_up()

        with pytest.raises(OutcomeUnknown):
            await stage.pay(1)
        await stage.ended()
        await stage.start()
        await stage.is_up()

        await eventually(lambda: stage.kinds(1)[-1:] == ["reversal"], "the reversal went out")
        assert stage.net(1) == 0
        assert stage.kinds(1) in (booked, ["reversal"])
        assert (await stage.client.reverse("acme", "1", "asked", 5_000))["outcome"] == "reversed"


async def test_a_crash_after_the_verdict_keeps_the_approval(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start(killed_at="cardzone.answered")
        await stage.is_up()

        with pytest.raises(OutcomeUnknown):
            await stage.pay(1)
        await stage.ended()
        await stage.start()
        await stage.is_up()

        assert (await stage.client.query("acme", "1"))["outcome"] == "approved"
        assert (await stage.pay(1))["outcome"] == "approved"
        assert stage.kinds(1) == ["capture"]


@pytest.mark.parametrize(
    "point", ["cardzone.reversal_counted", "cardzone.reversal_sent", "cardzone.reversal_answered"]
)
async def test_a_crash_around_a_reversal_never_loses_it_and_never_undoes_twice(tmp_path, point):
    async with zone_stage(tmp_path) as stage:
        await stage.start(killed_at=point)
        await stage.is_up()
        await stage.pay(1, 990_081, deadline_ms=100)
        await stage.ended()

        await stage.start()
        await stage.is_up()
        stage.listen()

        await eventually(lambda: bool(stage.notices), "the reversal was settled")
        assert stage.net(1) == 0
        undone = [line["amount_minor"] for line in stage.acquirer.books.lines() if line["kind"] == "reversal"]
        assert undone == [990_081]
        assert stage.acquirer.counts["0401"] >= 1


async def test_killed_between_send_and_answer_the_reversal_is_repeated_until_the_acquirer_is_back(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        stage.acquirer.use_next(81)
        paying = asyncio.create_task(stage.pay(1))
        await eventually(lambda: stage.kinds(1) == ["capture"], "the purchase arrived")
        await stage.kill()
        with pytest.raises(OutcomeUnknown):
            await paying
        stage.acquirer.use_next(0)
        actions_of(stage)["pause"]()

        await stage.start()
        await eventually(lambda: stage.acquirer.links() > 0, "the zone connected")
        assert stage.kinds(1) == ["capture"]
        actions_of(stage)["resume"]()
        stage.acquirer.drop_links()

        await eventually(lambda: stage.kinds(1) == ["capture", "reversal"], "it was undone")
        assert stage.net(1) == 0


async def test_a_cut_link_is_signed_on_again_and_echo_finds_a_dead_one(tmp_path):
    async with zone_stage(tmp_path, echo_every_ms=100, echo_answer_ms=100) as stage:
        await stage.start()
        await stage.is_up()
        stage.acquirer.drop_links()
        await eventually(lambda: stage.acquirer.counts["0800"] >= 2, "signed on again")
        await stage.is_up()

        stage.acquirer.is_paused = True
        signed_on = stage.acquirer.counts["0800"]
        await eventually(lambda: stage.acquirer.links() == 0, "the dead link was given up")
        stage.acquirer.is_paused = False

        await stage.is_up()
        assert stage.acquirer.counts["0800"] > signed_on
        assert (await stage.pay(1))["outcome"] == "approved"


async def test_a_notice_is_told_again_until_it_was_heard(tmp_path):
    async with zone_stage(tmp_path) as stage:
        await stage.start()
        await stage.is_up()
        await stage.pay(1, 990_081, deadline_ms=100)
        await eventually(
            lambda: stage.net(1) == 0 and len(stage.kinds(1)) == 2, "reversed, and nobody listened"
        )
        await stage.client.close()

        stage.listen()
        await eventually(lambda: bool(stage.notices), "told at the next connection")
        await eventually(lambda: stage.rows("SELECT * FROM notices") == [], "the zone knows it was heard")
        await stage.stop_listening()
        stage.listen()
        await stage.client.query("acme", "1")

        assert [notice["event"] for notice in stage.notices] == ["reversal_settled"]


async def test_a_wrong_configuration_names_every_fault_and_ends(tmp_path):
    async with zone_stage(tmp_path, reversal_first_ms=1, echo_every_ms=0) as stage:
        stage.links = 0

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await stage.start()
        await stage.ended()

        log = (tmp_path / "zone.log").read_text()
        assert stage.process is not None
        assert stage.process.returncode == 2
        assert "reversal_first_ms" in log
        assert "echo_every_ms" in log
        assert "acquirers" in log
