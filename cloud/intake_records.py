"""A record of the replica, read strictly and named by where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from protocol.records import decode_record

if TYPE_CHECKING:
    from cloud.intake_rules import JournalName


class ReplicaRecord(NamedTuple):
    """One booked frame: its place, its fields, and the bytes that the box wrote."""

    tenant: str
    box: str
    generation: str
    seq: int
    store: str
    shard: str
    kind: str
    order: int
    fields: dict[str, Any]
    body: bytes

    @property
    def at_ms(self) -> int:
        """When the box says that it happened."""
        at: int = self.fields["at"]
        return at


def read_record(journal: JournalName, seq: int, body: bytes, store: str, shard: str) -> ReplicaRecord:
    """Read a frame's body; PeerError says which rule it breaks.

    `order` is 0 for records that belong to none.
    """
    fields: dict[str, Any] = decode_record(body)
    order = fields.get("order") or 0
    return ReplicaRecord(
        journal.tenant,
        journal.box,
        journal.generation,
        seq,
        store,
        shard,
        fields["t"],
        int(order),
        fields,
        body,
    )
