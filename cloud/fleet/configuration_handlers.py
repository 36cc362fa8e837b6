"""Takes what boxes say of themselves: answers on up/cfg and states on up/state, inside the consumer's transaction.

Both may come twice and late: an answer moves a document by a table, a state overwrites the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import intake_store
from cloud.alarms import Alarm, raise_alarms
from cloud.fleet import configuration_store as store
from cloud.fleet.configuration_rules import OVERDUE_MS, next_state
from cloud.intake import aside_row
from protocol import topics
from protocol.errors import PeerError, TillboxError
from protocol.messages import decode_config_answer, decode_state
from protocol.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Row, Transaction
    from cloud.intake import LaneMessage

REFUSED = "configuration-refused"  # alarm: a box got a document that it cannot believe; somebody else may have sent it
OVERDUE = "configuration-overdue"  # alarm: a box that is heard does not get, or does not answer, its document


class ConfigurationAnswers:
    """The lane cfg: what became of documents."""

    async def take(self, tx: Transaction, messages: Sequence[LaneMessage], now_ms: int) -> None:
        """Take answers. The same answer again changes nothing; one about nothing of ours is set aside."""
        aside: list[Row] = []
        alarms: list[Alarm] = []
        answers: list[tuple[LaneMessage, dict[str, Any]]] = []
        for message in messages:
            try:
                answers.append((message, decode_config_answer(message.payload)))
            except TillboxError as error:
                aside.append(_aside(message, error, now_ms))
        known = await store.find(
            tx, [_key(message, answer) for message, answer in answers if answer["version"]]
        )
        for message, answer in answers:
            key, box = _key(message, answer), message.box
            if not answer["version"]:
                alarms.append(Alarm(box.tenant, REFUSED, box.box, box.shard, answer["reason"], now_ms))
            elif key not in known or answer["hash"] not in {"", known[key][1]}:
                unknown = PeerError("configuration-unknown", "The answer is about no document of ours")
                aside.append(_aside(message, unknown, now_ms))
            else:
                state = next_state(known[key][0], answer["outcome"])
                await self._settle(tx, key, state, answer, now_ms)
                known[key] = (state, known[key][1])
        await intake_store.set_aside(tx, aside)
        await raise_alarms(tx, alarms)

    @staticmethod
    async def _settle(tx: Transaction, key: Row, state: str, answer: dict[str, Any], now_ms: int) -> None:
        if state == answer["outcome"]:  # an outcome that changed nothing does not take its reason away
            await store.settle(tx, key, state, answer["reason"], now_ms)
        await store.settle_alarm(tx, key[0], OVERDUE, key[1], now_ms)
        if state == "applied":
            await store.settle_alarm(tx, key[0], REFUSED, key[1], now_ms)


class StateReports:
    """The lane state: how boxes are, and which version they run."""

    async def take(self, tx: Transaction, messages: Sequence[LaneMessage], now_ms: int) -> None:
        """Keep the last state of each box; a box that is heard and has not taken its version is an alarm."""
        aside: list[Row] = []
        online: dict[tuple[str, str], Row] = {}
        gone: dict[tuple[str, str], Row] = {}
        for message in messages:
            box = message.box
            key = (box.tenant, box.box)
            try:
                told: dict[str, Any] = decode_state(message.payload)
            except TillboxError as error:
                aside.append(_aside(message, error, now_ms))
                continue
            if told["online"]:
                gone.pop(key, None)
                online[key] = (*key, box.shard, 1, told["config_version"], dumps(told).decode(), now_ms)
            else:
                gone[key] = (*key, now_ms)
        await store.report(tx, list(online.values()), list(gone.values()))
        await store.mark_fallen_back(tx, [(*key, row[4]) for key, row in online.items()], now_ms)
        late = [
            Alarm(tenant, OVERDUE, box, shard, f"version {version} since {sent_ms}", now_ms)
            for tenant, box, shard, version, sent_ms in await store.unanswered(tx, list(online))
            if now_ms - sent_ms >= OVERDUE_MS
        ]
        await raise_alarms(tx, late)
        await intake_store.set_aside(tx, aside)


def _key(message: LaneMessage, answer: dict[str, Any]) -> Row:
    return message.box.tenant, message.box.box, answer["version"]


def _aside(message: LaneMessage, error: TillboxError, now_ms: int) -> Row:
    box = message.box
    topic = topics.build(box.shard, box.tenant, box.store, box.box, topics.UP, message.lane)
    return aside_row(box, topic, message.payload, error, now_ms)
