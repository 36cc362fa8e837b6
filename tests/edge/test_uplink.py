"""The box's lanes over a link in memory: requests that cannot be sent, a journal that does not read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from edge.events import LinkChanged, PaymentAnswered, SellingBlocked, SellingUnblocked
from edge.flows.outcome import REVERSALS_AT_ONCE
from edge.journal.bounds import Bounds
from edge.uplink.identity import Identity
from edge.uplink.live_lane import REQUESTS_MAX
from edge.uplink.uplink import HEARTBEAT_MS, BoxUplink
from edge.watch import selling_changes
from protocol import messages
from protocol.errors import DeviceError
from protocol.seal import seal
from tests.builders import NOON_MS
from tests.edge.disk import MemoryDisk
from tests.edge.journal_builders import open_journal, write

DOWN_KEY = bytes(range(32))
STATE = {
    "v": 1,
    "online": True,
    "generation": "00" * 8,
    "last_seq": 1,
    "synced_through": 1,
    "oldest_unsent_ms": 0,
    "devices": {},
    "config_version": 0,
    "software": "tillbox",
    "clock_ms": NOON_MS,
    "unknown_open": 0,
}
FRAME = b"the frame of an intention"


@dataclass
class Line:
    """A link that is up and keeps what was published."""

    is_up: bool = True
    lanes: list[str] = field(default_factory=list)

    def publish(self, topic, payload, *, retain=False):
        del payload, retain
        self.lanes.append(topic.rsplit("/", 1)[1])


class Hands:
    """Both clocks, moved by hand."""

    ms = 1_000

    def utc_ms(self):
        return NOON_MS + self.ms

    def monotonic_ms(self):
        return self.ms

    async def sleep_ms(self, delay_ms):
        self.ms += delay_ms


class Box:
    """An uplink over a real journal on a disk in memory, and what it told the flows."""

    def __init__(self, **bounds):
        self.disk, self.line, self.hands = MemoryDisk(), Line(), Hands()
        self.told: list[Any] = []
        self.journal = open_journal(self.disk, "/j", Bounds(reserve_bytes=4096, **bounds))
        keys = {"up_key": bytes(32), "down_key": DOWN_KEY}
        self.uplink = BoxUplink(
            identity=Identity(shard="00", tenant="acme", store="north", box="till-1", **keys),
            journal=self.journal,
            clock=self.hands,
            post=self.told.append,
            state=lambda: dict(STATE),
        )
        self.uplink.attach(self.line)  # type: ignore[arg-type]

    def hear_receipt(self, through=0, **changes):
        chain = self.journal.chain_at(self.journal.generation, through) if through else bytes(32)
        assert chain is not None
        receipt = {
            "v": 1,
            "generation": self.journal.generation,
            "through": through,
            "chain": chain.hex(),
            "epoch": 1,
            "status": "ok",
            "resend_from": 0,
            "cloud_time_ms": NOON_MS,
            **changes,
        }
        topic = "tb1/00/acme/north/till-1/down/receipt"
        self.uplink.received("receipt", seal(DOWN_KEY, topic, messages.encode_receipt(receipt)))

    def pass_ms(self, ms):
        self.hands.ms += ms
        self.uplink.tick()


def test_a_request_without_the_frame_it_needs_ends_as_unknown_and_stops_nothing():
    box = Box()
    box.hear_receipt()

    box.uplink.ask("reverse", 1, 2, b"", "", 4_000)
    box.pass_ms(1_500)
    box.pass_ms(5_000)

    assert box.told == [
        LinkChanged(is_up=True),
        PaymentAnswered("reverse", 2, "unknown", {"reason": "no-answer"}),
    ]
    assert "req" not in box.line.lanes


def test_a_request_without_its_frame_is_not_kept_for_the_link_to_stumble_over():
    box = Box()

    box.uplink.ask("reverse", 1, 2, b"", "", 4_000)
    box.hear_receipt()

    assert "req" not in box.line.lanes


def test_requests_beyond_the_bound_end_as_unknown_and_the_others_go_on():
    box = Box()
    box.hear_receipt()

    for attempt in range(1, REQUESTS_MAX + 2):
        box.uplink.ask("reverse", 1, attempt, FRAME, "", 4_000)

    assert box.told[1:] == [PaymentAnswered("reverse", REQUESTS_MAX + 1, "unknown", {"reason": "no-answer"})]
    assert box.line.lanes.count("req") == REQUESTS_MAX
    box.pass_ms(1_500)
    assert box.line.lanes.count("req") == 2 * REQUESTS_MAX


def test_reversals_leave_room_for_a_payment_in_the_live_lane():
    assert 2 * REVERSALS_AT_ONCE <= REQUESTS_MAX


def test_a_journal_that_does_not_read_back_ends_the_box_and_not_only_the_link():
    box = Box(recent_bytes_max=1)
    write(box.journal, *range(20))
    name = next(name for name in box.disk.entries if name.endswith(".tbj"))
    box.disk.entries[name].data[200:210] = b"\xff" * 10
    box.uplink.link_changed(is_up=True)

    box.uplink.synced()
    box.hear_receipt()

    with pytest.raises(DeviceError, match="journal-damaged"):
        box.pass_ms(100)


def test_a_hello_may_tell_of_records_that_still_wait_for_company():
    box = Box()
    write(box.journal, 1)  # durable, and nobody called `synced` yet: the cloud hears of it by the hello alone
    box.uplink.link_changed(is_up=True)

    box.hear_receipt(box.journal.last_seq)

    assert box.told == [LinkChanged(is_up=True)]


def test_a_restored_cloud_that_wants_pruned_records_gets_those_that_are_left():
    box = Box(segment_bytes=512, keep_ms=0)
    write(box.journal, *range(12))
    box.uplink.link_changed(is_up=True)
    box.uplink.synced()
    box.hear_receipt(box.journal.last_seq)
    oldest = box.journal.spans()[-1].oldest_seq
    assert oldest > 1
    before = box.line.lanes.count("evt")

    box.hear_receipt(epoch=2, status="resend", resend_from=1)

    assert box.line.lanes.count("evt") == before + 1  # what is gone is told first
    box.hear_receipt(oldest - 1, epoch=2, status="resend", resend_from=oldest)
    assert box.line.lanes.count("evt") > before + 1
    assert box.uplink.unsent == box.journal.last_seq - oldest + 1


def test_only_a_box_that_hears_nothing_asks_whether_the_cloud_lives():
    box = Box()
    box.uplink.link_changed(is_up=True)
    box.hear_receipt(box.journal.last_seq)
    box.line.lanes.clear()

    for _ in range(4):
        box.pass_ms(HEARTBEAT_MS - 100)
        box.hear_receipt(box.journal.last_seq)

    assert "evt" not in box.line.lanes
    box.pass_ms(HEARTBEAT_MS)
    assert box.line.lanes.count("evt") == 1


@pytest.mark.parametrize(
    ("blocked", "refusal", "changes"),
    [
        (set(), "", []),
        (set(), "disk-full", [SellingBlocked("disk-full")]),
        ({"disk-full"}, "disk-full", []),
        ({"disk-full", "attendant"}, "", [SellingUnblocked("disk-full")]),
        ({"journal-not-durable"}, "", [SellingUnblocked("journal-not-durable")]),
        (
            {"journal-not-durable"},
            "journal-failed",
            [SellingUnblocked("journal-not-durable"), SellingBlocked("journal-failed")],
        ),
        ({"box-quarantined", "attendant"}, "", []),
    ],
)
def test_reasons_of_the_journal_end_with_its_trouble_and_others_stay(blocked, refusal, changes):
    assert selling_changes(frozenset(blocked), refusal) == changes
