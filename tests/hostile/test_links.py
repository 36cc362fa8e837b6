"""Rows 55, 73 to 75: what the broker, or whoever stands in it, says to a box. Its real uplink over its real journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.events import LinkChanged, PaymentAnswered, SellingBlocked
from edge.uplink.identity import Identity
from edge.uplink.uplink import TICK_MS, BoxUplink
from protocol import messages
from protocol.errors import PeerError
from protocol.seal import seal
from protocol.strict_json import dumps
from protocol.topics import build
from tests.builders import NOON_MS
from tests.cloud.tills import SHARD, STORE
from tests.hostile.small_box import SmallBox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UP, DOWN = b"\x01" * 32, b"\x02" * 32
HOUR_MS = 3_600_000


class Wire:
    """The link of a box, as the broker sees it."""

    def __init__(self) -> None:
        self.is_up = True
        self.sent: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        del payload, retain
        self.sent.append(topic.rsplit("/", 1)[1])


class Linked:
    """A box with ten records, its uplink, and a voice that can say anything to it."""

    def __init__(self, directory: Path) -> None:
        self.box = SmallBox(directory)
        self.journal = self.box.journal
        for number in range(9):
            fields = {"v": 1, "t": "device_changed", "at": NOON_MS, "boot": "00000001", "device": "scale"}
            self.journal.append(dumps({**fields, "state": "ready", "reason": f"n{number}"}))
        self.journal.sync()
        self.events: list[Any] = []
        self.epochs: list[int] = []
        self.wire = Wire()
        self.uplink = BoxUplink(
            identity=Identity(
                shard=SHARD, tenant="acme", store=STORE, box="till-1", up_key=UP, down_key=DOWN
            ),
            journal=self.journal,
            clock=self.box.clock,
            post=self.events.append,
            state=self.state,
            epoch=5,
            save_epoch=self.epochs.append,
        )
        self.uplink.attach(self.wire)  # type: ignore[arg-type]  # the sending half of a link is all that is used
        self.generation = self.journal.spans()[-1].generation

    def state(self) -> dict[str, Any]:
        return {
            "v": 1, "online": True, "generation": self.generation, "last_seq": 10, "synced_through": 10,
            "oldest_unsent_ms": 0, "devices": {}, "config_version": 0, "software": "t", "clock_ms": 0,
            "unknown_open": 0,
        }  # fmt: skip

    def receipt(self, **changed: Any) -> bytes:
        through = changed.get("through", 10)
        chain = (self.journal.chain_at(self.generation, through) or bytes(32)).hex()
        fields = {
            "v": 1, "generation": self.generation, "through": through, "chain": chain, "epoch": 5, "status": "ok",
            "resend_from": 0, "cloud_time_ms": NOON_MS,
        }  # fmt: skip
        return messages.encode_receipt({**fields, **changed})

    def response(self, attempt: int, **changed: Any) -> bytes:
        fields = {
            "v": 1, "kind": "pay", "payment": "7", "attempt": str(attempt), "order": "8", "outcome": "approved",
            "amount_minor": 249, "approval_code": "A1", "rrn": "", "response_code": "00", "reason": "", "masked": "",
            "brand": "", "token": "", "cloud_time_ms": NOON_MS,
        }  # fmt: skip
        return messages.encode_response({**fields, **changed})

    def say(self, lane: str, payload: bytes, *, key: bytes = DOWN, sealed_as: str = "") -> None:
        """Deliver a payload on a lane; PeerError when the box refuses it."""
        self.uplink.received(lane, seal(key, sealed_as or topic(lane), payload))

    @property
    def confirmed(self) -> int:
        return self.journal.spans()[-1].receipted_through

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [
            (e.outcome, str(e.answer.get("reason"))) for e in self.events if isinstance(e, PaymentAnswered)
        ]

    def blocked(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, SellingBlocked)]


def topic(lane: str, box: str = "till-1", direction: str = "down", tenant: str = "acme") -> str:
    return build(SHARD, tenant, STORE, box, direction, lane)


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Linked]:
    made = Linked(tmp_path)
    yield made
    made.journal.close()


@pytest.mark.parametrize(
    ("lane", "sealed_as", "key"),
    [
        ("receipt", topic("receipt", box="till-2"), DOWN),
        ("receipt", topic("receipt", tenant="rival"), DOWN),
        ("receipt", topic("res"), DOWN),
        ("res", topic("receipt"), DOWN),
        ("receipt", topic("evt", direction="up"), DOWN),
        ("receipt", topic("receipt"), UP),
        ("receipt", topic("receipt"), bytes(32)),
        ("cfg", topic("receipt"), DOWN),
    ],
)
def test_row_75_a_genuine_message_of_another_box_lane_direction_or_key_is_refused(
    linked: Linked, lane, sealed_as, key
) -> None:
    with pytest.raises(PeerError, match="seal-wrong"):
        linked.say(lane, linked.receipt(), key=key, sealed_as=sealed_as)

    assert linked.confirmed == 0
    assert linked.events == []


@pytest.mark.parametrize("lane", ["cmd", "receipt", "res"])
def test_row_75_a_well_sealed_message_on_a_lane_that_it_is_not_for_is_refused(linked: Linked, lane) -> None:
    payload = linked.response(9) if lane == "receipt" else linked.receipt()

    with pytest.raises(PeerError):
        linked.say(lane, payload)

    assert linked.confirmed == 0


def test_row_73_a_receipt_for_records_that_we_do_not_have_prunes_nothing_and_stops_selling(
    linked: Linked,
) -> None:
    linked.say("receipt", linked.receipt(through=11, chain="ab" * 32))

    assert linked.confirmed == 0
    assert linked.blocked() == ["box-quarantined"]
    assert [stored.seq for stored in linked.journal.records()] == list(range(1, 11))


def test_row_73_a_receipt_with_another_chain_prunes_nothing_and_stops_selling(linked: Linked) -> None:
    linked.say("receipt", linked.receipt(through=4, chain="ab" * 32))

    assert linked.confirmed == 0
    assert linked.blocked() == ["box-quarantined"]


def test_row_73_a_receipt_of_another_generation_or_older_epoch_changes_nothing(linked: Linked) -> None:
    linked.say("receipt", linked.receipt(generation="ff" * 8))
    linked.say("receipt", linked.receipt(epoch=4))

    assert linked.confirmed == 0
    assert linked.blocked() == []
    assert linked.epochs == []


def test_row_73_a_cloud_restored_from_yesterday_is_told_everything_again_and_its_old_receipts_count_no_more(
    linked: Linked,
) -> None:
    linked.say("receipt", linked.receipt())
    before = (linked.confirmed, linked.uplink.unsent)

    linked.say("receipt", linked.receipt(epoch=6, through=3))
    after = (linked.epochs, linked.uplink.unsent)
    linked.say("receipt", linked.receipt())  # the lost cloud's last word, held back by a broker

    assert before == (10, 0)
    assert after == ([6], 7)
    assert linked.uplink.unsent == 7
    assert [stored.seq for stored in linked.journal.records()] == list(range(1, 11))


@pytest.mark.parametrize("times", [1, 100])
def test_row_74_an_approval_without_a_request_or_after_its_answer_is_not_heard(linked: Linked, times) -> None:
    linked.uplink.ask("pay", 7, 9, b"frame", "", 30_000)
    linked.say("res", linked.response(9, outcome="declined", amount_minor=0))

    for _ in range(times):
        linked.say("res", linked.response(9))
        linked.say("res", linked.response(10))
        linked.say("res", linked.response(9, kind="query"))

    assert linked.answers == [("declined", "")]


@pytest.mark.parametrize("key", [UP, bytes(32), b"\xff" * 32])
def test_row_74_an_approval_forged_without_the_key_is_refused_and_the_answer_still_comes(
    linked: Linked, key
) -> None:
    linked.uplink.ask("pay", 7, 9, b"frame", "", 30_000)

    with pytest.raises(PeerError, match="seal-wrong"):
        linked.say("res", linked.response(9), key=key)
    linked.say("res", linked.response(9, outcome="declined", amount_minor=0))

    assert linked.answers == [("declined", "")]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[" * 65_536,
        b"x" * 300_000,
        b'{"v":1}',
        b"\xff" * 64,
        b'{"v":1,"v":1}',
        b'{"v":1,"amount_minor":1e9}',
    ],
)
@pytest.mark.parametrize("lane", ["receipt", "res"])
def test_row_74_words_that_are_no_message_are_refused_by_name(linked: Linked, lane, payload) -> None:
    with pytest.raises(PeerError):
        linked.say(lane, payload)

    assert linked.events == []


def test_row_73_time_that_the_cloud_tells_never_goes_back(linked: Linked) -> None:
    linked.say("receipt", linked.receipt(cloud_time_ms=NOON_MS))
    linked.say("receipt", linked.receipt(cloud_time_ms=NOON_MS - HOUR_MS))

    assert linked.uplink.cloud_time_ms == NOON_MS


def test_row_55_an_hour_behind_a_dead_cloud_costs_a_bounded_number_of_messages(linked: Linked, tried) -> None:
    clock = linked.box.clock
    linked.uplink.link_changed(is_up=True)
    linked.say("receipt", linked.receipt(through=0, chain="00" * 32))
    linked.wire.sent.clear()
    for attempt in range(1, 17):
        linked.uplink.ask("reverse", 7, attempt, b"frame", "", HOUR_MS)

    for _ in range(HOUR_MS // TICK_MS):
        clock.monotonic += TICK_MS
        linked.uplink.tick()

    count = {lane: linked.wire.sent.count(lane) for lane in ("evt", "req", "state")}
    assert LinkChanged(is_up=False) in linked.events
    # A greeting every 5 s and one more for each resend; live requests stop when the cloud counts as away.
    assert count["evt"] <= 720 + 130
    assert count["req"] <= 16 * 6
    assert count["state"] <= 121
    tried(sum(count.values()))
