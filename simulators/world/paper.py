"""The printer of a box, as people find it: lines on paper, now and then a failure or a silence."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from protocol.receipt import to_plain

if TYPE_CHECKING:
    from random import Random

    from protocol.receipt import Document

PRINT_S = (0.3, 1.5)  # a receipt of some twenty lines
COLUMNS = 42
FAILED_CHANCE, SILENT_CHANCE = 0.02, 0.02  # paper out, and a cable that was pulled after the last line


class Paper:
    """Implements `edge.ports.ReceiptPrinter`; `lines` is what came out."""

    def __init__(self, chance: Random) -> None:
        self.lines: list[str] = []
        self._chance = chance

    async def print(self, document: Document) -> tuple[str, str]:
        """Print one document: (printed | failed | unknown, digest)."""
        await asyncio.sleep(self._chance.uniform(*PRINT_S))
        luck = self._chance.random()
        if luck < FAILED_CHANCE:
            return "failed", ""
        lines = to_plain(document, COLUMNS)
        self.lines += lines
        if luck < FAILED_CHANCE + SILENT_CHANCE:
            return "unknown", ""
        return "printed", hashlib.sha256("\n".join(lines).encode()).hexdigest()

    async def open_drawer(self) -> None:
        """The drawer opens."""
