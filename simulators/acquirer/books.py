"""The acquirer's books: what it captured and what it undid, one JSON line each, never a clear card number.

This is what the checker believes about money. A line's `amount_minor` is what moved: 0 for a reversal that
found nothing to undo.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from protocol.masking import mask_pan
from simulators.acquirer.wire import Fields, Trace, original_trace, trace

if TYPE_CHECKING:
    from pathlib import Path

Line = dict[str, Any]


class Books:
    """Lines in memory and, when `path` is given, on disk; a restarted host reads them again."""

    def __init__(self, path: Path | None = None) -> None:
        self._lines: list[Line] = []
        self._captured: dict[Trace, Line] = {}
        self._by_rrn: dict[str, Trace] = {}
        self._undone: set[Trace] = set()
        self._tombstones: set[Trace] = set()
        self._rrn = 0
        if path is not None and path.exists():
            for text in path.read_text().splitlines():
                self._enter(json.loads(text))
        self._file = path.open("a", buffering=1) if path is not None else None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def lines(self) -> list[Line]:
        """Give every line, oldest first."""
        return [dict(line) for line in self._lines]

    def net(self) -> dict[tuple[str, str], int]:
        """Give what is captured and not undone: (tenant, attempt) -> minor units; zero rows included."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for line in self._lines:
            sign = 1 if line["kind"] == "capture" else -1
            sums[line["tenant"], line["attempt"]] += sign * line["amount_minor"]
        return dict(sums)

    def is_reversed(self, request: Fields) -> bool:
        """Say whether a reversal of this purchase came before it."""
        return trace(request) in self._tombstones

    def next_rrn(self) -> str:
        """Give the next retrieval reference number: twelve digits, never one twice."""
        self._rrn += 1
        return f"{self._rrn:012d}"

    def capture(self, request: Fields, rrn: str, approval_code: str, amount_minor: int) -> None:
        """Take the money of a purchase."""
        self._write(
            {
                **_whose(request),
                "kind": "capture",
                "rrn": rrn,
                "approval_code": approval_code,
                "amount_minor": amount_minor,
                "masked": mask_pan(request.get("2", "")),
            }
        )

    def undo(self, request: Fields) -> Line:
        """Undo what a reversal names, by its original's trace or RRN; an unknown original is accepted too."""
        original = original_trace(request)
        if original not in self._captured:
            original = self._by_rrn.get(request.get("37", ""), original)
        captured = self._captured.get(original)
        is_due = captured is not None and original not in self._undone
        line = {
            **_whose(request),
            "kind": "reversal",
            "amount_minor": captured["amount_minor"] if captured is not None and is_due else 0,
            "original": list(original),
            "found": captured is not None,
            "is_repeat": request["t"] == "0401",
            "named_card": "2" in request,
        }
        self._write(line)
        return line

    def _write(self, line: Line) -> None:
        self._enter(line)
        if self._file is not None:
            self._file.write(json.dumps(line, sort_keys=True) + "\n")

    def _enter(self, line: Line) -> None:
        self._lines.append(line)
        if line["kind"] == "capture":
            mine = (line["terminal"], line["stan"], line["de7"])
            self._captured[mine] = line
            self._undone.discard(mine)
            self._by_rrn[line["rrn"]] = mine
            self._rrn = max(self._rrn, int(line["rrn"]))
            return
        original = (line["original"][0], line["original"][1], line["original"][2])
        (self._undone if line["found"] else self._tombstones).add(original)


def _whose(request: Fields) -> Line:
    tenant, _, attempt = request.get("62", "").partition("/")
    terminal, stan, de7 = trace(request)
    return {
        "tenant": tenant,
        "attempt": attempt,
        "terminal": terminal,
        "merchant": request.get("42", "").strip(),
        "stan": stan,
        "de7": de7,
        "currency": request.get("49", ""),
    }
