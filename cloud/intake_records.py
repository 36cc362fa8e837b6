"""A record of the replica, read strictly and named by where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from protocol.errors import PeerError
from protocol.records import check_record, decode_record

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
    fields = _decode(body)
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


_read_json = msgspec.json.Decoder().decode
_write_json = msgspec.json.Encoder(order="sorted").encode


def _decode(body: bytes) -> dict[str, Any]:
    """Read a body as strictly as `decode_record`, five times faster for bodies in canonical form.

    A body that comes back byte for byte when it is written again has one meaning: no doubled key, no space, no other
    spelling of a number or letter. Its shape is then checked by the same table. Everything else, and everything that
    fails, goes the slow way, which also names the error.
    """
    try:
        value = _read_json(body)
        if _write_json(value) == body:
            return check_record(value)
    except (msgspec.MsgspecError, PeerError, RecursionError, OverflowError, UnicodeError):
        pass
    return decode_record(body)
