"""A box's screen as a person sees it: dark while the box is dead, and looked at only when somebody wants to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DARK: dict[str, Any] = {"page": "dark", "sale": None}


class Eyes:
    """Implements `edge.ports.ServedScreen`; one for all lives of a box."""

    def __init__(self) -> None:
        self.address = ""
        self._look: Callable[[], dict[str, Any]] | None = None
        self._is_on = False
        self._changed = asyncio.Event()

    @property
    def view(self) -> dict[str, Any]:
        """What stands on the screen now."""
        return self._look() if self._look is not None and self._is_on else DARK

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        """See ServedScreen."""
        if self._is_on:
            self._look = look
            self._changed.set()

    def open(self) -> None:
        """A box starts: its screen is dark until it shows something."""
        self._look, self._is_on = None, True

    def shut(self) -> None:
        """The box is dead."""
        self._is_on, self.address = False, ""
        self._changed.set()

    async def run(self) -> None:
        """See ServedScreen."""
        self.address = "world"
        await asyncio.Event().wait()

    async def started(self) -> None:
        """See ServedScreen."""

    async def until(self, seen: Callable[[dict[str, Any]], Any], patience_s: float) -> dict[str, Any]:
        """The first view for which `seen` is true; TimeoutError when none comes in time."""
        async with asyncio.timeout(patience_s):
            while not seen(view := self.view):
                self._changed.clear()
                await self._changed.wait()
        return view
