"""One asyncio event loop for a whole world: its time jumps, its order of ready tasks comes from the seed.

Nothing real happens here: no socket, no thread, no waiting. When nothing is ready, the clock jumps to the next timer.
Work for an executor runs inline, a seeded moment later. In-memory connections are in `streams`, who lives in
`process`.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Any

from protocol.errors import CallerError
from simulators.world.process import PRESENT, PowerCut
from simulators.world.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from random import Random

    from simulators.world.process import Process

RESOLUTION_S = 1e-9  # timers nearer than this are due together, on every machine
EXECUTOR_S = 0.004  # a disk answers a thread within a few milliseconds


class WorldTask(asyncio.Task[Any]):
    """A task that hashes by its number: sets of tasks have one order in every process of the same seed."""

    def __init__(self, number: int, coroutine: Any, context: Context | None, **more: Any) -> None:
        self.number = number
        self.owner = PRESENT.get() if context is None else context.get(PRESENT)
        super().__init__(coroutine, context=context, **more)

    def __hash__(self) -> int:
        return self.number


class WorldLoop(asyncio.BaseEventLoop):
    """See the module. `failures` holds what callbacks and forgotten tasks raised: a finding, whoever's."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.failures: list[str] = []
        self._chance = chance
        self._now_s = 0.0
        self._task_count = 0
        self._streams = Streams(self, chance)
        self._held: dict[Process, list[Any]] = {}  # what paused processes will do when they go on
        self.set_task_factory(self._make_task)
        self.set_exception_handler(self._note_failure)

    def time(self) -> float:
        """Seconds since the world began."""
        return self._now_s

    def pause(self, process: Process) -> None:
        """Let a process stand still, as if it was stopped by a signal."""
        self._held.setdefault(process, [])

    def resume(self, process: Process) -> None:
        """Let it go on with everything that became due meanwhile."""
        self._ready.extend(self._held.pop(process, ()))  # type: ignore[attr-defined]

    def run_in_executor(  # type: ignore[override]  # nobody needs to know which types pass through
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run `func` here, at a seeded moment soon."""
        del executor
        done: asyncio.Future[Any] = self.create_future()

        def work() -> None:
            if done.cancelled():
                return
            try:
                done.set_result(func(*args))
            except BaseException as error:  # noqa: BLE001 - it goes to whoever waits
                done.set_exception(error)

        self.call_later(self._chance.uniform(0, EXECUTOR_S), work)
        return done

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any
    ) -> Any:
        """Connect to a server of this world."""
        del host
        return await self._streams.connect(protocol_factory, port)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Listen on a port of this world."""
        del host
        return self._streams.listen(protocol_factory, port)

    async def create_unix_connection(self, protocol_factory: Any, path: Any = None, **_: Any) -> Any:
        """Connect to a server of this world by path."""
        return await self._streams.connect(protocol_factory, path)

    async def create_unix_server(self, protocol_factory: Any, path: Any = None, **_: Any) -> Any:
        """Listen at a path of this world."""
        return self._streams.listen(protocol_factory, path)

    def _run_once(self) -> None:
        """One turn: what is due becomes ready, tasks that are ready run in a seeded order."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:  # noqa: SLF001 - the handles of our own base class
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(timers)._scheduled = False  # noqa: SLF001
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            if not timers:
                raise CallerError(
                    "world-stands-still", "Nothing is ready and no timer runs", "Report this seed"
                )
            self._now_s = max(self._now_s, timers[0]._when)  # noqa: SLF001
        end = self._now_s + RESOLUTION_S
        while timers and timers[0]._when < end:  # noqa: SLF001
            handle = heapq.heappop(timers)
            handle._scheduled = False  # noqa: SLF001
            ready.append(handle)
        self._mix(ready)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:  # noqa: SLF001
                continue
            if self._held and (owner := handle._context.get(PRESENT)) in self._held:  # noqa: SLF001
                self._held[owner].append(handle)
            else:
                handle._run()  # noqa: SLF001

    def _mix(self, ready: Any) -> None:
        """Let the seed decide which of several ready tasks goes first.

        Plain callbacks keep their places: asyncio promises their order, and the product may rely on it.
        """
        if len(ready) < 2:
            return
        tasks = [
            place
            for place, handle in enumerate(ready)
            if isinstance(getattr(handle._callback, "__self__", None), WorldTask)  # noqa: SLF001
        ]
        if len(tasks) < 2:
            return
        mixed = [ready[place] for place in tasks]
        self._chance.shuffle(mixed)
        for place, handle in zip(tasks, mixed, strict=True):
            ready[place] = handle

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None
    ) -> asyncio.Task[Any]:
        self._task_count += 1
        return WorldTask(self._task_count, coroutine, context, loop=loop)

    def _note_failure(self, loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        del loop
        error = told.get("exception")  # a task that was only forgotten raised nothing
        task, handle = told.get("task") or told.get("future"), told.get("handle")
        owner = task.owner if isinstance(task, WorldTask) else None
        if handle is not None:
            owner = handle._context.get(PRESENT)  # noqa: SLF001 - a handle of our own base class
        is_of_the_dead = owner is not None and owner.is_dead
        if error is not None and not is_of_the_dead and not isinstance(error, PowerCut):
            self.failures.append(f"{told.get('message')}: {error!r}")

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector that would have to be woken."""
