"""One process of the world: everything that dies together. Tasks and callbacks know theirs by a context variable.

A crash is a power cut for that process: its disk, links and connections are dead at once, the task at the fault point
stops there, and what its other tasks still do while they are cancelled reaches nobody.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine


class PowerCut(BaseException):
    """The process is gone: nothing in it may go on. No `except Exception` may hold it up."""


class Process:
    """One life of one process; a restart is another object. `kind` is box, cloud or zone."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        self.is_dead = False
        self._cut: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop, live: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin to live; what `live` starts belongs to this process."""
        context = copy_context()
        context.run(PRESENT.set, self)
        self._task = loop.create_task(self._live(live), context=context)

    def cut_with(self, cut: Callable[[], None]) -> None:
        """Have this called when the process crashes."""
        self._cut.append(cut)

    def crash(self) -> None:
        """Die now."""
        if self.is_dead:
            return
        self.is_dead = True
        for cut in self._cut:
            cut()
        if self._task is not None:
            self._task.cancel()

    @property
    def task(self) -> asyncio.Task[None]:
        """What this process runs."""
        assert self._task is not None, "the process was started"
        return self._task

    async def _live(self, live: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """What a dying process still raises is nobody's business; what a living one raises is."""
        try:
            await live()
        except BaseException:
            if not self.is_dead:
                raise


PRESENT: ContextVar[Process | None] = ContextVar("PRESENT", default=None)
