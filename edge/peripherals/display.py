"""The pole display: two lines of twenty characters for the person on the other side of the counter.

Written in the CD5220 command set, which most displays know: `ESC Q A text CR` for the upper line, `ESC Q B
text CR` for the lower. Text passes the same choke point as a receipt's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.peripherals.code_pages import check_pages, printable, text_bytes
from edge.peripherals.connection import LinkSettings, SerialSettings, open_link
from edge.peripherals.supervision import DeviceState
from protocol.plain_text import columns, cut

if TYPE_CHECKING:
    from edge.peripherals.connection import Link
    from edge.peripherals.supervision import MonotonicMs, OnEvent

WIDTH = 20
INITIALIZE, CLEAR = b"\x1b@", b"\x0c"
UPPER, LOWER, LINE_END = b"\x1bQA", b"\x1bQB", b"\r"


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """Where the display is, and the character table it was set to by its switches."""

    link: LinkSettings = field(default_factory=lambda: SerialSettings("/dev/tillbox-display"))
    code_page: str = "cp437"

    def __post_init__(self) -> None:
        check_pages((self.code_page,))


class PoleDisplay:
    """`run()` is one connected life; `show` may be called at any time, the newest text wins."""

    def __init__(
        self, settings: DisplaySettings, on_event: OnEvent, clock: MonotonicMs, name: str = "display"
    ) -> None:
        self.state = DeviceState(name, on_event)
        self._settings = settings
        self._clock = clock
        self._wanted = ("", "")
        self._changed = asyncio.Event()

    def show(self, upper: str, lower: str = "") -> None:
        """Show two lines; too long ones are cut with dots. A display that comes back shows them, too."""
        self._wanted = (upper, lower)
        self._changed.set()

    async def run(self) -> None:
        """Keep the display up to date until the link breaks (DeviceError)."""
        link = await open_link(self._settings.link, self.state.device)
        listener = asyncio.create_task(self._listen(link))
        writer = asyncio.create_task(self._keep(link))
        try:
            done, _ = await asyncio.wait((listener, writer), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            link.close()
            for task in (listener, writer):
                task.cancel()
            await asyncio.gather(listener, writer, return_exceptions=True)

    async def _keep(self, link: Link) -> None:
        await link.write(INITIALIZE + CLEAR)
        self.state.become("ready")
        while True:
            self._changed.clear()
            upper, lower = self._wanted
            await link.write(UPPER + self._line(upper) + LINE_END + LOWER + self._line(lower) + LINE_END)
            await self._changed.wait()

    async def _listen(self, link: Link) -> None:
        """Drop what the display says; this is how its unplugging is noticed."""
        while True:
            await link.read()

    def _line(self, text: str) -> bytes:
        pages = (self._settings.code_page,)
        shown = cut(printable(text, pages), WIDTH)
        return b"".join(data for _, data in text_bytes(shown + " " * (WIDTH - columns(shown)), pages))
