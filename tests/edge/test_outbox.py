"""Which batch goes next: links, receipts, gaps, forks, epochs, several generations, live requests."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge.uplink.live_lane import REPEAT_MS_MAX, REQUESTS_MAX, Key, LiveLane, RequestExpired, SendRequest
from edge.uplink.outbox import (
    RESEND_MS_FIRST,
    RESEND_MS_MAX,
    WINDOW_BATCHES,
    ForgetReceipts,
    Outbox,
    Quarantine,
    Receipt,
    Release,
    SayHello,
    SendBatch,
    TakeReceipt,
)
from protocol.errors import CallerError


def outbox(last_seq: int = 100, confirmed: int = 0) -> Outbox:
    made = Outbox()
    made.held("g1", 1, last_seq, confirmed, since_ms=0)
    return made


def receipt(through: int, **changes: object) -> Receipt:
    facts = {
        "generation": "g1",
        "through": through,
        "epoch": 0,
        "status": "ok",
        "resend_from": 0,
        "is_chain_ours": True,
    }
    return Receipt(**{**facts, **changes})  # type: ignore[arg-type]


def test_the_cloud_is_asked_before_anything_is_sent() -> None:
    box = outbox()

    assert box.linked(0) == [SayHello("g1")]
    assert box.appended(101, 1) == []
    assert box.receipt(receipt(40), 2) == [TakeReceipt("g1", 40), SendBatch("g1", 41)]


def test_nothing_is_sent_without_a_link() -> None:
    box = outbox()

    assert box.appended(101, 0) == []
    assert box.tick(100_000) == []
    assert box.next_tick_ms is None


def test_batches_follow_each_other_up_to_the_window_and_receipts_open_it() -> None:
    box = outbox(last_seq=1000)
    box.linked(0)
    effects = box.receipt(receipt(0), 0)
    sent = []

    while effects:
        (batch,) = effects
        assert isinstance(batch, SendBatch)
        sent.append(batch.from_seq)
        effects = box.sent("g1", batch.from_seq + 9, 0)

    assert sent == list(range(1, 10 * WINDOW_BATCHES, 10))
    assert box.receipt(receipt(10), 5) == [TakeReceipt("g1", 10), SendBatch("g1", 10 * WINDOW_BATCHES + 1)]


def test_a_silent_cloud_is_asked_again_at_growing_intervals_up_to_a_bound() -> None:
    box = outbox()
    box.linked(0)

    asked = [now for now in range(0, 200_000, 500) if box.tick(now)]

    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] == RESEND_MS_FIRST
    assert waits[:4] == [2000, 4000, 8000, 16000]
    assert max(waits) == RESEND_MS_MAX


def test_a_lost_batch_is_found_by_asking_and_sent_again() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(0), 0)
    box.sent("g1", 100, 0)

    assert box.tick(RESEND_MS_FIRST) == [SayHello("g1")]
    assert box.receipt(receipt(30), RESEND_MS_FIRST + 1) == [TakeReceipt("g1", 30), SendBatch("g1", 31)]


def test_a_gap_rewinds_once_though_every_batch_on_the_way_reports_it() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(0), 0)
    for through in (10, 20, 30, 40):
        box.sent("g1", through, 0)

    first = box.receipt(receipt(10, status="gap", resend_from=11), 1)
    again = box.sent("g1", 20, 1)
    repeated = box.receipt(receipt(10, status="gap", resend_from=11), 2)

    assert first == [TakeReceipt("g1", 10), SendBatch("g1", 11)]
    assert again == [SendBatch("g1", 21)]
    assert SendBatch("g1", 11) not in repeated


def test_a_receipt_is_taken_once() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(0), 0)
    box.sent("g1", 100, 0)

    assert box.receipt(receipt(100), 1) == [TakeReceipt("g1", 100)]
    assert box.receipt(receipt(100), 2) == []
    assert box.next_tick_ms is None
    assert box.unsent == 0


def test_a_new_record_goes_out_at_once_when_the_lane_is_idle() -> None:
    box = outbox(last_seq=100, confirmed=100)
    box.linked(0)
    box.receipt(receipt(100), 0)

    assert box.appended(101, 10) == [SendBatch("g1", 101)]


def test_older_epochs_are_ignored() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(50, epoch=3), 0)

    assert box.receipt(receipt(90, epoch=2), 1) == []
    assert box.unsent == 50


def test_a_restored_cloud_gets_again_what_the_box_still_holds() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(0), 0)
    box.sent("g1", 100, 0)
    box.receipt(receipt(100), 0)
    box.pruned("g1", 21, 0)

    effects = box.receipt(receipt(10, epoch=1, status="resend", resend_from=11), 5)

    assert effects == [ForgetReceipts(1), TakeReceipt("g1", 10), SayHello("g1", tells_gone=True)]
    assert box.unsent == 80
    told = receipt(20, epoch=1, status="resend", resend_from=21)
    assert box.receipt(told, 6) == [TakeReceipt("g1", 20), SendBatch("g1", 21)]


def test_what_was_pruned_without_a_word_is_told_to_a_restored_cloud_that_asks_for_it() -> None:
    box = outbox(confirmed=100)
    box.linked(0)
    assert box.receipt(receipt(0, epoch=1, status="resend", resend_from=1), 5)[-1] == SendBatch("g1", 1)

    assert box.pruned("g1", 41, 6) == [SayHello("g1", tells_gone=True)]

    assert box.unsent == 60
    told = receipt(40, epoch=1, status="resend", resend_from=41)
    assert box.receipt(told, 7)[-1] == SendBatch("g1", 41)
    assert box.sent("g1", 100, 6) == []


def test_a_cloud_that_does_not_go_on_behind_a_hole_is_told_again_at_the_pace_of_resends() -> None:
    box = outbox(confirmed=100)
    box.held("g1", 41, 100, 100, since_ms=0)
    box.linked(0)
    stubborn = receipt(0, epoch=1, status="resend", resend_from=1)
    assert box.receipt(stubborn, 5)[-1] == SayHello("g1", tells_gone=True)

    assert SayHello("g1", tells_gone=True) not in box.receipt(stubborn, 6)
    box.tick(6 + RESEND_MS_MAX)

    assert box.receipt(stubborn, 7 + RESEND_MS_MAX)[-1] == SayHello("g1", tells_gone=True)


def test_a_generation_that_is_wholly_gone_keeps_nothing_back() -> None:
    box = outbox(confirmed=100)
    box.held("g2", 1, 30, 30, 0)
    box.linked(0)
    box.receipt(receipt(0, epoch=1, status="resend", resend_from=1), 5)

    effects = box.pruned("g1", None, 6)

    assert box.unsent == 30
    assert effects in ([SayHello("g2")], [SendBatch("g2", 1)], [])
    assert box.tick(6 + RESEND_MS_MAX) == [SayHello("g2")]


@pytest.mark.parametrize(
    ("changes", "through", "reason"),
    [
        ({"status": "fork"}, 10, "journal-forked"),
        ({"is_chain_ours": False}, 10, "journal-forked"),
        ({}, 101, "journal-older-than-cloud"),
    ],
)
def test_another_history_in_the_cloud_stops_selling_and_is_asked_about_slowly(
    changes: dict[str, object], through: int, reason: str
) -> None:
    box = outbox()
    box.linked(0)

    assert box.receipt(receipt(through, **changes), 0) == [Quarantine(reason)]
    assert box.receipt(receipt(through, **changes), 1) == []
    assert box.quarantine == reason
    assert box.tick(1 + RESEND_MS_MAX) == [SayHello("g1")]


def test_a_cloud_that_agrees_again_ends_the_quarantine() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(10, status="fork"), 0)

    effects = box.receipt(receipt(40), RESEND_MS_MAX)

    assert Release() in effects
    assert effects[-1] == SendBatch("g1", 41)
    assert box.quarantine == ""


def test_a_receipt_of_another_generation_does_not_end_the_quarantine() -> None:
    box = outbox(last_seq=10)
    box.held("g2", 1, 5, 0, since_ms=0)
    box.linked(0)
    box.receipt(receipt(4, status="fork"), 1)

    effects = box.receipt(receipt(5, generation="g2"), 2)

    assert Release() not in effects
    assert box.quarantine == "journal-forked"


@pytest.mark.parametrize("through", [0, 39, 40])
def test_a_receipt_from_before_the_fork_ends_no_quarantine_and_sending_goes_on(through: int) -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(40, status="fork"), 0)

    effects = box.receipt(receipt(through), 1)

    assert Release() not in effects
    assert box.quarantine == "journal-forked"
    assert effects[-1] == SendBatch("g1", through + 1)
    assert Release() in box.receipt(receipt(41), 2)


def test_a_restored_cloud_that_agrees_ends_the_quarantine_at_any_place() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(40, status="fork"), 0)

    effects = box.receipt(receipt(10, epoch=1), 1)

    assert Release() in effects


def test_what_cannot_be_compared_ends_no_quarantine() -> None:
    box = outbox(last_seq=10)
    box.held("g2", 1, 5, 0, since_ms=0)
    box.linked(0)
    box.receipt(receipt(4, status="fork"), 1)

    effects = box.receipt(
        receipt(80), 2
    )  # beyond the end of an ended generation: no chain of ours to compare

    assert Release() not in effects


def test_older_generations_go_first_and_a_forked_one_does_not_hold_up_the_next() -> None:
    box = outbox(last_seq=10)
    box.held("g2", 1, 5, 0, since_ms=0)

    assert box.linked(0) == [SayHello("g1")]
    assert box.receipt(receipt(4, status="fork"), 1) == [Quarantine("journal-forked"), SayHello("g2")]
    assert box.receipt(receipt(0, generation="g2"), 2) == [SendBatch("g2", 1)]
    box.sent("g2", 5, 2)
    assert box.receipt(receipt(5, generation="g2"), 3)[0] == TakeReceipt("g2", 5)


def test_an_ended_generation_that_is_longer_in_the_cloud_is_no_fork_and_is_done() -> None:
    box = outbox(last_seq=10)
    box.held("g2", 1, 5, 0, since_ms=0)
    box.linked(0)

    assert box.receipt(receipt(80), 1) == [TakeReceipt("g1", 80), SayHello("g2")]
    assert (box.quarantine, box.unsent) == ("", 5)


def test_when_an_old_generation_is_done_the_next_is_asked_about() -> None:
    box = outbox(last_seq=10)
    box.held("g2", 1, 5, 0, since_ms=0)
    box.linked(0)

    assert box.receipt(receipt(10), 1) == [TakeReceipt("g1", 10), SayHello("g2")]


def test_what_was_on_the_way_when_the_link_broke_is_asked_about() -> None:
    box = outbox()
    box.linked(0)
    box.receipt(receipt(0), 0)
    box.sent("g1", 50, 0)
    box.unlinked()

    assert box.linked(100) == [SayHello("g1")]
    assert box.receipt(receipt(0), 101) == [SendBatch("g1", 1)]


def test_age_is_that_of_the_oldest_unconfirmed_record() -> None:
    box = Outbox()
    box.held("g1", 1, 1, 1, since_ms=0)
    for seq in range(2, 2000):
        box.appended(seq, now_ms=seq * 10)
    assert box.oldest_unsent_ms(30_000) == 30_000 - 20

    box.linked(30_000)
    box.receipt(receipt(1900), 30_000)

    assert 30_000 - 20_000 <= box.oldest_unsent_ms(30_000) < 30_000 - 9_000
    box.receipt(receipt(1999), 30_000)
    assert box.oldest_unsent_ms(30_000) == 0


PAY = Key("pay", 7)


def test_a_request_is_sent_again_under_the_same_key_until_its_answer() -> None:
    lane = LiveLane()
    lane.linked(0)

    assert lane.ask(PAY, 0, 30_000) == [SendRequest(PAY, 30_000)]
    assert lane.tick(999) == []
    assert lane.tick(1000) == [SendRequest(PAY, 29_000)]
    assert lane.tick(3000) == [SendRequest(PAY, 27_000)]
    assert lane.answered(PAY)
    assert not lane.answered(PAY)
    assert lane.tick(30_000) == []


def test_no_answer_by_the_deadline_is_told_once() -> None:
    lane = LiveLane()
    lane.ask(PAY, 0, 5000)

    assert lane.next_tick_ms == 5000
    assert lane.tick(5000) == [RequestExpired(PAY)]
    assert lane.tick(6000) == []
    assert lane.waiting == 0


def test_requests_go_out_at_once_when_the_link_returns() -> None:
    lane = LiveLane()
    lane.ask(PAY, 0, 60_000)

    assert lane.linked(8000) == [SendRequest(PAY, 52_000)]


def test_repeats_slow_down_to_a_bound() -> None:
    lane = LiveLane()
    lane.linked(0)
    lane.ask(PAY, 0, 100_000)

    times = [now for now in range(1, 60_000, 100) if lane.tick(now)]

    assert max(later - earlier for earlier, later in pairwise(times)) <= REPEAT_MS_MAX + 100


def test_asking_twice_sends_once_and_too_many_are_refused() -> None:
    lane = LiveLane()
    lane.linked(0)
    for attempt in range(REQUESTS_MAX):
        lane.ask(Key("query", attempt), 0, 1000)

    assert lane.ask(Key("query", 0), 0, 1000) == []
    with pytest.raises(CallerError, match="requests-too-many"):
        lane.ask(Key("query", 99), 0, 1000)
