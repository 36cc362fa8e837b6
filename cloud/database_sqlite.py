"""SQLite behind the database port: the embedded default.

One writing connection, used on the event loop itself, and one that only reads. Why not in a thread: measured
with batches of 64 messages, a hop to a thread and back for each statement costs more than the statement, and the
commit (one fdatasync of the write-ahead log) blocks for less time than the batch before it took to compute. WAL
with synchronous=FULL: what is committed survives a power cut.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.database import ROWS_IN_ONE_STATEMENT, Row, insert_rows, padded, query_in
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CHECKPOINT_PAGES = 4000  # 16 MB of log: few checkpoints in a backlog, still a short recovery
CACHED_STATEMENTS = 512  # more than all texts of the stores, in all their lengths
BUSY_TIMEOUT_MS = 5000  # another process (a backup, `tillbox explain`) may hold the file for a moment

_PARAMETER = re.compile(r"\$(\d+)")


class SqliteTransaction:
    """The statements of one transaction on the writing connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query."""
        return self._connection.execute(_own(sql), args).fetchall()

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return all rows of a query over `VALUES :rows(types)`."""
        return _fetch_in(self._connection, sql, rows)

    async def execute(self, sql: str, *args: object) -> None:
        """Carry out one statement."""
        self._connection.execute(_own(sql), args)

    async def insert_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Insert rows. One prepared statement run for each row is SQLite's fastest way."""
        if rows:
            self._connection.executemany(_own(insert_rows(sql, len(rows[0]), 1)), rows)

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Carry out one statement once for each row of parameters."""
        if rows:
            self._connection.executemany(_own(sql), rows)


class SqliteDatabase:
    """An open SQLite file."""

    engine = "sqlite"
    outages: tuple[type[Exception], ...] = (sqlite3.OperationalError,)  # busy, disk full, I/O error

    faults: tuple[type[Exception], ...] = (sqlite3.Error, OSError)  # whatever keeps it from being opened

    def __init__(self, path: str, *, is_read_only: bool = False) -> None:
        if is_read_only:
            if not Path(path).is_file():
                raise ConfigError(
                    "database-missing", f"There is no {path}", "Name the right one, or start the cloud once"
                )
            self._writer = self._reader = _connect(path, is_read_only=True)
        else:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path)
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: str, *, is_read_only: bool = False) -> SqliteDatabase:
        """Open a file; `faults` say why not. One that is opened for reading only is never changed."""
        return cls(path, is_read_only=is_read_only)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        """Open the one writing transaction, in turn."""
        async with self._turn:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteTransaction(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query on the reading connection."""
        return self._reader.execute(_own(sql), args).fetchall()

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return all rows of a query over `VALUES :rows(types)` on the reading connection."""
        return _fetch_in(self._reader, sql, rows)

    async def run_script(self, text: str) -> None:
        """Carry out the statements of a schema file in one transaction.

        Every table of ours has a primary key that leads every search; kept as the table itself instead of beside a row
        number, it saves a fifth of the time of a batch (measured).
        """
        text = text.replace("\n);", "\n) WITHOUT ROWID;")
        try:
            self._writer.executescript("BEGIN IMMEDIATE;" + text + ";COMMIT;")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    async def tables(self) -> set[str]:
        """Return the names of all tables that are ours to see."""
        return {row[0] for row in await self.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")}

    async def close(self) -> None:
        """Close both connections; the log is folded into the file."""
        self._reader.close()
        self._writer.close()


def _connect(path: str, *, is_read_only: bool = False) -> sqlite3.Connection:
    name = Path(path).absolute().as_uri() + ("?mode=ro" if is_read_only else "")
    connection = sqlite3.connect(name, uri=True, isolation_level=None, cached_statements=CACHED_STATEMENTS)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def _fetch_in(connection: sqlite3.Connection, sql: str, rows: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(rows), ROWS_IN_ONE_STATEMENT):
        values, count = padded(rows[start : start + ROWS_IN_ONE_STATEMENT])
        found.extend(connection.execute(_own(query_in(sql, count)), values))
    return found


@lru_cache(maxsize=2048)
def _own(sql: str) -> str:
    """Write the parameters as SQLite numbers them."""
    return _PARAMETER.sub(r"?\1", sql)
