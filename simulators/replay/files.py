"""Where everything of one replay lies, and the plan on disk that the process of the boxes reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.replay.plan import Sale

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReplayFiles:
    """The data directory of one replay."""

    directory: Path

    @property
    def cloud(self) -> Path:
        """The cloud's data directory."""
        return self.directory / "cloud"

    @property
    def image(self) -> Path:
        """The catalogue that is built from the invoices."""
        return self.directory / "invoices.tbc"

    @property
    def acquirer_books(self) -> Path:
        """What the simulated acquirer believes."""
        return self.directory / "acquirer-books.jsonl"

    def box(self, number: int) -> Path:
        """The directory of the `number`-th box, from 1."""
        return self.directory / "boxes" / f"till-{number:02d}"

    def reader_line(self, number: int) -> Path:
        """The serial line of that box's card reader."""
        return self.directory / "devices" / f"reader-{number:02d}"

    def boxes(self) -> list[Path]:
        """Every box that was enrolled."""
        return sorted((self.directory / "boxes").iterdir())

    def log(self, name: str) -> Path:
        """What a process says."""
        return self.directory / f"{name}.log"

    def write_sales(self, sales: Iterable[Sale]) -> None:
        """Write the plan, one sale a line."""
        with self._sales.open("w", encoding="utf-8") as file:
            for sale in sales:
                file.write(json.dumps([sale.invoice, sale.codes, sale.total_minor, sale.by_card]) + "\n")

    def read_sales(self) -> list[Sale]:
        """Read the plan again."""
        with self._sales.open(encoding="utf-8") as file:
            told = [json.loads(line) for line in file]
        return [
            Sale(invoice, tuple((code, quantity) for code, quantity in codes), total, by_card=by_card)
            for invoice, codes, total, by_card in told
        ]

    @property
    def _sales(self) -> Path:
        return self.directory / "sales.jsonl"
