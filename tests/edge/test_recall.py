"""What a starting box takes from its journal for the requests that it has to repeat."""

from __future__ import annotations

import asyncio

import pytest

from edge.acts import Acts
from edge.effects import AskCloud
from edge.events import PaymentAnswered, TimerFired
from edge.flows import recovery
from edge.journal.bounds import Bounds
from edge.recall import LOOK_BACK_RECORDS, id_maker, recall, recent_records, reversal_frames
from protocol.frame import decode_frame
from protocol.identifiers import IdMaker
from protocol.records import decode_record, encode_record
from tests.builders import Play, idle_box
from tests.edge.disk import MemoryDisk
from tests.edge.journal_builders import open_journal

ORDER, PAYMENT, ATTEMPT = 11, 12, 13
LARGE = Bounds(
    segment_bytes=64_000, quota_bytes=64_000_000
)  # thousands of records, in segments of a few hundred
BEFORE_MS = 1_790_000_000_000


class Asked:
    """An uplink that notes what it is asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int, bytes]] = []

    def ask(self, kind: str, payment: int, attempt: int, frame: bytes, blob: str, budget_ms: int) -> None:
        assert (payment, blob, budget_ms) == (PAYMENT, "", 4_000)
        self.requests.append((kind, attempt, frame))

    def publish_state(self) -> None:
        raise AssertionError("nobody asked for it")

    def synced(self) -> None:
        raise AssertionError("nothing was written")


def reversal(attempt: int) -> bytes:
    fields = {
        "order": str(ORDER),
        "payment": str(PAYMENT),
        "attempt": str(attempt),
        "reason": "outcome-unknown",
    }
    return encode_record(
        {"v": 1, "t": "reversal_intended", "at": 1_790_000_000_000, "boot": "00000001", **fields}
    )


async def ask_to_reverse(acts: Acts) -> None:
    acts.perform(AskCloud("reverse", PAYMENT, ATTEMPT, 4_000), lambda _event: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_reversal_asked_again_after_a_restart_carries_the_bytes_of_the_journal():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal")
    for attempt in (ATTEMPT, ATTEMPT + 1):
        journal.append(reversal(attempt))
    journal.sync()
    journal.close()
    box, uplink = idle_box(), Asked()
    box = type(box)(box.settings, box.shop, reversing=((ORDER, PAYMENT, ATTEMPT),))

    frames = reversal_frames(open_journal(disk, "journal"), box)
    acts = Acts(uplink=uplink)
    for attempt, frame in frames.items():
        acts.remember("reverse", attempt, frame)
    await ask_to_reverse(acts)

    assert list(frames) == [ATTEMPT]
    kind, attempt, frame = uplink.requests[0]
    assert (kind, attempt) == ("reverse", ATTEMPT)
    assert decode_record(decode_frame(frame)[0].body)["attempt"] == str(ATTEMPT)


async def test_a_reversal_without_its_bytes_is_asked_about_and_never_sent_malformed():
    uplink = Asked()

    await ask_to_reverse(Acts(uplink=uplink))

    assert uplink.requests == [("query", ATTEMPT, b"")]


def tender(kind: str, **changed: object) -> bytes:
    """A record of a card tender, its order 11, payment 12, attempt 13."""
    fields: dict[str, object] = {"order": str(ORDER), "payment": str(PAYMENT), "attempt": str(ATTEMPT)}
    if kind == "tender_intended":
        fields |= {"method": "card", "amount_minor": 249, "currency": "EUR", "blob_digest": "ab" * 32}
        fields |= {"masked": "476173******0119", "brand": "visa"}
    if kind == "tender_result":
        fields |= dict.fromkeys(("approval_code", "rrn", "response_code", "reason", "token"), "")
        fields |= {"outcome": "approved", "amount_minor": 249, "tendered_minor": 0, "change_minor": 0}
        fields |= {"masked": "476173******0119", "brand": "visa"}
    return told(kind, **(fields | changed))


def told(kind: str, **fields: object) -> bytes:
    return encode_record({"v": 1, "t": kind, "at": 1_790_000_000_000, "boot": "00000001", **fields})


def segments(disk: MemoryDisk) -> list[str]:
    return sorted(name for name in disk.entries if name.endswith(".tbj"))


def opening(order: int) -> bytes:
    versions = dict.fromkeys(("catalogue", "overlay", "promotions", "taxes"), "")
    return told(
        "sale_opened", order=str(order), currency="EUR", engine=1, priced_at=1, language="en", **versions
    )


def completion(order: int) -> bytes:
    paid = {"payment": str(PAYMENT), "attempt": str(ATTEMPT), "method": "card", "amount_minor": 249}
    sums = {"total_minor": 249, "net_minor": 249, "tax_minor": 0, "line_count": 1, "tenders": [paid]}
    row = {"tax_class": "A", "ppm": 0, "net_minor": 249, "tax_minor": 0}
    day = {"currency": "EUR", "business_day": "2026-11-22"}
    return told("sale_completed", order=str(order), tax_rows=[row], **sums, **day)


def restarted(*bodies: bytes, lost: bytes) -> Play:
    """A box that starts over a journal in which one record was damaged on the disk."""
    disk = MemoryDisk()
    journal = open_journal(disk, "journal")
    for body in bodies:
        journal.append(body)
    journal.sync()
    journal.close()
    for file in disk.entries.values():
        place = bytes(file.data).find(lost)
        if place >= 0:
            file.data[place + 20] ^= 1
    salvaged = open_journal(disk, "journal")
    assert salvaged.opened_because == "salvaged"
    play = Play(recall(idle_box(), recent_records(salvaged)))
    play.take(recovery.resume(play.box, play.now()))
    return play


def asked(play: Play) -> list[tuple[str, int]]:
    return [(ask.kind, ask.attempt) for ask in play.told(AskCloud)]


def test_a_card_intention_whose_opening_was_lost_is_asked_about_and_given_back():
    play = restarted(opening(ORDER), tender("tender_intended"), lost=opening(ORDER))

    before = asked(play)
    play.play(TimerFired("patience"))

    assert before == [("query", ATTEMPT)]
    assert asked(play)[-1] == ("reverse", ATTEMPT)
    assert "reversal_intended" in play.record_types()


def test_money_that_came_for_a_sale_whose_opening_was_lost_is_given_back_at_once():
    play = restarted(opening(ORDER), tender("tender_intended"), tender("tender_result"), lost=opening(ORDER))

    assert set(asked(play)) == {("reverse", ATTEMPT)}
    assert play.record_types() == ["reversal_intended", "tender_result", "sale_voided"]
    assert play.box.sale is None


def test_an_approval_that_is_heard_for_a_sale_whose_opening_was_lost_is_given_back():
    play = restarted(opening(ORDER), tender("tender_intended"), lost=opening(ORDER))

    play.play(PaymentAnswered("query", ATTEMPT, "approved", {"amount_minor": 249}))

    assert asked(play)[-1] == ("reverse", ATTEMPT)
    assert "sale_completed" not in play.record_types()


@pytest.mark.parametrize(
    "end", [completion(ORDER), told("sale_voided", order=str(ORDER), reason="x"), opening(99)]
)
def test_a_sale_that_ended_or_was_followed_by_another_asks_nothing_back_though_its_opening_was_lost(
    end: bytes,
):
    bodies = (opening(ORDER), tender("tender_intended"), tender("tender_result"), end)

    play = restarted(*bodies, lost=opening(ORDER))

    assert asked(play) == []
    assert "reversal_intended" not in play.record_types()
    assert play.box.last_sale is None


def test_an_intention_lost_with_its_sales_end_belongs_to_the_newer_sale():
    old, new = opening(99), opening(ORDER)

    play = restarted(old, new, tender("tender_intended"), lost=new)

    assert asked(play) == [("query", ATTEMPT)]
    assert play.box.sale is not None
    assert play.box.sale.order == ORDER


def test_an_id_that_was_lost_with_the_power_is_not_made_again_while_the_clock_stands_behind():
    started = {"t": "box_started"}
    records = [started, {"t": "sale_opened", "order": str(IdMaker(7).make(BEFORE_MS))}]

    lives = []
    for _ in range(3):
        maker = id_maker(7, records)
        lives.append({maker.make(BEFORE_MS - 1_000) for _ in range(1_000)})
        records = [*records, started]

    assert len(set.union(*lives)) == 3_000


def grown(disk: MemoryDisk, sales: int, *, is_confirmed: bool) -> None:
    """A journal of one generation with many sales, whose last record is then damaged."""
    journal = open_journal(disk, "journal", LARGE)
    for _ in range(sales):
        for body in (opening(ORDER), tender("tender_intended"), tender("tender_result"), completion(ORDER)):
            journal.append(body)
        journal.sync()
    if is_confirmed:
        journal.prune(journal.generation, journal.synced_through, journal.synced_chain, 1)
    journal.close()
    last = max(name for name in disk.entries if name.endswith(".tbj"))
    disk.entries[last].data[-30] ^= 1


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_start_keeps_no_more_than_one_sale_can_have_however_much_older_generations_hold(
    is_confirmed,
):
    disk = MemoryDisk()
    grown(disk, 1_000, is_confirmed=is_confirmed)

    after_salvage = open_journal(disk, "journal", LARGE)
    first = recent_records(after_salvage)
    after_salvage.close()
    second = recent_records(open_journal(disk, "journal", LARGE))

    assert after_salvage.opened_because == "salvaged"
    assert len(first) <= LOOK_BACK_RECORDS
    assert len(second) <= LOOK_BACK_RECORDS
    assert LOOK_BACK_RECORDS < 4_000


def test_a_start_reads_no_segment_of_an_older_generation_that_the_cloud_has_confirmed_long_ago(monkeypatch):
    disk = MemoryDisk()
    grown(disk, 2_000, is_confirmed=True)
    journal = open_journal(disk, "journal", LARGE)
    held = [name for name in disk.entries if name.endswith(".tbj")]
    read: list[str] = []
    real = disk.read

    def reading(path: str, offset: int = 0, length: int = -1) -> bytes:
        read.append(path)
        return real(path, offset, length)

    monkeypatch.setattr(disk, "read", reading)
    recent_records(journal)

    assert len(held) > 20
    assert len(set(read)) <= LOOK_BACK_RECORDS * 300 // LARGE.segment_bytes + 3


def test_a_reversal_that_nobody_confirmed_is_remembered_from_far_back_in_an_older_generation():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal", LARGE)
    journal.append(reversal(ATTEMPT))
    journal.sync()
    journal.close()
    grown(disk, 1_000, is_confirmed=False)

    journal = open_journal(disk, "journal", LARGE)
    box = recall(idle_box(), recent_records(journal))

    assert box.reversing == ((ORDER, PAYMENT, ATTEMPT),)
    assert list(reversal_frames(journal, box)) == [ATTEMPT]


def test_a_reversal_is_asked_again_though_a_record_beside_it_that_the_cloud_has_is_damaged():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal")
    journal.append(told("device_changed", device="scanner", state="absent", reason="unplugged"))
    journal.append(reversal(ATTEMPT))
    journal.sync()
    frame = journal.frame(journal.last_seq)
    (first,) = segments(disk)
    while segments(disk) == [first]:
        journal.append(told("device_changed", device="scanner", state="ready", reason=""))
        journal.sync()
    span = journal.spans()[-1]
    journal.prune(span.generation, span.synced_through, span.synced_chain, BEFORE_MS)
    journal.close()
    damaged = disk.entries[first].data
    damaged[damaged.index(b"unplugged")] ^= 1

    journal = open_journal(disk, "journal")
    box = recall(idle_box(), recent_records(journal))

    assert journal.opened_because == ""
    assert reversal_frames(journal, box) == {ATTEMPT: frame}


def test_an_open_sale_is_not_pushed_out_by_records_that_belong_to_no_sale():
    disk = MemoryDisk()
    journal = open_journal(disk, "journal", LARGE)
    journal.append(opening(ORDER))
    for _ in range(LOOK_BACK_RECORDS):
        journal.append(told("device_changed", device="scanner", state="absent", reason="unplugged"))
    journal.sync()

    box = recall(idle_box(), recent_records(journal))

    assert box.sale is not None
    assert box.sale.order == ORDER
