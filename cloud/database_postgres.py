"""PostgreSQL behind the database port, on asyncpg.

Here: the pool, and sets of rows as statements of at most 64 rows, so that a batch costs few round trips and few
plans. Not here: who may write a shard; the consumer that owns it is the one writer of its tables.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from cloud.database import ROWS_IN_ONE_STATEMENT, Row, insert_rows, padded, query_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CONNECTIONS = 4  # one writes; the others serve `explain`, the board and the poller's look
STATEMENT_TIMEOUT_S = (
    30.0  # a batch takes milliseconds; longer means a lock or a dead server: roll back and retry
)


class PostgresTransaction:
    """The statements of one transaction on one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query."""
        return [tuple(row) for row in await self._connection.fetch(sql, *args)]

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return all rows of a query over `VALUES :rows(types)`."""
        return await _fetch_in(self._connection, sql, rows)

    async def execute(self, sql: str, *args: object) -> None:
        """Carry out one statement."""
        await self._connection.execute(sql, *args)

    async def insert_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Insert rows: whole statements of 64, the rest in one pipelined run of single rows."""
        full = len(rows) - len(rows) % ROWS_IN_ONE_STATEMENT
        for start in range(0, full, ROWS_IN_ONE_STATEMENT):
            part = rows[start : start + ROWS_IN_ONE_STATEMENT]
            values = [value for row in part for value in row]
            await self._connection.execute(insert_rows(sql, len(part[0]), len(part)), *values)
        if full < len(rows):
            await self._connection.executemany(insert_rows(sql, len(rows[0]), 1), rows[full:])

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Carry out one statement once for each row of parameters."""
        if rows:
            await self._connection.executemany(sql, rows)


class PostgresDatabase:
    """A pool of connections to one database."""

    engine = "postgresql"
    outages: tuple[type[Exception], ...] = (
        OSError,  # covers time-outs
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.TransactionRollbackError,
    )

    # Whatever keeps it from being opened; an URL that is none is an error of the driver's own.
    faults: tuple[type[Exception], ...] = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, is_read_only: bool = False) -> PostgresDatabase:
        """Connect; `faults` say why not. The server itself holds a connection for reading to that."""
        return cls(
            await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                command_timeout=STATEMENT_TIMEOUT_S,
                statement_cache_size=512,
                server_settings={"default_transaction_read_only": "on"} if is_read_only else {},
            )
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Open a transaction on a connection of its own."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield PostgresTransaction(connection)

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query outside of any transaction."""
        async with self._pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *args)]

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return all rows of a query over `VALUES :rows(types)`, outside of any transaction."""
        async with self._pool.acquire() as connection:
            return await _fetch_in(connection, sql, rows)

    async def run_script(self, text: str) -> None:
        """Carry out the statements of a schema file in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(text)

    async def tables(self) -> set[str]:
        """Return the names of all tables that are ours to see."""
        return {
            row[0]
            for row in await self.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
            )
        }

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()


async def _fetch_in(connection: Any, sql: str, rows: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(rows), ROWS_IN_ONE_STATEMENT):
        values, count = padded(rows[start : start + ROWS_IN_ONE_STATEMENT])
        found.extend(tuple(row) for row in await connection.fetch(query_in(sql, count), *values))
    return found
