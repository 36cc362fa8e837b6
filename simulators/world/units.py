"""Who runs in the world, and what happens when one of them dies: every process is started again after a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.errors import DeviceError
from simulators.world.process import PRESENT, PowerCut, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from simulators.world.ground import Ground

RESTART_S = 1.0  # a process that ended by itself is started again by whoever supervises it
ENDS_IN_A_ROW_MAX = (
    120  # twice as long as any disk of the world stays full: one that ends on and on is a finding
)


@dataclass(slots=True)
class Unit:
    """One process of the world through all its lives; `kind` is box, cloud or zone."""

    kind: str
    name: str
    live: Callable[[], Coroutine[Any, Any, None]]
    process: Process | None = None
    is_held: bool = False  # somebody works on the machine: it is not started meanwhile
    ends_in_a_row: int = 0  # since it lived for longer than its supervisor waits
    began_s: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and not self.process.is_dead and not self.process.task.done()


@dataclass(slots=True)
class Units:
    """All processes. `at_point` hears of every fault point that a living process passes, and may crash it there."""

    ground: Ground
    all: list[Unit] = field(default_factory=list)
    at_point: Callable[[Unit, str], bool] = lambda unit, name: False  # noqa: ARG005 - nobody listens yet
    is_ending: bool = False

    def add(self, unit: Unit) -> Unit:
        """Have one more, and start it."""
        self.all.append(unit)
        self.begin(unit)
        return unit

    def begin(self, unit: Unit) -> None:
        """Start a unit that does not run."""
        if self.is_ending or unit.is_alive or unit.is_held:
            return
        process = Process(unit.kind, unit.name)
        unit.process = process
        unit.began_s = self.ground.loop.time()
        self.ground.trace.note("process.started", unit.name)
        process.start(self.ground.loop, unit.live)
        process.task.add_done_callback(lambda task: self._ended(unit, process, task))

    def crash(self, unit: Unit, down_s: float) -> None:
        """Kill a unit now, and start it again later."""
        if not unit.is_alive or unit.process is None:
            return
        self.ground.trace.note("process.crashed", unit.name)
        self.ground.loop.resume(unit.process)
        unit.process.crash()
        self.ground.loop.call_later(down_s, self.begin, unit)

    async def hold(self, unit: Unit) -> None:
        """Stop a unit in good order, and keep it from being started."""
        unit.is_held = True
        await self._stop(unit)

    async def use_tool(self, unit: Unit, tool: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Run a program on the machine of a held unit; False when it died, or when a device told it to stop."""
        process = unit.process = Process(unit.kind, unit.name)
        self.ground.trace.note("tool.started", unit.name)
        process.start(self.ground.loop, tool)
        await asyncio.wait([process.task])
        error = None if process.task.cancelled() else process.task.exception()
        is_done = error is None and not process.is_dead
        if error is not None and not process.is_dead and not isinstance(_first_cause(error), DeviceError):
            self.ground.loop.failures.append(f"a tool at {unit.name} failed: {error!r}")
        process.crash()
        return is_done

    def let_go(self, unit: Unit) -> None:
        """Nobody works on the machine any more: start it."""
        unit.is_held = False
        self.begin(unit)

    def passed(self, name: str) -> None:
        """The hook of `protocol.faults`: stop whoever is dead, and whoever dies here."""
        process = PRESENT.get()
        if process is None:
            return
        if process.is_dead:
            raise PowerCut
        self.ground.trace.note(name, process.name)
        unit = next(unit for unit in self.all if unit.process is process)
        if self.at_point(unit, name):
            raise PowerCut

    async def stop(self) -> None:
        """End all of them in good order: boxes first, the card zone last."""
        self.is_ending = True
        for unit in self.all:
            await self._stop(unit)

    async def _stop(self, unit: Unit) -> None:
        process = unit.process
        if unit.is_alive and process is not None:
            self.ground.loop.resume(process)
            process.task.cancel()
            await asyncio.wait([process.task])
            process.crash()  # closes its files; nothing is left to lose

    def _ended(self, unit: Unit, process: Process, task: asyncio.Task[None]) -> None:
        """A process that ends by itself is a finding, but for a box whose disk told it to start again."""
        if process.is_dead or self.is_ending or unit.is_held:
            return
        error = None if task.cancelled() else task.exception()
        cause = _first_cause(error)
        self.ground.trace.note("process.ended", unit.name, type(cause).__name__)
        if not isinstance(cause, DeviceError):
            self.ground.loop.failures.append(f"{unit.name} ended by itself: {cause!r}")
        process.crash()
        is_in_a_row = self.ground.loop.time() - unit.began_s < RESTART_S
        unit.ends_in_a_row = unit.ends_in_a_row + 1 if is_in_a_row else 1
        if unit.ends_in_a_row < ENDS_IN_A_ROW_MAX:
            self.ground.loop.call_later(RESTART_S, self.begin, unit)
        else:
            self.ground.loop.failures.append(f"{unit.name} does not come up any more: {cause}")


def _first_cause(error: BaseException | None) -> BaseException | None:
    """The first error among tasks that ended each other."""
    return _first_cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
