"""What the consumer does next: messages of the broker and offers from inside, people before any backlog.

Nothing waits while something is queued. Who waits at a box (a request, a channel's answer) shares no delivery with the
replica, so many times in a row; then one full batch of the backlog goes along. Story and figures:
docs/explanation/consumer.md. What becomes of a delivery is `consumer`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud.payments.attempt import CallResult
from cloud.repairs import Repair

if TYPE_CHECKING:
    from cloud.payments.attempt import AttemptName
    from cloud.ports import Intake, Message

MESSAGES_AT_ONCE = 64  # beyond this a batch gains nothing (measured) and the live lane waits longer
REPLICA_BYTES_AT_ONCE = (
    65_536  # one full batch, some 160 records, 15 ms: what a live request waits behind at most
)
URGENT_TURNS_MAX = 4  # deliveries in a row without the replica, for people who wait; then a batch goes along
TURNS_OF_THE_LOOP = (
    8  # between two batches of a backlog: socket, TLS, link, call and answer take one turn each
)
CALL_PATIENCE_S = (
    0.02  # before the next batch, once: a near channel answers within it, and a batch takes as long
)
BACKLOG_MESSAGES = 1_024  # replica batches taken from the broker and not yet handled: at most 64 MiB


@dataclass(slots=True)
class Delivery:
    """What one transaction is to carry."""

    messages: list[Message] = field(default_factory=list)
    results: list[CallResult] = field(default_factory=list)
    due: list[AttemptName] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)

    @property
    def is_urgent(self) -> bool:
        """Whether a person waits for something of it: it is committed without the replica, in a tenth of the time."""
        return bool(self.results) or any(message.topic.endswith("/req") for message in self.messages)

    @property
    def has_frames(self) -> bool:
        """Whether it brings a part of a replica."""
        return any(map(is_replica, self.messages))

    def parts(self) -> list[Delivery]:
        """Take it apart, in the order in which it would have been handled."""
        parts = [Delivery(results=[result]) for result in self.results]
        parts += [Delivery(messages=[message]) for message in self.messages]
        parts += [Delivery(due=[name]) for name in self.due]
        parts += [Delivery(repairs=[repair]) for repair in self.repairs]
        return parts

    def tell_kept(self, *, is_kept: bool) -> None:
        """Tell those who wait for it what became of what they handed in."""
        for result in self.results:
            if result.kept is not None and not result.kept.done():
                result.kept.set_result(is_kept)


class Deliveries:
    """The queues before the consumer, and who goes first."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._offers: deque[CallResult | AttemptName | Repair] = deque()
        self._offered = asyncio.Event()
        self._receiving: asyncio.Task[list[Message]] | None = None
        self._fresh: list[Message] = []  # of the live lanes, received and not yet handled
        self._backlog: deque[Message] = deque()
        self._urgent_turns = 0
        self._may_be_patient = True  # once for each batch of a backlog
        self._patient_until_s = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing that was taken over waits."""
        return not (self._offers or self._fresh or self._backlog)

    def offer(self, what: CallResult | AttemptName | Repair) -> None:
        """Take in what did not come from a box."""
        self._offers.append(what)
        self._offered.set()

    def be_patient(self) -> None:
        """A channel was called: give it a moment to answer before the next batch of a backlog, once."""
        if self._may_be_patient:
            self._may_be_patient = False
            self._patient_until_s = asyncio.get_running_loop().time() + CALL_PATIENCE_S

    async def next(self) -> Delivery:
        """Wait until there is something to do, and give what goes next."""
        await self._wait_for_something()
        delivery = Delivery(messages=self._fresh)
        self._fresh = []
        self._take_offers(delivery)
        self._urgent_turns += 1
        if self._urgent_turns > URGENT_TURNS_MAX or not delivery.is_urgent:
            self._urgent_turns = 0
            self._take_backlog(delivery)
        return delivery

    async def close(self) -> None:
        """Stop waiting for messages."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)
            self._receiving = None

    async def _wait_for_something(self) -> None:
        """Wait while there is nothing to do; behind a backlog only as long as a call that just started deserves."""
        loop = asyncio.get_running_loop()
        while True:
            if self._receiving is None and len(self._backlog) < BACKLOG_MESSAGES:
                self._receiving = loop.create_task(self._intake.receive(MESSAGES_AT_ONCE))
            for _ in range(TURNS_OF_THE_LOOP if self._backlog else 1):
                await asyncio.sleep(0)
            self._sort_received()
            patience_s = self._patient_until_s - loop.time() if self._backlog else None
            if self._fresh or self._offers or (patience_s is not None and patience_s <= 0):
                return
            offered = loop.create_task(self._offered.wait())
            awaited = {offered} if self._receiving is None else {offered, self._receiving}
            await asyncio.wait(awaited, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            offered.cancel()

    def _sort_received(self) -> None:
        if self._receiving is not None and self._receiving.done():
            receiving, self._receiving = self._receiving, None
            for message in receiving.result():
                (self._backlog if is_replica(message) else self._fresh).append(message)

    def _take_backlog(self, delivery: Delivery) -> None:
        """Take batches up to the bound; the first always, however large."""
        room = REPLICA_BYTES_AT_ONCE
        while self._backlog and len(delivery.messages) < MESSAGES_AT_ONCE:
            size = len(self._backlog[0].payload)
            if room < min(size, REPLICA_BYTES_AT_ONCE):
                break
            room -= size
            delivery.messages.append(self._backlog.popleft())
            self._may_be_patient = True

    def _take_offers(self, delivery: Delivery) -> None:
        self._offered.clear()
        while self._offers:
            offer = self._offers.popleft()
            if isinstance(offer, CallResult):
                delivery.results.append(offer)
            elif isinstance(offer, Repair):
                delivery.repairs.append(offer)
            else:
                delivery.due.append(offer)


def is_replica(message: Message) -> bool:
    """Whether a message brings frames of a journal."""
    return message.topic.endswith("/evt")
