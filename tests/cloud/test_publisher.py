"""The cloud's outbox: a committed answer is said at least once and then forgotten, whatever fails around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloud.payments import rules as payment_rules
from cloud.publisher import Publisher
from protocol.errors import CallerError
from tests.cloud.payment_steps import begin, outcomes, pay

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


async def rows_left(estate: Estate) -> int:
    ((count,),) = await estate.rows("SELECT count(*) FROM outbox")
    return int(count)


def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the transaction of the next batch fail at its very end, once."""
    keep = Publisher.keep
    failures = [error]

    async def failing(self, *given) -> None:
        await keep(self, *given)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(Publisher, "keep", failing)


@pytest.mark.parametrize("kind", ["outage", "rules"])
async def test_rows_that_were_said_are_deleted_also_when_the_batch_that_deletes_them_is_rolled_back(
    estate: Estate, monkeypatch, kind: str
) -> None:
    till, _, _, tender = await begin(estate)
    await pay(estate, till, tender)
    said = await rows_left(estate)
    error = estate.database.outages[0]("away") if kind == "outage" else CallerError("broken", "a rule broke")
    fail_once(monkeypatch, error)

    await estate.hear(till, "evt", till.batch())

    assert said == 1
    assert await rows_left(estate) == 0


async def test_an_answer_whose_publishing_failed_is_said_with_the_next_batch(
    estate: Estate, monkeypatch
) -> None:
    till, _, _, tender = await begin(estate)
    publish = estate.wire.publish
    failures = [OSError("the directory is away")]

    async def failing(topic: str, payload: bytes, *, retain: bool = False) -> None:
        if failures:
            raise failures.pop()
        await publish(topic, payload, retain=retain)

    monkeypatch.setattr(estate.wire, "publish", failing)
    await pay(estate, till, tender)
    silent = outcomes(estate, till)

    await estate.hear(till, "evt", till.batch())
    told = outcomes(estate, till)
    till.cash_sale()  # a heartbeat that tells nothing new opens no transaction, and so clears nothing either
    await estate.hear(till, "evt", till.batch())

    assert silent == []
    assert told == [("pay", "approved", "")]
    assert outcomes(estate, till) == told
    assert await rows_left(estate) == 0
    assert estate.channel.count("authorize", int(tender["attempt"])) == 1
    assert estate.consumer.counts.taken_apart == 0


async def test_a_batch_that_is_rolled_back_for_good_says_nothing_and_leaves_nothing_behind(
    estate: Estate, monkeypatch
) -> None:
    till, _, _, tender = await begin(estate)
    with monkeypatch.context() as patch:
        patch.setattr(payment_rules, "pay", lambda *_: 1 / 0)
        await pay(estate, till, tender)

    await estate.hear(till, "evt", till.batch())

    assert outcomes(estate, till) == []
    assert await rows_left(estate) == 0
    assert await estate.rows("SELECT code FROM set_aside") == [("rules-failed",)]
