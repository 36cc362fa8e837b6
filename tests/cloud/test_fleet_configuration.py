"""The fleet numbers, signs and publishes what boxes should be, and books what they answer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.fleet import configuration_store as store
from cloud.fleet.configuration import Push, Pushed, choose_boxes, push
from cloud.fleet.configuration_handlers import ConfigurationAnswers, StateReports
from cloud.fleet.configuration_publisher import ConfigurationPublisher
from cloud.fleet.configuration_rules import FIRST_DELAY_MS, OVERDUE_MS, next_delay_ms, next_state
from cloud.intake import LaneMessage
from cloud.intake_boxes import BoxTable
from protocol.configuration import decode_document, signed_part, unpack
from protocol.errors import CallerError
from protocol.messages import encode_config_answer, encode_state, offline_state
from protocol.seal import open_sealed
from tests.cloud.estate import HandClock
from tests.cloud.tills import NOON_MS, SHARD, STORE, TENANT

if TYPE_CHECKING:
    from cloud.database import Database

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HOUR_MS = 3_600_000


class Broker:
    """What is retained for boxes, and how often it was said."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.count = 0

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert retain
        self.retained[topic] = payload
        self.count += 1


class Fleet:
    """A fleet's side of the configuration lane, without the boxes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock, self.broker, self.directory = HandClock(), Broker(), BoxTable(database)
        self.publisher = ConfigurationPublisher(
            database=database, outbound=self.broker, directory=self.directory, clock=self.clock
        )

    async def enrol(self, box: str, number: int = 1, shop: str = STORE) -> None:
        keys = (hashlib.sha256(b"up" + box.encode()).digest(), self.down_key(box))
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO box VALUES ($1,$2,$3,$4,$5,'serving','','',$6,$7,$8,$8)",
                TENANT, box, shop, SHARD, number, *keys, self.clock.ms,
            )  # fmt: skip

    @staticmethod
    def down_key(box: str, turn: int = 1) -> bytes:
        return hashlib.sha256(b"down%d" % turn + box.encode()).digest()

    async def push(
        self, *boxes: str, group: str = "", above: int = 0, settings: dict[str, Any] | None = None
    ) -> list[Pushed]:
        chosen = await choose_boxes(self.database, TENANT, boxes, group)
        now = self.clock.ms
        return await push(
            self.database, KEY, Push(TENANT, group, settings or {}, now, now + HOUR_MS, above), chosen
        )

    def told(self, box: str, turn: int = 1, shop: str = STORE) -> dict[str, Any]:
        """The document that a box gets when it subscribes, its signature checked."""
        topic = f"tb1/{SHARD}/{TENANT}/{shop}/{box}/down/cfg"
        payload = open_sealed(self.down_key(box, turn), topic, self.broker.retained[topic])
        signature, document = unpack(payload)
        KEY.public_key().verify(signature, signed_part(document))
        return decode_document(document)

    async def hear(self, box: str, lane: str, payload: bytes) -> None:
        found = await self.directory.find(TENANT, box)
        assert found is not None
        handler = ConfigurationAnswers() if lane == "cfg" else StateReports()
        async with self.database.transaction() as tx:
            await handler.take(tx, [LaneMessage(found, lane, payload)] * 2, self.clock.ms)

    async def answer(self, pushed: Pushed, outcome: str, reason: str = "", **changed: Any) -> None:
        fields = {
            "v": 1,
            "version": pushed.version,
            "outcome": outcome,
            "reason": reason,
            "hash": pushed.digest,
        }
        await self.hear(pushed.box, "cfg", encode_config_answer({**fields, **changed}))

    async def standing(self, box: str) -> tuple[int, str, str]:
        rows = await store.standings(self.database, TENANT)
        return next((row.desired, row.state, row.reason) for row in rows if row.box == box)

    async def alarms(self) -> list[tuple[str, str, bool]]:
        rows = await self.database.fetch("SELECT kind, detail, settled_ms FROM alarm ORDER BY kind")
        return [(kind, detail, settled_ms > 0) for kind, detail, settled_ms in rows]


@pytest.fixture
async def fleet(database: Database) -> Fleet:
    made = Fleet(database)
    await made.enrol("till-1")
    return made


def state_of(version: int) -> bytes:
    told = {"online": True, "generation": "00" * 8, "last_seq": 1, "synced_through": 1, "oldest_unsent_ms": 0}
    more = {"devices": {}, "config_version": version, "software": "1", "clock_ms": NOON_MS, "unknown_open": 0}
    return encode_state({"v": 1, **told, **more})


async def test_a_push_is_published_retained_sealed_and_signed(fleet):
    await fleet.push("till-1", settings={"store_name": "North"})

    await fleet.publisher.look()

    assert fleet.told("till-1") == {
        "v": 1,
        "tenant": TENANT,
        "box": "till-1",
        "group": "",
        "version": 1,
        "issued_ms": NOON_MS,
        "expires_ms": NOON_MS + HOUR_MS,
        "settings": {"store_name": "North"},
    }


async def test_numbers_rise_by_box(fleet):
    await fleet.enrol("till-2", 2)

    first = await fleet.push("till-1")
    fleet.clock.ms += 1
    second = await fleet.push("till-1", "till-2")

    assert [(entry.box, entry.version) for entry in first + second] == [
        ("till-1", 1),
        ("till-1", 2),
        ("till-2", 1),
    ]


async def test_a_number_is_above_what_the_box_reports_and_what_a_person_says(fleet):
    await fleet.hear("till-1", "state", state_of(41))

    (restored,) = await fleet.push("till-1")
    fleet.clock.ms += 1
    (leapt,) = await fleet.push("till-1", above=99)

    assert restored.version == 42
    assert leapt.version == 100


async def test_a_group_is_its_members_or_a_store_or_all(fleet):
    await fleet.enrol("till-2", 2)
    await fleet.enrol("kiosk", 3, "south")
    async with fleet.database.transaction() as tx:
        await store.change_group(tx, TENANT, "pilot", ["till-2", "kiosk", "kiosk"], ["nobody"])

    chosen = {
        name: [box for box, _ in await choose_boxes(fleet.database, TENANT, (), name)]
        for name in ("pilot", "south", "all")
    }

    assert chosen == {
        "pilot": ["kiosk", "till-2"],
        "south": ["kiosk"],
        "all": ["kiosk", "till-1", "till-2"],
    }


@pytest.mark.parametrize(
    ("boxes", "group", "code"),
    [
        ((), "", "push-without-box"),
        (("till-1",), "all", "push-without-box"),
        (("till-9",), "", "box-unknown"),
        ((), "nowhere", "group-empty"),
    ],
)
async def test_a_push_to_nobody_is_refused(fleet, boxes, group, code):
    with pytest.raises(CallerError) as refused:
        await choose_boxes(fleet.database, TENANT, boxes, group)

    assert refused.value.code == code


async def test_settings_that_are_too_large_are_not_pushed(fleet):
    with pytest.raises(CallerError) as refused:
        await fleet.push("till-1", settings={"store_name": "x" * 70_000})

    assert refused.value.code == "too-large"
    assert await fleet.standing("till-1") == (0, "", "")


async def test_a_group_fans_out_to_one_message_for_each_box(fleet):
    for number in range(2, 301):
        await fleet.enrol(f"till-{number}", number)

    pushed = await fleet.push(group="all")
    looks = [await fleet.publisher.look() for _ in range(6)]

    assert len({entry.digest for entry in pushed}) == 300
    assert looks == [64, 64, 64, 64, 44, 0]
    assert len(fleet.broker.retained) == 300
    assert fleet.told("till-300")["group"] == "all"


@pytest.mark.parametrize("outcome", ["applied", "refused", "reverted"])
async def test_an_answer_is_booked_and_ends_the_publishing(fleet, outcome):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()

    await fleet.answer(pushed, outcome, "" if outcome == "applied" else "why")
    fleet.clock.ms += FIRST_DELAY_MS
    await fleet.publisher.look()

    assert await fleet.standing("till-1") == (1, outcome, "" if outcome == "applied" else "why")
    assert fleet.broker.count == 1


async def test_a_document_is_published_again_until_it_is_answered(fleet):
    await fleet.push("till-1")

    for _ in range(4):
        await fleet.publisher.look()
        fleet.clock.ms += FIRST_DELAY_MS

    assert fleet.broker.count == 3  # at 0, 30 and 90 seconds
    assert next_delay_ms(0) == FIRST_DELAY_MS
    assert next_delay_ms(50) == HOUR_MS


async def test_everything_is_published_once_more_when_the_cloud_starts(fleet):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()
    await fleet.answer(pushed, "applied")
    fleet.broker.retained.clear()

    await fleet.publisher.start()
    await fleet.publisher.look()
    await fleet.publisher.look()

    assert fleet.told("till-1")["version"] == 1
    assert fleet.broker.count == 2
    assert await fleet.standing("till-1") == (1, "applied", "")


async def test_a_box_enrolled_anew_gets_its_document_under_its_new_key(fleet):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()
    await fleet.answer(pushed, "applied")

    fleet.clock.ms += 5_000
    async with fleet.database.transaction() as tx:
        await tx.execute(
            "UPDATE box SET down_key = $1, enrolled_ms = $2, changed_ms = $2",
            fleet.down_key("till-1", 2),
            fleet.clock.ms,
        )
    fleet.directory.forget(TENANT, "till-1")
    looks = [await fleet.publisher.look() for _ in range(2)]

    assert fleet.told("till-1", turn=2)["version"] == 1
    assert looks == [1, 0]


async def test_a_newer_push_supersedes_an_open_one(fleet):
    (first,) = await fleet.push("till-1")
    fleet.clock.ms += 1
    (second,) = await fleet.push("till-1")
    await fleet.publisher.look()

    await fleet.answer(first, "refused", "rollback")
    await fleet.answer(second, "applied")

    states = await fleet.database.fetch("SELECT version, state FROM configuration_document ORDER BY version")
    assert states == [(1, "refused"), (2, "applied")]
    assert fleet.told("till-1")["version"] == 2


async def test_an_open_document_that_lapsed_is_published_no_more(fleet):
    (pushed,) = await fleet.push("till-1")

    fleet.clock.ms += HOUR_MS
    await fleet.publisher.look()
    lapsed = await fleet.standing("till-1")
    await fleet.answer(pushed, "applied")

    assert lapsed == (1, "expired", "no answer before it expired")
    assert fleet.broker.count == 0
    assert await fleet.standing("till-1") == (1, "applied", "")


async def test_the_reason_of_a_revert_outlives_later_refusals(fleet):
    (pushed,) = await fleet.push("till-1")

    await fleet.answer(pushed, "reverted", "link-lost")
    await fleet.answer(pushed, "refused", "refused-before: link-lost")

    assert await fleet.standing("till-1") == (1, "reverted", "link-lost")


async def test_a_box_that_cannot_believe_what_it_got_raises_an_alarm(fleet):
    (pushed,) = await fleet.push("till-1")

    await fleet.answer(pushed, "refused", "signature-wrong", version=0, hash="")
    raised = await fleet.alarms()
    await fleet.answer(pushed, "applied")

    assert raised == [("configuration-refused", "signature-wrong", False)]
    assert await fleet.alarms() == [("configuration-refused", "signature-wrong", True)]


@pytest.mark.parametrize("changed", [{"version": 7}, {"hash": "ab" * 32}])
async def test_an_answer_about_no_document_of_ours_is_set_aside(fleet, changed):
    (pushed,) = await fleet.push("till-1")

    await fleet.answer(pushed, "applied", **changed)
    await fleet.hear("till-1", "cfg", b"{}")
    await fleet.hear("till-1", "state", b"[]")

    codes = await fleet.database.fetch("SELECT code FROM set_aside ORDER BY code")
    assert [code for (code,) in codes] == [
        "configuration-unknown",
        "message-field-missing",
        "message-not-object",
    ]
    assert await fleet.standing("till-1") == (1, "sent", "")


async def test_a_box_that_is_heard_and_kept_from_its_document_raises_an_alarm(fleet):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()

    fleet.clock.ms += OVERDUE_MS - 1
    await fleet.hear("till-1", "state", state_of(0))
    early = await fleet.alarms()
    fleet.clock.ms += 1
    await fleet.hear("till-1", "state", state_of(0))
    late = await fleet.alarms()
    await fleet.answer(pushed, "applied")

    assert early == []
    assert late == [("configuration-overdue", f"version 1 since {NOON_MS}", False)]
    assert (await fleet.alarms())[0][2]


async def test_a_box_that_fell_back_behind_what_it_took_gets_it_again(fleet):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()
    await fleet.answer(pushed, "applied")
    await fleet.hear("till-1", "state", state_of(pushed.version))
    assert await fleet.publisher.look() == 0

    fleet.broker.retained.clear()
    await fleet.hear("till-1", "state", state_of(0))

    assert await fleet.publisher.look() == 1
    assert fleet.told("till-1")["version"] == pushed.version
    assert await fleet.publisher.look() == 0


@pytest.mark.parametrize("outcome", ["refused", "reverted"])
async def test_a_box_that_did_not_want_its_document_is_not_asked_again(fleet, outcome):
    (pushed,) = await fleet.push("till-1")
    await fleet.publisher.look()
    await fleet.answer(pushed, outcome, "health-check")

    await fleet.hear("till-1", "state", state_of(0))

    assert await fleet.publisher.look() == 0


async def test_what_a_box_reports_is_kept_when_it_goes_away(fleet):
    await fleet.hear("till-1", "state", state_of(5))
    await fleet.hear("till-1", "state", offline_state())

    (row,) = await store.standings(fleet.database, TENANT)

    assert (row.reported, row.is_online) == (5, False)


def test_what_cannot_follow_is_an_error():
    with pytest.raises(CallerError) as refused:
        next_state("applied", "lapsed")

    assert refused.value.code == "configuration-state-wrong"
