"""The directory of boxes, read from the table that enrolment fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.ports import Box

if TYPE_CHECKING:
    from cloud.database import Database

_FIND = """
SELECT tenant, store, box, box_number, shard, status, up_key, down_key FROM box WHERE tenant = $1 AND box = $2
"""
BOXES_KEPT = 20_000  # a large estate on one process; an entry is about 600 bytes


class BoxTable:
    """Boxes by (tenant, box), each read once and then remembered until `forget`.

    An unknown box is never remembered: names from outside must not fill the memory.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], Box] = {}

    async def find(self, tenant: str, box: str) -> Box | None:
        """Return the box, or None when nobody enrolled it."""
        known = self._known.get((tenant, box))
        if known is not None:
            return known
        rows = await self._database.fetch(_FIND, tenant, box)
        if not rows:
            return None
        if len(self._known) >= BOXES_KEPT:
            self._known.clear()
        found = Box(*rows[0])
        self._known[(tenant, box)] = found
        return found

    def forget(self, tenant: str, box: str) -> None:
        """Drop what is remembered about a box, because it changed."""
        self._known.pop((tenant, box), None)
