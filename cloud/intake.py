"""Opens what the broker delivered: topic, box, seal, lane. Nothing that fails here is stored as a fact.

A message with a wrong seal is refused and counted, never kept: its content is anybody's. One with a right seal that
still cannot be read was sealed by a faulty box, so it is set aside with the reason, for a person to look at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloud.intake_rules import JournalName
from cloud.payments.requests import read_request
from protocol import topics
from protocol.errors import TillboxError
from protocol.frame import decode_batch, decode_hello
from protocol.seal import Sealer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Row
    from cloud.payments.attempt import LiveRequest
    from cloud.ports import Box, BoxDirectory, Message
    from protocol.frame import Frame, Hello
    from protocol.topics import Topic

SEALERS_KEPT = 20_000  # one for each box of a large process; about 1 KB each
UNKNOWN = "unknown"  # stands for tenant and box in counts when a topic names none of ours


@dataclass(slots=True)
class ReplicaBatch:
    """A batch of frames, or a hello (no frames, but what the box holds)."""

    box: Box
    journal: JournalName
    frames: list[Frame]
    hello: Hello | None
    topic: str
    payload: bytes


@dataclass(slots=True)
class LaneMessage:
    """A message of a lane that another service reads (state, cfg, cmd)."""

    box: Box
    lane: str
    payload: bytes


@dataclass(slots=True)
class Sorted:
    """A delivery, opened and sorted by what it is."""

    batches: list[ReplicaBatch] = field(default_factory=list)
    requests: list[LiveRequest] = field(default_factory=list)
    others: list[LaneMessage] = field(default_factory=list)
    refused: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    aside: list[Row] = field(default_factory=list)


class Opener:
    """Opens messages under the keys of their boxes."""

    def __init__(self, directory: BoxDirectory) -> None:
        self._directory = directory
        self._sealers: dict[bytes, Sealer] = {}

    async def sort(self, messages: Sequence[Message], now_ms: int) -> Sorted:
        """Open and sort messages, in their order."""
        result = Sorted()
        for message in messages:
            try:
                topic = topics.parse(message.topic)
            except TillboxError:
                result.refused[UNKNOWN, UNKNOWN, "topic-wrong", "00"] += 1
                continue
            box = await self._directory.find(topic.tenant, topic.box)
            if box is None:
                result.refused[UNKNOWN, UNKNOWN, "box-unknown", topic.shard] += 1
                continue
            fault = self._refuse(topic, box)
            if not fault:
                try:
                    payload = self._sealer(box.up_key).open(message.topic, message.payload)
                except TillboxError as error:
                    fault = error.code
            if fault:
                result.refused[box.tenant, box.box, fault, box.shard] += 1
                continue
            try:
                _sort_one(result, box, topic, message.topic, payload)
            except TillboxError as error:
                result.aside.append(aside_row(box, message.topic, payload, error, now_ms))
        return result

    @staticmethod
    def _refuse(topic: Topic, box: Box) -> str:
        if box.status == "revoked":
            return "box-revoked"
        if (topic.shard, topic.store, topic.direction) != (box.shard, box.store, topics.UP):
            return "topic-of-another-place"
        return ""

    def _sealer(self, key: bytes) -> Sealer:
        sealer = self._sealers.get(key)
        if sealer is None:
            if len(self._sealers) >= SEALERS_KEPT:
                self._sealers.clear()
            sealer = self._sealers[key] = Sealer(key)
        return sealer


def aside_row(box: Box, topic: str, payload: bytes, error: TillboxError, now_ms: int) -> Row:
    """Make the row of an opened message to set aside.

    Of a request only the digest is kept: it may carry an encrypted card, which must not outlive its authorization.
    """
    digest = hashlib.sha256(topic.encode() + b"\x00" + payload).hexdigest()
    if topic.endswith("/req"):
        payload = b""
    return (box.tenant, digest, box.shard, box.box, topic, payload, error.code, error.what, now_ms)


def _sort_one(result: Sorted, box: Box, topic: Topic, topic_text: str, payload: bytes) -> None:
    if topic.lane == "evt":
        hello = decode_hello(payload)
        generation, frames = decode_batch(payload) if hello is None else (hello.generation, [])
        journal = JournalName(box.tenant, box.box, generation.hex())
        result.batches.append(ReplicaBatch(box, journal, frames, hello, topic_text, payload))
    elif topic.lane == "req":
        result.requests.append(read_request(box, payload))
    else:
        result.others.append(LaneMessage(box, topic.lane, payload))
