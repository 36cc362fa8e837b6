"""A quarantine in the cloud: a fork begins it, a person ends it, and a second fork begins it again, alarm and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.fleet import store
from tests.cloud.tills import NOON_MS, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate


async def fork(estate: Estate, till: Till) -> None:
    """Let a box claim a history that the cloud does not have."""
    await estate.hear(till, "evt", till.hello(len(till.frames), bytes(32)))


async def release(estate: Estate, till: Till) -> None:
    async with estate.database.transaction() as tx:
        await store.release(tx, TENANT, till.box, "renewed", NOON_MS + 1)


async def status(estate: Estate, till: Till) -> str:
    ((told,),) = await estate.rows("SELECT status FROM box WHERE box = $1", till.box)
    return str(told)


async def open_alarms(estate: Estate) -> list[str]:
    return [kind for (kind,) in await estate.rows("SELECT kind FROM alarm WHERE settled_ms = 0")]


async def forked_till(estate: Estate) -> Till:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch())
    await fork(estate, till)
    return till


async def test_a_released_box_serves_and_its_alarm_is_settled(estate: Estate) -> None:
    till = await forked_till(estate)
    before = (await status(estate, till), await open_alarms(estate))

    await release(estate, till)

    assert before == ("quarantined", ["journal-forked"])
    assert (await status(estate, till), await open_alarms(estate)) == ("serving", [])


async def test_a_box_that_forks_again_after_its_release_falls_back_with_its_alarm(estate: Estate) -> None:
    till = await forked_till(estate)
    await release(estate, till)

    await fork(estate, till)

    assert (await status(estate, till), await open_alarms(estate)) == ("quarantined", ["journal-forked"])


async def test_a_release_is_for_that_box_and_for_quarantine_alone(estate: Estate) -> None:
    till = await forked_till(estate)
    revoked = await estate.enrol(Till(box="till-2", number=2), status="revoked")

    await release(estate, revoked)

    assert await status(estate, revoked) == "revoked"
    assert (await status(estate, till), await open_alarms(estate)) == ("quarantined", ["journal-forked"])
