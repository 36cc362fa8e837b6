"""The named timers of the flows: started again at nearly every touch, and hardly ever run out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.events import TimerFired

if TYPE_CHECKING:
    from edge.ports import Post


class Timers:
    """At most one timer a name. Starting a running one again only moves its end: the loop's own timer stays."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, delay_ms: int, post: Post) -> None:
        """Post TimerFired(name) after the delay, counted from now; an earlier start of that name is forgotten."""
        loop = asyncio.get_running_loop()
        end = loop.time() + delay_ms / 1000
        self._ends[name] = end
        handle = self._handles.get(name)
        if handle is not None and handle.when() <= end:
            return
        if handle is not None:
            handle.cancel()
        self._handles[name] = loop.call_at(end, self._look, name, post)

    def stop(self, name: str) -> None:
        """Forget the timer of that name, if it runs."""
        self._ends.pop(name, None)

    def stop_all(self) -> None:
        """Forget all timers, also in the loop."""
        self._ends.clear()
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _look(self, name: str, post: Post) -> None:
        """The loop's timer ran out: fire, or wait for the end as it stands now."""
        handle = self._handles.pop(name)
        end = self._ends.get(name)
        if end is None:
            return
        if handle.when() < end:
            self._handles[name] = asyncio.get_running_loop().call_at(end, self._look, name, post)
            return
        del self._ends[name]
        post(TimerFired(name))
