"""What `tillbox fleet list` and `show` tell of a box, and that an old reading never passes for a present one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cloud.fleet import configuration_store
from cloud.fleet.condition import (
    STALE_MS,
    Condition,
    Configured,
    Reading,
    configured_words,
    reading_words,
    span_words,
)
from cloud.fleet.condition_store import conditions
from cloud.fleet.configuration_handlers import ConfigurationAnswers, StateReports
from cloud.fleet.store import BoxRow
from cloud.intake import LaneMessage
from protocol import messages
from tests.cloud.tills import NOON_MS, SHARD, STORE, TENANT, Till

if TYPE_CHECKING:
    from tests.cloud.estate import Estate

BOX = BoxRow(TENANT, STORE, "till-1", 1, SHARD, "serving", "", "ab", 0, 0)


def reading(**changed: Any) -> Reading:
    told: dict[str, Any] = {"is_online": True, "heard_ms": 0, "unsent": 0, "oldest_unsent_ms": 0}
    return Reading(**{**told, **changed})


def state_of(till: Till, **changed: Any) -> bytes:
    told = {
        "v": 1,
        "online": True,
        "generation": till.generation.hex(),
        "last_seq": len(till.frames),
        "synced_through": len(till.frames),
        "oldest_unsent_ms": 0,
        "devices": {"scanner": "ready", "printer": "degraded"},
        "config_version": 0,
        "software": "tillbox 0.1.0",
        "clock_ms": NOON_MS,
        "unknown_open": 0,
    }
    return messages.encode_state({**told, **changed})


async def say(estate: Estate, till: Till, payload: bytes, at_ms: int) -> None:
    """Let the cloud hear a state of a box at this instant."""
    box = await estate.directory.find(TENANT, till.box)
    assert box is not None
    async with estate.database.transaction() as tx:
        await StateReports().take(tx, [LaneMessage(box, "state", payload)], at_ms)


async def push(estate: Estate, till: Till, version: int) -> None:
    row = (TENANT, till.box, version, SHARD, "all", "d" * 64, b"x", "sent", "", NOON_MS, NOON_MS + 9, 0)
    async with estate.database.transaction() as tx:
        await configuration_store.add(tx, [row], "superseded", NOON_MS)


@pytest.mark.parametrize(
    ("span_ms", "words"),
    [(0, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (3_600_000, "1 h"), (172_800_000, "2 d")],
)
def test_a_span_is_told_in_its_largest_unit(span_ms: int, words: str) -> None:
    assert span_words(span_ms) == words


@pytest.mark.parametrize(
    ("told", "age_ms", "words"),
    [
        (None, 0, "never heard"),
        (reading(), 5_000, "online, heard 5 s ago; 0 unsent"),
        (reading(), STALE_MS - 1, "online, heard 1 min ago; 0 unsent"),
        (reading(), STALE_MS, "STALE, last heard 1 min ago; 0 unsent"),
        (reading(is_online=False), 7_200_000, "away for 2 h; 0 unsent"),
        (reading(heard_ms=9), 0, "online, heard 0 s ago; 0 unsent"),
        (
            reading(unsent=12, oldest_unsent_ms=180_000),
            0,
            "online, heard 0 s ago; 12 unsent, the oldest for 3 min",
        ),
        (
            reading(devices={"scanner": "ready", "printer": "absent"}, unknown_open=1),
            0,
            "online, heard 0 s ago; 0 unsent; printer absent; 1 unknown payments",
        ),
    ],
)
def test_a_reading_is_told_with_its_age(told: Reading | None, age_ms: int, words: str) -> None:
    assert reading_words(told, age_ms) == words


@pytest.mark.parametrize(
    ("configured", "words"),
    [
        (Configured(), "configuration none"),
        (Configured(applied=4), "configuration 4"),
        (Configured(4, "sent", applied=3), "configuration 4 sent, runs 3"),
        (Configured(4, "applied", applied=4), "configuration 4 applied, runs 4"),
        (Configured(4, "refused", "expired"), "configuration 4 refused: expired, runs none"),
    ],
)
def test_a_configuration_is_told_with_the_last_answer(configured: Configured, words: str) -> None:
    assert configured_words(configured) == words


def test_a_machine_reads_age_and_staleness() -> None:
    told = Condition(BOX, Configured(), reading()).as_json(STALE_MS)

    assert (told["box"], told["configuration"]["desired"]) == ("till-1", 0)
    assert (told["reading"]["age_ms"], told["reading"]["is_stale"]) == (STALE_MS, True)


async def test_a_box_that_was_never_heard_has_no_reading(estate: Estate) -> None:
    await estate.enrol()

    (found,) = await conditions(estate.database)

    assert found.reading is None
    assert found.configured == Configured()
    assert found.as_json(NOON_MS)["reading"] is None


async def test_what_a_box_said_is_set_against_what_the_cloud_holds(estate: Estate) -> None:
    till = await estate.enrol()
    till.cash_sale()
    await estate.hear(till, "evt", till.batch(1, 4))

    await say(estate, till, state_of(till, oldest_unsent_ms=4_000), NOON_MS)
    (found,) = await conditions(estate.database, TENANT, STORE)

    assert found.reading is not None
    assert (found.reading.unsent, found.reading.oldest_unsent_ms) == (3, 4_000)
    assert found.line(NOON_MS + 2_000).split("\t") == [
        "acme/north/till-1",
        "1",
        "serving",
        "configuration none",
        "online, heard 2 s ago; 3 unsent, the oldest for 4 s; printer degraded",
    ]


async def test_what_the_box_said_that_had_the_name_before_is_not_told_of_the_new_one(estate: Estate) -> None:
    till = await estate.enrol()
    await say(estate, till, state_of(till, config_version=6), NOON_MS)
    async with estate.database.transaction() as tx:
        await tx.execute("UPDATE box SET enrolled_ms = $1", NOON_MS + 1)

    (found,) = await conditions(estate.database)

    assert found.reading is None
    assert found.configured.applied == 0


async def test_the_last_will_leaves_the_last_words_and_says_that_the_box_is_away(estate: Estate) -> None:
    till = await estate.enrol()
    await say(estate, till, state_of(till), NOON_MS)

    await say(estate, till, messages.offline_state(), NOON_MS + 60_000)
    (found,) = await conditions(estate.database)

    assert reading_words(found.reading, NOON_MS + 120_000).startswith("away for 1 min; ")
    assert ("device printer", "degraded") in found.rows(NOON_MS)


async def test_desired_and_applied_versions_are_told_with_the_answer(estate: Estate) -> None:
    till = await estate.enrol()
    await push(estate, till, 7)
    await say(estate, till, state_of(till, config_version=6), NOON_MS)
    answer = {"v": 1, "version": 7, "outcome": "refused", "reason": "configuration-expired", "hash": "d" * 64}
    box = await estate.directory.find(TENANT, till.box)
    assert box is not None

    async with estate.database.transaction() as tx:
        heard = LaneMessage(box, "cfg", messages.encode_config_answer(answer))
        await ConfigurationAnswers().take(tx, [heard], NOON_MS + 5)
    (found,) = await conditions(estate.database, TENANT)

    assert found.configured == Configured(7, "refused", "configuration-expired", "all", NOON_MS + 5, 6)


async def test_boxes_of_other_tenants_and_stores_are_left_out(estate: Estate) -> None:
    await estate.enrol()
    await estate.enrol(Till(box="till-2", number=2))

    assert len(await conditions(estate.database)) == 2
    assert await conditions(estate.database, "other") == []
    assert await conditions(estate.database, TENANT, "south") == []
