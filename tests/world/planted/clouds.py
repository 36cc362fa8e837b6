"""Bugs of the cloud: intake, the order of commit and word, orders, payments, ledger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cloud import consumer, consumer_batch, intake_replica
from cloud.intake_rules import Verdict
from cloud.ledger import rules as ledger
from cloud.orders import handlers, repeats
from cloud.orders import rules as orders
from cloud.payments import replica_rules, replies
from cloud.payments import rules as payments
from cloud.ports import ChannelAnswer
from edge.journal import journal
from edge.journal.bounds import Bounds
from protocol.faults import fault
from simulators.world import schedule, unit_faults, world
from tests.world.planted.journals import HARSH, SHORT
from tests.world.planted.patching import (
    CARDS,
    GOODS,
    LEDGER,
    LONGER,
    LOST,
    PEOPLE,
    TWICE,
    UNSETTLED,
    WITHOUT_SALE,
    Patch,
    Planted,
    applied,
)

if TYPE_CHECKING:
    from cloud.payments.attempt import CallResult

# A box without what its cloud asks for asks for ever: a world of minutes waits for it no longer than this.
SETTLED_S = 300.0
# Worlds in which clouds die at their word to the boxes, and nothing else goes wrong: of all instants few matter.
DYING = (
    Patch(schedule, "SORTS", (("crash-cloud",),) * 3),
    Patch(schedule, "EVERY_S", (20.0, 60.0)),
    # What is confirmed goes at once, but for the last, also from memory: else a box remembers what its disk forgot.
    Patch(journal, "Bounds", partial(Bounds, segment_bytes=1, keep_ms=0, recent_bytes_max=1)),
    Patch(unit_faults, "POINTS", {**unit_faults.POINTS, "cloud": (consumer.PUBLISHED,)}),
)
MONEY = (LOST, LEDGER, WITHOUT_SALE, GOODS, TWICE, UNSETTLED, PEOPLE)


async def _commits_twice(self: Any, delivery: Any, *, is_store_only: bool) -> Any:
    """The frames in one transaction, what follows from them in the next."""
    now_ms = self._clock.now_ms()
    opened = await self._opener.sort(delivery.messages, now_ms)
    async with self._database.transaction() as tx:
        stored = await _store_batches(tx, opened.batches, now_ms)
    fault(consumer.COMMITTED)

    async def stored_before(*_: Any) -> Any:
        return stored

    batch = consumer_batch.Batch(
        opened, delivery.results, delivery.due, delivery.repairs, is_store_only=is_store_only
    )
    with applied((Patch(consumer_batch, "store_batches", stored_before),)):
        async with self._database.transaction() as tx:
            outcome = await consumer_batch.carry_out(tx, batch, self._services, now_ms)
            await self._publisher.keep(tx, outcome.replies, outcome.shards, now_ms)
    self._publisher.committed()
    return outcome


_store_batches: Any = vars(consumer_batch)["store_batches"]


async def _says_before_the_commit(self: Any, delivery: Any, *, is_store_only: bool) -> Any:
    now_ms = self._clock.now_ms()
    opened = await self._opener.sort(delivery.messages, now_ms)
    batch = consumer_batch.Batch(
        opened, delivery.results, delivery.due, delivery.repairs, is_store_only=is_store_only
    )
    async with self._database.transaction() as tx:
        outcome = await consumer_batch.carry_out(tx, batch, self._services, now_ms)
        await self._publisher.keep(tx, outcome.replies, outcome.shards, now_ms)
        for receipt in outcome.receipts:
            await self._publisher.publish_receipt(receipt, self._epoch)
        if outcome.frame_count:
            fault(consumer.PUBLISHED)
    self._publisher.committed()
    return outcome


def _gap_ignored(position: Any, frames: list[Any]) -> Verdict:
    verdict = Verdict()
    verdict.fresh = [frame for frame in frames if frame.seq > position.through]
    return verdict


def _says_what_came(stored: Any, batch: Any, position: Any, verdict: Any) -> None:
    """Say that all of the batch is there, although nothing behind a gap was stored."""
    _write_receipt(stored, batch, position, verdict)
    if batch.frames and batch.frames[-1].seq > position.through:
        receipt = stored.receipts[batch.journal]
        receipt.through, receipt.chain = batch.frames[-1].seq, batch.frames[-1].chain
        receipt.status, receipt.resend_from = "ok", 0


_write_receipt = intake_replica._write_receipt


def _books_again(order: Any, record: Any, tender: Any, before: str) -> Any:
    """Book what a box says of any tender, also of those that payments books."""
    method, tender.method = tender.method, "cash"
    try:
        return _cash_consequence(order, record, tender, before)
    finally:
        tender.method = method


_cash_consequence = orders._cash_consequence


def _books_each_word(order: Any, record: Any, tender: Any, before: str) -> Any:
    done = _cash_consequence(order, record, tender, before)
    again = [entry._replace(name=f"{entry.name}:{record.seq}") for entry in done.entries]
    return done._replace(entries=(*done.entries, *again))


async def _same_order_is_a_repeat(self: Any, order: Any, record: Any) -> bool:
    del self
    return order is not None and bool({order.generation, *order.spans} - {record.generation})


async def _newest_clock_wins(booked: Any, known: dict[Any, Any], record: Any, shelf: Any, now_ms: int) -> Any:
    order = known.get((record.tenant, record.order))
    if order is not None:
        latest = _latest.get(record.order, 0)
        _latest[record.order] = max(latest, record.at_ms)
        if record.at_ms < latest:
            return orders.NOTHING
    else:
        _latest[record.order] = record.at_ms
    return await _book(booked, known, record, shelf, now_ms)


_latest: dict[int, int] = {}
_book = handlers._book


def _no_word_is_yes(moved: Any, attempt: Any, result: CallResult, now_ms: int) -> None:
    if result.kind == "authorize" and result.answer.outcome == "unknown" and not result.is_late:
        result = result._replace(answer=ChannelAnswer("approved", attempt.amount_minor))
    _hear(moved, attempt, result, now_ms)


_hear = payments.hear


def _one_side(subject: Any, box: str, amount_minor: int) -> Any:
    entry = _cash_taken(subject, box, amount_minor)
    return entry._replace(postings=entry.postings[:1])


_cash_taken = ledger.cash_taken


def _named_after_the_day(subject: Any, box: str, amount_minor: int) -> Any:
    entry = _cash_taken(subject, box, amount_minor)
    return entry._replace(name=f"cash:{subject.business_day}:{box}:{amount_minor}")


def _reversal_unbooked(subject: Any, number: int, amount_minor: int) -> Any:
    del amount_minor
    return _card_reversed(subject, number, 0)


_card_reversed = ledger.card_reversed


def _told_only(moved: Any, attempt: Any, request: Any, now_ms: int) -> Any:
    del request, now_ms
    if attempt is not None:
        moved.replies.append(replies.reply(attempt, "reverse"))
    return attempt


BUGS = (
    Planted(
        "effects-after-the-commit",
        "frames and their effects are committed one after the other",
        MONEY,
        (Patch(consumer.Consumer, "_transact", _commits_twice),),
        LONGER,
    ),
    Planted(
        "receipt-before-the-commit",
        "the box is told that its records are stored, then they are committed",
        (LOST, LEDGER, UNSETTLED, PEOPLE, WITHOUT_SALE, GOODS),
        (
            Patch(consumer.Consumer, "_transact", _says_before_the_commit),
            Patch(consumer, "fault", lambda _: None),  # the only instants left are those before the commit
        ),
        LONGER,
        (*DYING, Patch(world, "SETTLE_S", SETTLED_S)),
    ),
    Planted(
        "gap-ignored",
        "the intake takes what follows on a gap, and never asks for what is missing",
        (LOST, LEDGER, PEOPLE, WITHOUT_SALE, GOODS, UNSETTLED),
        (Patch(intake_replica, "judge_frames", _gap_ignored),),
    ),
    Planted(
        "receipt-beyond-the-stored",
        "the receipt tells the end of the batch, and not of what was stored of it",
        (LOST, LEDGER, UNSETTLED, PEOPLE, WITHOUT_SALE),
        (Patch(intake_replica, "_write_receipt", _says_what_came),),
        LONGER,
        (*SHORT, *HARSH),
    ),
    Planted(
        "dedupe-key-without-attempt",
        "an entry for cash is named after day, box and amount",
        (LEDGER,),
        (Patch(ledger, "cash_taken", _named_after_the_day),),
    ),
    Planted(
        "repeat-told-by-order-alone",
        "after a salvage all records of a known order count as repeated",
        (LOST, LEDGER, WITHOUT_SALE, PEOPLE, GOODS),
        (Patch(repeats.Repeats, "has", _same_order_is_a_repeat),),
        LONGER,
    ),
    Planted(
        "ordered-by-the-clock",
        "of two records of an order the one with the later clock wins",
        (LOST, LEDGER, PEOPLE),
        (Patch(handlers, "_book", _newest_clock_wins),),
    ),
    Planted(
        "replica-books-card-money",
        "the box's word of a card is booked beside the channel's",
        (LEDGER,),
        (Patch(orders, "_cash_consequence", _books_again),),
    ),
    Planted(
        "tender-result-booked-twice",
        "cash is booked under two names",
        (LEDGER,),
        (Patch(orders, "_cash_consequence", _books_each_word),),
    ),
    Planted(
        "posting-one-sided",
        "the entry for cash has one side only",
        (LEDGER,),
        (Patch(ledger, "cash_taken", _one_side),),
    ),
    Planted(
        "reversal-not-booked",
        "a reversed approval stays in the ledger",
        (LEDGER,),
        (Patch(ledger, "card_reversed", _reversal_unbooked),),
        CARDS,
    ),
    Planted(
        "no-answer-is-a-yes",
        "payments takes a channel's silence for an approval",
        (LEDGER, GOODS),
        (Patch(payments, "hear", _no_word_is_yes),),
        CARDS,
    ),
    Planted(
        "end-of-sale-not-matched",
        "payments does not hear that a sale was given up, nor that the box wants its money back",
        (WITHOUT_SALE, UNSETTLED),
        (
            Patch(replica_rules, "_RULES", {}),
            Patch(payments, "reverse", _told_only),
        ),
        CARDS,
    ),
)
