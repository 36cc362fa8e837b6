"""The printer's sensors and how it answers for them; bit positions as in the ESC/POS command reference.

```
DLE EOT 1 (printer)  0001 0010 | drawer switch high 0000 0100 | off-line 0000 1000
DLE EOT 2 (off-line) 0001 0010 | cover 0000 0100 | paper end 0010 0000 | error 0100 0000
DLE EOT 3 (error)    0001 0010 | cutter 0000 1000 | unrecoverable 0010 0000
DLE EOT 4 (paper)    0001 0010 | near end 0000 1100 | end 0110 0000
GS r 1 (paper)       0000 0000 | near end 0000 0011 | end 0000 1100
GS r 2 (drawer)      0000 0000 | switch high 0000 0001
```
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Sensors:
    """What a hand can change at the printer. `rows_left` None is a roll that does not end."""

    is_cover_open: bool = False
    is_near_end: bool = False
    is_paper_out: bool = False
    is_cutter_jammed: bool = False
    is_drawer_high: bool = False
    rows_left: int | None = None
    near_end_rows: int = 20

    @property
    def is_offline(self) -> bool:
        """Whether printing stands still."""
        return self.is_cover_open or self.is_paper_out or self.is_cutter_jammed

    def take_row(self) -> None:
        """Use one row of paper; the last one leaves the printer without."""
        if self.rows_left is None:
            return
        self.rows_left = max(0, self.rows_left - 1)
        self.is_near_end = self.rows_left <= self.near_end_rows
        self.is_paper_out = self.rows_left == 0

    def new_roll(self) -> None:
        """Put in paper that does not end."""
        self.rows_left = None
        self.is_near_end = self.is_paper_out = False

    def real_time(self, number: int) -> bytes:
        """Answer DLE EOT; nothing for a number that does not exist."""
        if number == 1:
            bits = 0x04 * self.is_drawer_high | 0x08 * self.is_offline
        elif number == 2:
            bits = 0x04 * self.is_cover_open | 0x20 * self.is_paper_out | 0x40 * self.is_cutter_jammed
        elif number == 3:
            bits = 0x08 * self.is_cutter_jammed
        elif number == 4:
            bits = 0x0C * (self.is_near_end or self.is_paper_out) | 0x60 * self.is_paper_out
        else:
            return b""
        return bytes([0x12 | bits])

    def buffered(self, number: int) -> bytes:
        """Answer GS r, which the printer reaches in the order of its input."""
        if number in (1, 49):
            return bytes([0x03 * (self.is_near_end or self.is_paper_out) | 0x0C * self.is_paper_out])
        if number in (2, 50):
            return bytes([0x01 * self.is_drawer_high])
        return b""

    def automatic(self) -> bytes:
        """Answer GS a with the four bytes of the automatic status."""
        first = 0x10 | 0x04 * self.is_drawer_high | 0x08 * self.is_offline | 0x20 * self.is_cover_open
        third = 0x03 * (self.is_near_end or self.is_paper_out) | 0x0C * self.is_paper_out
        return bytes([first, 0x08 * self.is_cutter_jammed, third, 0])
