"""The consumer: the one loop through which everything that changes the cloud's state goes.

Take what goes next (`deliveries` decides), open and check it, hand it to the rules of the services, write state,
positions and outgoing answers in one transaction, commit, and only then call channels, answer and send receipts.
One bad message must not stop the others: a failing batch is taken apart, and what fails by itself is set aside.
Story and reasons: `docs/explanation/consumer.md`. Read next: `cloud/orders/rules.py`, `cloud/payments/rules.py`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cloud import consumer_batch, intake_store, repairs
from cloud.consumer_batch import Batch, Outcome
from cloud.deliveries import Deliveries
from cloud.intake import Opener, aside_row
from cloud.payments import store as payments_store
from cloud.payments.calls import ChannelCalls
from protocol import topics
from protocol.errors import CallerError
from protocol.faults import declare, fault
from protocol.seal import MAC_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Transaction
    from cloud.deliveries import Delivery
    from cloud.intake import LaneMessage
    from cloud.payments.attempt import AttemptName, CallResult
    from cloud.ports import BoxDirectory, CardChannel, CatalogueShelf, Clock, Intake, Message
    from cloud.publisher import Publisher
    from cloud.repairs import Repair

TRIES = 3  # a message that fails alone three times is poison, not bad luck
OUTAGE_PAUSE_S = 0.5  # a database that is away is asked again twice a second

RECEIVED = declare("consumer.received", "messages were taken from the broker, nothing of them is stored")
COMMITTED = declare("consumer.committed", "the batch is committed, nothing was said or called")
PUBLISHED = declare("consumer.published", "receipts and answers of the batch were handed to the broker")

_log = logging.getLogger(__name__)


class LaneHandler(Protocol):
    """A service that reads one of the lanes state, cfg and cmd."""

    async def take(self, tx: Transaction, messages: Sequence[LaneMessage], now_ms: int) -> None:
        """Take messages inside the consumer's transaction; PeerError is never raised, bad content is noted."""
        ...


@dataclass(slots=True)
class Counts:
    """What the loop has done since it started."""

    batches: int = 0
    messages: int = 0
    records: int = 0
    parked: int = 0
    refused: int = 0
    set_aside: int = 0
    taken_apart: int = 0
    outages: int = 0


class Consumer:
    """Owns the loop, the calls to channels that follow from it, and the offers of others to it."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing outside; main builds them
        self,
        *,
        database: Database,
        intake: Intake,
        publisher: Publisher,
        directory: BoxDirectory,
        shelf: CatalogueShelf,
        channel: CardChannel,
        clock: Clock,
        lanes: dict[str, LaneHandler] | None = None,
    ) -> None:
        self.counts = Counts()
        self._database = database
        self._deliveries = Deliveries(intake)
        self._publisher = publisher
        self._directory = directory
        self._clock = clock
        self._opener = Opener(directory)
        self._channel = channel
        self._calls = ChannelCalls(channel=channel, clock=clock, report=self.offer)
        self._services = consumer_batch.Services(
            shelf=shelf,
            recovery=channel.recovery,
            minimum_delay_ms=channel.minimum_delay_ms,
            in_flight=self._calls.is_in_flight,
            lanes=lanes or {},
        )
        self._epoch = 0
        self._owes_answers = False

    def offer(self, what: CallResult | AttemptName | Repair) -> None:
        """Hand in what did not come from a box: a channel's answer, an attempt that is due, a repair."""
        self._deliveries.offer(what)

    def learn_epoch(self, epoch: int) -> None:
        """Say this epoch in receipts from now on; it never falls."""
        self._epoch = max(self._epoch, epoch)

    async def run(self) -> None:
        """Run until cancelled."""
        await self.start()
        try:
            while True:
                await self._handle(await self._deliveries.next())
        finally:
            await self.close()

    async def start(self) -> None:
        """Read the epoch, publish what an earlier run left in the outbox, have its lost calls made again at once."""
        async with self._database.transaction() as tx:
            self._epoch = await intake_store.load_epoch(tx)
            await payments_store.wake(tx, self._clock.now_ms())
        await self._publisher.publish_left(self._database)

    async def close(self) -> None:
        """Stop calls to channels and the waiting for messages."""
        await self._deliveries.close()
        await self._calls.close()

    async def step(self) -> None:
        """Wait for one delivery and handle it: the loop's body, for those who drive it by hand."""
        await self._handle(await self._deliveries.next())

    async def _handle(self, delivery: Delivery) -> None:
        """Commit a delivery whole; if that fails, each of its parts by itself."""
        fault(RECEIVED)
        self.counts.batches += 1
        self.counts.messages += len(delivery.messages)
        try:
            await self._commit(delivery)
        except Exception as error:  # noqa: BLE001 - the supervisor loop: whatever it was, the others go on
            _log.warning("a batch failed and is taken apart: %s", type(error).__name__)
            self.counts.taken_apart += 1
            for part in delivery.parts():
                await self._insist(part)

    async def _insist(self, part: Delivery) -> None:
        """Commit one message alone: a few tries; then frames are stored and parked, anything else is set aside."""
        failure: Exception | None = None
        for attempt in range(TRIES + part.has_frames):
            try:
                await self._commit(part, is_store_only=attempt == TRIES)
            except Exception as error:  # noqa: BLE001 - as above
                failure = error
                _log.warning("a message failed alone: %s", type(error).__name__)
            else:
                return
        part.tell_kept(is_kept=False)
        for message in part.messages:
            await self._set_aside(message, failure)
        for repair in part.repairs:
            await self._go_on(repair)

    async def _commit(self, delivery: Delivery, *, is_store_only: bool = False) -> None:
        outcome = await self._transact(delivery, is_store_only=is_store_only)
        fault(COMMITTED)
        delivery.tell_kept(is_kept=True)
        self._count(outcome)
        for box in outcome.changed_boxes:
            self._directory.forget(box.tenant, box.box)
        for repair in outcome.unfinished:
            self.offer(repair)
        for call in outcome.calls:
            self._calls.start(call)
        if outcome.calls:
            self._deliveries.be_patient()
        await self._say(outcome)
        fault(PUBLISHED)

    async def _say(self, outcome: Outcome) -> None:
        """Publish what is committed. A failure undoes nothing: the outbox keeps the answers for the next batch."""
        try:
            for reply in outcome.replies:
                await self._publisher.publish_reply(reply)
            if self._owes_answers:
                await self._publisher.publish_left(self._database)
                self._owes_answers = False
            for receipt in outcome.receipts:
                await self._publisher.publish_receipt(receipt, self._epoch)
        except Exception as error:  # noqa: BLE001 - as in _handle; the batch is done and must not be taken apart for this
            _log.warning("answers are kept for the next batch: %s", type(error).__name__)
            self._owes_answers = True

    async def _transact(self, delivery: Delivery, *, is_store_only: bool) -> Outcome:
        """Do everything of a delivery in one transaction; wait while the database is away."""
        while True:
            now_ms = self._clock.now_ms()
            try:
                opened = await self._opener.sort(delivery.messages, now_ms)
                batch = Batch(
                    opened, delivery.results, delivery.due, delivery.repairs, is_store_only=is_store_only
                )
                quiet = await consumer_batch.answer_quietly(self._database, batch)
                if quiet is not None:
                    return quiet
                async with self._database.transaction() as tx:
                    outcome = await consumer_batch.carry_out(tx, batch, self._services, now_ms)
                    await self._publisher.keep(tx, outcome.replies, outcome.shards, now_ms)
            except self._database.outages as error:
                self.counts.outages += 1
                _log.warning("the database is away: %s", type(error).__name__)
                await asyncio.sleep(OUTAGE_PAUSE_S)
            else:
                self._publisher.committed()
                return outcome

    async def _go_on(self, repair: Repair) -> None:
        """After a step that failed alone: look at one thing at a time, and pass the one that fails by itself."""
        following: Repair | None = repair._replace(at_once=1)
        if repair.at_once == 1:
            async with self._database.transaction() as tx:
                following = await repairs.pass_by(tx, repair, self._clock.now_ms())
        if following is not None:
            self.offer(following)

    async def _set_aside(self, message: Message, failure: Exception | None) -> None:
        now_ms = self._clock.now_ms()
        topic = topics.parse(message.topic)
        box = await self._directory.find(topic.tenant, topic.box)
        if box is None:
            return
        payload = message.payload[MAC_BYTES:]
        error = CallerError(
            "rules-failed", f"the rules failed with {type(failure).__name__}", "report it, replay"
        )
        async with self._database.transaction() as tx:
            await intake_store.set_aside(tx, [aside_row(box, message.topic, payload, error, now_ms)])
        self.counts.set_aside += 1

    def _count(self, outcome: Outcome) -> None:
        self.counts.records += outcome.frame_count
        self.counts.parked += outcome.parked_count
        self.counts.refused += outcome.refused_count
        self.counts.set_aside += outcome.aside_count
