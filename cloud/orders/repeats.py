"""Records that a box tells again: a new generation of its journal takes over, byte for byte, what the old one held.

A box cannot know how much of its old generation the cloud has, so after a salvage or renewal it sends rather too much.
The same bytes have one effect; other bytes under the same ids are for a person. Within one generation nothing comes
twice: there a twin is a fault of the box and is parked like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.orders import store

if TYPE_CHECKING:
    from cloud.database import Transaction
    from cloud.intake_records import ReplicaRecord
    from cloud.orders.state import Order

_Place = tuple[str, str, str, int]


class Repeats:
    """Knows repeated records of one batch; what the batch itself booked or parked is told to it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._is_booked: dict[_Place, bool] = {}

    def note(self, record: ReplicaRecord, *, is_booked: bool) -> None:
        """Remember what became of a record in this batch, before the database knows."""
        self._is_booked[record.tenant, record.box, record.generation, record.seq] = is_booked

    async def has(self, order: Order | None, record: ReplicaRecord) -> bool:
        """Tell whether these bytes were booked from another generation. Asks only where an order has several."""
        if order is None or order.box != record.box:
            return False
        for generation in {order.generation, *order.spans} - {record.generation}:
            for seq, is_parked in await store.twins(self._tx, order, generation, record.body):
                place = (record.tenant, record.box, generation, seq)
                if self._is_booked.get(place, not is_parked):
                    return True
        return False
