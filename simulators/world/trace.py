"""The trace of a world: every event in order, folded into one hash. Equal seeds give equal hashes, on every machine."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PIECES_AT_ONCE = 512  # one call of the hash for so many events


class Trace:
    """Notes events at the world's time; `counts` tells how often each happened."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._now_s = now_s
        self._hash = hashlib.sha256()
        self._pieces: list[str] = []

    def note(self, what: str, who: str, detail: object = "") -> None:
        """Add one event."""
        self.counts[what] += 1
        self._pieces.append(f"{self._now_s():.6f} {what} {who} {detail}\n")
        if len(self._pieces) >= PIECES_AT_ONCE:
            self._fold()

    def digest(self) -> str:
        """The hash of everything so far, 64 hex digits."""
        self._fold()
        return self._hash.hexdigest()

    def _fold(self) -> None:
        self._hash.update("".join(self._pieces).encode())
        self._pieces = []
