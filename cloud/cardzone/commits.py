"""One SQLite connection whose commits are shared: work that is waiting together becomes durable together.

Work is a plain function of the connection. It runs in a savepoint of its own, so that one failure undoes
nothing of the others, and nobody is answered before the commit. A commit that fails poisons the connection:
what the file holds then is not known, so the process must end and read it afresh.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from protocol.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")

BATCH_MAX = 64  # works in one commit: a thousand a second need sixteen commits, and the first waits little


class SharedCommits:
    """`write` for what changes, `read` for what does not; both only from the event loop's thread."""

    def __init__(self, path: Path, schema: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.executescript(schema)
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self.is_poisoned = False

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` and give its result once it is durable."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((work, done))
        return await done

    def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` at once."""
        return work(self._connection)

    def close(self) -> None:
        """Fold the log into the file, so that nothing erased stays in it, and close."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.close()

    def _flush(self) -> None:
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        try:
            results = self._commit([work for work, _ in batch])
        except sqlite3.Error:
            self.is_poisoned = True
            failure = DeviceError(
                "store-failed", "The card zone's file could not be written", "Check disk and restart"
            )
            results = [failure] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if done.done():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

    def _commit(self, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        if self.is_poisoned:
            raise sqlite3.OperationalError
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        results: list[Any] = []
        for work in works:
            connection.execute("SAVEPOINT work")
            try:
                results.append(work(connection))
            except Exception as error:  # noqa: BLE001 - the work's own failure goes to its own caller
                connection.execute("ROLLBACK TO work")
                results.append(error)
            connection.execute("RELEASE work")
        connection.execute("COMMIT")
        return results
