"""Group commit on the agent's loop: basket lines share one sync within 20 ms, a tender waits for its own.

Inline (no executor) the loop stands still for one fdatasync: the shortest way to durable. With a one-thread executor
the loop goes on meanwhile; a sync then costs two changes of thread more. A box takes the better of both: the shared
sync, for which nobody waits, leaves the loop, so that no scan waits for a slow disk; a tender, for which a person
waits, is synced inline (`is_inline_for_waiters`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.journal.bounds import SHARED_SYNC_S
from protocol.errors import DeviceError
from protocol.faults import declare, fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from edge.journal.journal import Journal

SHARED = declare("journal.shared_sync", "the time of the shared sync has come, nothing is written yet")


class Committer:
    """Syncs one journal. `synced` is called, on the loop, whenever more records are durable.

    `failed` gets the error of a shared sync, for which nobody waits.
    """

    def __init__(
        self,
        journal: Journal,
        synced: Callable[[], None],
        failed: Callable[[DeviceError], None],
        executor: Executor | None = None,
        *,
        is_inline_for_waiters: bool = False,
    ) -> None:
        self._journal = journal
        self._synced = synced
        self._failed = failed
        self._executor = executor
        self._is_inline_for_waiters = is_inline_for_waiters
        self._under_way: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def append(self, body: bytes) -> int:
        """Append a record that will be durable within 20 ms, with its neighbours; return its seq."""
        seq = self._journal.append(body)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SHARED_SYNC_S, self._shared)
        return seq

    async def sync(self) -> None:
        """Return when everything appended so far is durable. DeviceError as in Journal.end_sync, for every waiter."""
        target = self._journal.last_seq
        while self._journal.synced_through < target:
            if self._under_way is None:
                if self._executor is None or self._is_inline_for_waiters:
                    self._sync_inline()
                    return
                self._under_way = asyncio.get_running_loop().create_task(self._sync_outside(self._executor))
            await asyncio.shield(self._under_way)

    async def close(self) -> None:
        """Let the sync under way end, then close the journal."""
        if self._timer is not None:
            self._timer.cancel()
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        self._journal.close()

    def _sync_inline(self) -> None:
        self._disarm()
        self._journal.sync()
        self._synced()

    async def _sync_outside(self, executor: Executor) -> None:
        try:
            self._disarm()
            job = self._journal.begin_sync()
            if job is None:
                raise DeviceError(
                    "journal-reopened", "The records are gone with a reopened journal", "Start again"
                )
            await asyncio.get_running_loop().run_in_executor(executor, job.run)
            self._journal.end_sync(job)
        finally:
            self._under_way = None
        self._synced()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _shared(self) -> None:
        self._timer = None
        if self._journal.synced_through >= self._journal.last_seq:
            return  # somebody who could not wait was faster
        fault(SHARED)
        if self._executor is None:
            try:
                self._sync_inline()
            except DeviceError as error:
                self._failed(error)
        elif self._under_way is None:
            self._under_way = asyncio.get_running_loop().create_task(self._sync_outside(self._executor))
            self._under_way.add_done_callback(self._report)
        else:  # what came after the present job began needs one more
            self._under_way.add_done_callback(lambda _: self._shared())

    def _report(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, DeviceError):
            self._failed(error)
