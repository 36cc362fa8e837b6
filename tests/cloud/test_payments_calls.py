"""Calls to a channel wait for each other, terminal by terminal, up to a bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cloud.payments import calls
from tests.cloud.tills import Till

if TYPE_CHECKING:
    import pytest

    from tests.cloud.estate import Estate

BOUND = 3
BACK_OFFS_S = 600  # a reversal is due again within some minutes


def another(tender: dict[str, Any], number: int) -> dict[str, Any]:
    """The same tender under ids that nobody heard of."""
    return {**tender, **{name: str(int(tender[name]) + number) for name in ("payment", "attempt")}}


async def test_beyond_the_bound_of_a_terminal_a_payment_is_refused_unasked_and_a_reversal_comes_again(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "CALLS_WAITING_MAX", BOUND)
    till, other = await estate.enrol(), await estate.enrol(Till("till-2", 2))
    tenders = []
    for each in (till, till, other):
        order, priced = each.open_sale()
        tenders.append(each.intend(order, priced.total_minor))
    answering = estate.channel.hold = asyncio.Event()
    await estate.hear(till, "req", till.request("pay", tenders[0]))
    await asyncio.sleep(0)

    for number in range(1, 2 * BOUND + 1):
        await estate.hear(till, "req", till.request("reverse", another(tenders[0], number)))
    await estate.hear(till, "req", till.request("pay", tenders[1]))
    await estate.hear(other, "req", other.request("pay", tenders[2]))
    waiting = {box: len(lane) for (_, box), lane in estate.consumer._calls._lanes.items()}
    answering.set()
    await estate.settle()
    refused = await estate.attempt(tenders[1])
    await estate.pass_time(BACK_OFFS_S)

    assert waiting[till.box] == BOUND
    assert refused == "expired"
    assert estate.channel.count("authorize", int(tenders[1]["attempt"])) == 0
    assert [await estate.attempt(tenders[place]) for place in (0, 2)] == ["approved", "approved"]
    states = await estate.rows("SELECT state, count(*) FROM payment_attempt GROUP BY state ORDER BY state")
    assert states == [("approved", 2), ("expired", 1), ("reversed", 2 * BOUND)]
