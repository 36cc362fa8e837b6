"""Reads what the printer sends back: single bytes whose fixed bits tell what they answer.

```
answer to DLE EOT n   0xx1 xx10
answer to GS r        0xx0 xxxx
```
Anything else (automatic status, flow control, noise) is left out. Pure; who asks and waits is `printer.py`.
"""

from __future__ import annotations

from edge.peripherals.events import PrinterStatus

PRINTER, OFFLINE, ERROR, PAPER = 1, 2, 3, 4


def is_real_time(byte: int) -> bool:
    """Whether the byte answers DLE EOT."""
    return byte & 0x93 == 0x12


def is_in_order(byte: int) -> bool:
    """Whether the byte answers GS r, and so proves that all before it was printed."""
    return byte & 0x90 == 0x00


def read_status(answers: dict[int, int]) -> PrinterStatus:
    """Status from the answers by their numbers; what was not answered stays unknown."""
    paper = cover = drawer = "unknown"
    fault = ""
    if PAPER in answers:
        paper = "out" if answers[PAPER] & 0x60 else "near_end" if answers[PAPER] & 0x0C else "ok"
    if OFFLINE in answers:
        cover = "open" if answers[OFFLINE] & 0x04 else "closed"
        if answers[OFFLINE] & 0x20:
            paper = "out"
        fault = "printer-error" if answers[OFFLINE] & 0x40 else ""
    if ERROR in answers:
        fault = (
            "cutter-jammed" if answers[ERROR] & 0x08 else "printer-broken" if answers[ERROR] & 0x20 else fault
        )
    if PRINTER in answers:
        drawer = "high" if answers[PRINTER] & 0x04 else "low"
    return PrinterStatus(paper, cover, drawer, fault)
