"""What the journal remembers about receipts, in one small file beside the segments.

It holds how far the cloud confirmed each generation, where closed generations end and when a segment became
receipted. It is written when a whole segment is confirmed, not at every receipt: losing it, or an old copy of it,
means that more is sent again, never that something is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from protocol.errors import PeerError
from protocol.strict_json import dumps, loads

RECEIPTS_NAME = "receipts.json"
RECEIPTS_BYTES_MAX = 1024 * 1024  # a name and a time for each segment under the quota is a few dozen KiB


@dataclass(slots=True)
class Receipts:
    """Confirmed seq by generation, last provable seq of closed generations, receipt time (UTC ms) by segment name."""

    through: dict[str, int] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    receipted_ms: dict[str, int] = field(default_factory=dict)

    def is_covered(self, generation: str, seq: int) -> bool:
        """Whether the cloud has confirmed this seq."""
        return self.through.get(generation, 0) >= seq


def encode_receipts(receipts: Receipts) -> bytes:
    """The bytes of the file."""
    return dumps({"v": 1, **asdict(receipts)})


def decode_receipts(data: bytes | None) -> Receipts:
    """Read the file; absent or damaged means that nothing is known to be receipted."""
    if data is None:
        return Receipts()
    try:
        found: Any = loads(data, max_bytes=RECEIPTS_BYTES_MAX)
        tables = [found[name] for name in ("through", "closed", "receipted_ms")]
        if not all(type(number) is int for table in tables for number in table.values()):
            return Receipts()
        return Receipts(*tables)
    except (PeerError, KeyError, TypeError, AttributeError):
        return Receipts()
