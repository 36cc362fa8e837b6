"""Takes what boxes say of publications on up/ver, inside the consumer's transaction.

An answer may come twice and late: it overwrites what the box said before, and ends the repeating once the box holds
what it should. An answer about an older publication changes only what the box is known to hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import intake_store
from cloud.alarms import Alarm, raise_alarms
from cloud.catalogue import store
from cloud.intake import aside_row
from protocol import topics
from protocol.errors import TillboxError
from protocol.messages import decode_publication_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Row, Transaction
    from cloud.intake import LaneMessage

REFUSED = "publication-refused"  # alarm: a box does not take what its store sells by


class PublicationAnswers:
    """The lane ver."""

    async def take(self, tx: Transaction, messages: Sequence[LaneMessage], now_ms: int) -> None:
        """Take answers; what cannot be read is set aside."""
        aside: list[Row] = []
        answers: dict[Row, tuple[LaneMessage, dict[str, Any]]] = {}
        for message in messages:
            box = message.box
            try:
                answers[box.tenant, box.box] = (message, decode_publication_answer(message.payload))
            except TillboxError as error:
                topic = topics.build(box.shard, box.tenant, box.store, box.box, topics.UP, message.lane)
                aside.append(aside_row(box, topic, message.payload, error, now_ms))
        known = await store.find(tx, list(answers))
        rows: list[Row] = []
        alarms: list[Alarm] = []
        for key, (message, answer) in answers.items():
            number, state = known.get(key, (0, ""))
            outcome, reason, next_ms = answer["outcome"], answer["reason"], 0
            if answer["number"] != number and outcome != "refused":
                outcome, reason, next_ms = (
                    state,
                    "",
                    now_ms,
                )  # it speaks of an older one: it may have missed the newest
            if outcome == "refused":
                alarms.append(Alarm(key[0], REFUSED, key[1], message.box.shard, reason, now_ms))
            if number:
                rows.append((*key, outcome, reason, answer["held"], next_ms, now_ms))
        await store.answered(tx, rows)
        await raise_alarms(tx, alarms)
        await intake_store.set_aside(tx, aside)
