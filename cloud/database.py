"""The database port: one SQL text, two engines.

Here: what a store may do inside a transaction, the choice of the engine by URL, and who may change the schema. Not
here: the engines (`database_sqlite`, `database_postgres`), the numbered schema files (`schema/`, applied by
`database_schema`), nor any table's meaning (each service's `store`).

The one SQL text: parameters are `$1`, `$2`; sets of rows are written `VALUES :rows`, and in a query with the
types of their columns, `VALUES :rows(text,bigint)`; conflicts are `ON CONFLICT`; there is no sequence, no
array, no JSON operator and no engine's own function in it.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from protocol.errors import CallerError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

Row = tuple[Any, ...]
T = TypeVar("T")
Access = Literal["own", "write", "look"]

SQLITE_URL = "sqlite:///"

ROWS_IN_ONE_STATEMENT = 64  # a batch of the consumer; longer sets gain nothing (measured) and cost plans

_ROWS_TYPED = re.compile(r"VALUES :rows\(([a-z, ]+)\)")


class Transaction(Protocol):
    """One database transaction. All of it is committed, or nothing."""

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query."""
        ...

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return all rows of a query with `... IN (VALUES :rows(types))`, for any number of `rows`."""
        ...

    async def execute(self, sql: str, *args: object) -> None:
        """Carry out one statement."""
        ...

    async def insert_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Insert `rows` with a statement that contains `VALUES :rows`; no rows, no statement."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Carry out one statement once for each row of parameters."""
        ...


class Database(Protocol):
    """An open database. One writer at a time; readers do not wait for it."""

    engine: str
    outages: tuple[type[Exception], ...]  # the database is away or busy: the same transaction may pass later

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction: committed at the end of the block, rolled back by an exception."""
        ...

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query outside of any transaction: what is committed now."""
        ...

    async def fetch_in(self, sql: str, rows: Sequence[Row]) -> list[Row]:
        """Return what is committed now, of a query as `Transaction.fetch_in` takes it."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def open_database(url: str, access: Access = "own") -> Database:
    """Open `sqlite:///path` or `postgresql://...`.

    `access` says for whom: the cloud itself ("own") brings the schema to the newest number; a command that writes a row
    beside it ("write") makes the schema of an empty database and never changes another; a command that looks ("look")
    opens for reading only. ConfigError: "database-url-wrong", "database-missing", "database-unusable",
    "schema-changed", "schema-newer", "schema-older", "schema-absent".
    """
    from cloud import database_schema  # noqa: PLC0415 - drivers are imported only when one is opened

    database = await _opened(url, is_read_only=access == "look")
    try:
        if access == "own":
            await database_schema.bring_up_to_date(database)
        elif access == "write":
            await database_schema.make_or_check(database)
        else:
            await database_schema.check(database)
    except BaseException as error:
        await database.close()
        if isinstance(error, database.faults):
            raise unusable(error) from error
        raise
    opened: Database = database
    return opened


def use_database(url: str, access: Access, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do some work of a command with a database open; ConfigError also when it goes away meanwhile."""

    async def run() -> T:
        database = await open_database(url, access)
        try:
            return await work(database)
        except database.outages as error:
            raise unusable(error) from error
        finally:
            await database.close()

    return asyncio.run(run())


def unusable(error: BaseException) -> ConfigError:
    """The fault of a database that is away, refuses us, or is none; the driver's words hold no secret."""
    words = str(error).strip().partition("\n")[0] or type(error).__name__
    return ConfigError(
        "database-unusable",
        f"The database cannot be used: {words}",
        "See that it runs and that the setting database names it",
    )


async def _opened(url: str, *, is_read_only: bool) -> Any:
    engine: Any
    if url.startswith(SQLITE_URL):
        from cloud.database_sqlite import SqliteDatabase  # noqa: PLC0415 - as above

        engine, place = SqliteDatabase, url.removeprefix(SQLITE_URL)
    elif url.startswith(("postgresql://", "postgres://")):
        from cloud.database_postgres import PostgresDatabase  # noqa: PLC0415 - as above

        engine, place = PostgresDatabase, url
    else:
        raise ConfigError(
            "database-url-wrong",
            "The database is neither sqlite:///path nor postgresql://",
            "Mend the setting database",
        )
    try:
        return await engine.open(place, is_read_only=is_read_only)
    except engine.faults as error:
        raise unusable(error) from error


@lru_cache(maxsize=1024)
def query_in(sql: str, count: int) -> str:
    """Write out `VALUES :rows(types)` for `count` rows; the first row carries the types.

    >>> query_in("SELECT 1 WHERE (1, 2) IN (VALUES :rows(bigint, bigint))", 2)
    'SELECT 1 WHERE (1, 2) IN (VALUES (cast($1 as bigint),cast($2 as bigint)),($3,$4))'
    """
    found = _ROWS_TYPED.search(sql)
    if found is None:
        raise CallerError(
            "sql-marker-missing", "A query over rows has no VALUES :rows(types)", "Mend the SQL text"
        )
    types = [name.strip() for name in found.group(1).split(",")]
    width = len(types)
    first = ",".join(f"cast(${place} as {name})" for place, name in enumerate(types, 1))
    rest = [
        "(" + ",".join(f"${row * width + place + 1}" for place in range(width)) + ")"
        for row in range(1, count)
    ]
    return sql.replace(found.group(0), "VALUES " + ",".join([f"({first})", *rest]))


@lru_cache(maxsize=1024)
def insert_rows(sql: str, width: int, count: int) -> str:
    """Write out `VALUES :rows` of an insert for `count` rows of `width` columns.

    >>> insert_rows("INSERT INTO t (a, b) VALUES :rows", 2, 2)
    'INSERT INTO t (a, b) VALUES ($1,$2),($3,$4)'
    """
    if "VALUES :rows" not in sql:
        raise CallerError("sql-marker-missing", "An insert of rows has no VALUES :rows", "Mend the SQL text")
    rows = [
        "(" + ",".join(f"${row * width + place + 1}" for place in range(width)) + ")" for row in range(count)
    ]
    return sql.replace("VALUES :rows", "VALUES " + ",".join(rows))


def padded(rows: Sequence[Row]) -> tuple[list[object], int]:
    """Return all values of `rows` in a line, the last row repeated up to a power of two, and their number.

    Few different lengths mean few prepared statements; a row twice in an `IN` changes nothing.
    """
    count = 1
    while count < len(rows):
        count *= 2
    values = [value for row in rows for value in row]
    values.extend(list(rows[-1]) * (count - len(rows)))
    return values, count
