"""Says what was committed: receipts and answers, sealed under the box's key for its direction.

Answers that told a change stand in the outbox, written by the transaction that made the change, so a crash between
commit and publishing loses none; rows that were published are deleted by the next batch that is committed, and rows
that were not are published behind it. Receipts need no outbox: the box asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol import messages, topics
from protocol.seal import Sealer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Database, Row, Transaction
    from cloud.intake_replica import Receipt
    from cloud.payments.attempt import Reply
    from cloud.ports import Box, BoxDirectory, Clock, Outbound

SEALERS_KEPT = 20_000  # one for each box of a large process; about 1 KB each

_ADD = """
INSERT INTO outbox (tenant, message, shard, box, lane, payload, created_ms) VALUES :rows
ON CONFLICT (tenant, message) DO NOTHING
"""
_DELETE = "DELETE FROM outbox WHERE tenant = $1 AND message = $2"
_LEFT = "SELECT tenant, message, box, lane, payload FROM outbox ORDER BY created_ms, message"


class Publisher:
    """Seals and publishes; remembers which rows of the outbox are done."""

    def __init__(self, *, outbound: Outbound, directory: BoxDirectory, clock: Clock) -> None:
        self._outbound = outbound
        self._directory = directory
        self._clock = clock
        self._sealers: dict[bytes, Sealer] = {}
        self._published: list[tuple[str, str]] = []  # their rows are still in the outbox
        self._deleted = 0  # how many of them the open transaction deletes

    async def keep(
        self, tx: Transaction, replies: Sequence[Reply], shards: dict[str, str], now_ms: int
    ) -> None:
        """Write the answers of a batch into the outbox, and delete the rows that were published before.

        `shards` tells the shard of each tenant that has an answer here. Call `committed` once that is so; without it
        the same rows are deleted by the next batch.
        """
        self._deleted = len(self._published)
        await tx.execute_many(_DELETE, self._published)
        rows: list[Row] = [
            (reply.tenant, _name(reply), shards[reply.tenant], reply.box, "res", self._encode(reply), now_ms)
            for reply in replies
            if reply.version
        ]
        await tx.insert_many(_ADD, rows)

    def committed(self) -> None:
        """Forget the rows that the transaction of the last `keep` deleted."""
        del self._published[: self._deleted]
        self._deleted = 0

    async def publish_receipt(self, receipt: Receipt, epoch: int) -> None:
        """Tell a box how far its journal is stored."""
        told = {
            "v": 1,
            "generation": receipt.generation,
            "through": receipt.through,
            "chain": receipt.chain.hex(),
            "epoch": epoch,
            "status": receipt.status,
            "resend_from": receipt.resend_from,
            "cloud_time_ms": self._clock.now_ms(),
        }
        await self._publish(receipt.box, "receipt", messages.encode_receipt(told))

    async def publish_reply(self, reply: Reply) -> None:
        """Answer a request of the live lane."""
        box = await self._directory.find(reply.tenant, reply.box)
        if box is not None:
            await self._publish(box, "res", self._encode(reply))
        if reply.version:
            self._published.append((reply.tenant, _name(reply)))

    async def publish_left(self, database: Database) -> int:
        """Publish what was committed and not said, by this run or an earlier one; return how many."""
        said = set(self._published)
        rows = [row for row in await database.fetch(_LEFT) if row[:2] not in said]
        for tenant, message, name, lane, payload in rows:
            box = await self._directory.find(tenant, name)
            if box is not None:
                fields: dict[str, Any] = messages.decode_response(payload)
                fields["cloud_time_ms"] = self._clock.now_ms()
                await self._publish(box, lane, messages.encode_response(fields))
            self._published.append((tenant, message))
        return len(rows)

    async def _publish(self, box: Box, lane: str, payload: bytes) -> None:
        topic = topics.build(box.shard, box.tenant, box.store, box.box, topics.DOWN, lane)
        sealer = self._sealers.get(box.down_key)
        if sealer is None:
            if len(self._sealers) >= SEALERS_KEPT:
                self._sealers.clear()
            sealer = self._sealers[box.down_key] = Sealer(box.down_key)
        await self._outbound.publish(topic, sealer.seal(topic, payload))

    def _encode(self, reply: Reply) -> bytes:
        return messages.encode_response(
            {
                "v": 1,
                "kind": reply.kind,
                "payment": str(reply.payment),
                "attempt": str(reply.attempt),
                "order": str(reply.order) if reply.order else "",
                "outcome": reply.outcome,
                "amount_minor": reply.amount_minor,
                "approval_code": reply.approval_code,
                "rrn": reply.rrn,
                "response_code": reply.response_code,
                "reason": reply.reason,
                "masked": reply.masked,
                "brand": reply.brand,
                "token": reply.token,
                "cloud_time_ms": self._clock.now_ms(),
            }
        )


def _name(reply: Reply) -> str:
    """Name an answer after the state that it tells: the same answer twice is one row."""
    return f"{reply.attempt}:{reply.kind}:{reply.version}"
