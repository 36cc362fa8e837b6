"""Who may change a database: the cloud its schema, a command beside it rows, one that looks nothing at all."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import asyncpg
import pytest

from cloud.database import open_database, use_database
from cloud.database_postgres import PostgresDatabase
from cloud.database_schema import bring_up_to_date, schema_files
from cloud.database_sqlite import SqliteDatabase
from protocol.errors import ConfigError
from tests.brokers import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.database import Access, Database

NUMBER = "SELECT number FROM installation"


async def bare(url: str) -> SqliteDatabase | PostgresDatabase:
    """A database without any schema of ours."""
    if url.startswith("sqlite"):
        return SqliteDatabase(url.removeprefix("sqlite:///"))
    return await PostgresDatabase.open(url)


async def refusal_of(url: str, access: Access) -> str:
    with pytest.raises(ConfigError) as refusal:
        await open_database(url, access)
    return refusal.value.code


async def test_who_looks_reads_what_the_cloud_has_committed_and_can_write_nothing(database_url: str) -> None:
    cloud = await open_database(database_url)
    async with cloud.transaction() as tx:
        await tx.execute("UPDATE installation SET number = 9")

    looking = await open_database(database_url, "look")
    found = await looking.fetch(NUMBER)
    with pytest.raises((sqlite3.OperationalError, asyncpg.ReadOnlySQLTransactionError)):
        async with looking.transaction() as tx:
            await tx.execute("UPDATE installation SET number = 10")
    after = await cloud.fetch(NUMBER)
    await looking.close()
    await cloud.close()

    assert found == after == [(9,)]


async def test_who_looks_reads_a_database_that_nobody_has_open(database_url: str) -> None:
    await (await open_database(database_url)).close()

    looking = await open_database(database_url, "look")

    assert len(await looking.fetch(NUMBER)) == 1
    await looking.close()


@pytest.mark.parametrize("access", ["look", "write"])
async def test_a_database_of_somebody_else_is_refused_and_stays_as_it_was(
    database_url: str, access: Access
) -> None:
    foreign = await bare(database_url)
    await foreign.run_script("CREATE TABLE recipes (name TEXT)")

    refused = await refusal_of(database_url, access)

    assert refused == "schema-absent"
    assert await foreign.tables() == {"recipes"}
    await foreign.close()


@pytest.mark.parametrize("access", ["look", "write"])
async def test_a_schema_of_an_older_version_is_left_to_the_cloud(database_url: str, access: Access) -> None:
    older = await bare(database_url)
    await bring_up_to_date(older, schema_files()[:-1])
    before = await older.fetch("SELECT * FROM schema_file ORDER BY number")

    refused = await refusal_of(database_url, access)

    assert refused == "schema-older"
    assert await older.fetch("SELECT * FROM schema_file ORDER BY number") == before
    await older.close()
    cloud = await open_database(database_url)
    await cloud.close()
    assert await opened_by(database_url, access)


async def opened_by(url: str, access: Access) -> bool:
    await (await open_database(url, access)).close()
    return True


async def test_a_command_that_writes_may_come_before_the_cloud_and_one_that_looks_may_not(
    database_url: str,
) -> None:
    looked = await refusal_of(database_url, "look")

    assert looked in {"database-missing", "schema-absent"}
    assert await opened_by(database_url, "write")
    assert await opened_by(database_url, "look")


@pytest.mark.parametrize("access", ["own", "write", "look"])
async def test_a_file_that_is_no_database_is_a_named_error(tmp_path: Path, access: Access) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear cloud, " * 100)

    refused = await refusal_of(f"sqlite:///{path}", access)

    assert refused == "database-unusable"
    assert path.read_text() == "Dear cloud, " * 100


@pytest.mark.parametrize(
    "url",
    ["postgresql://127.0.0.1:{port}/away", "postgresql://127.0.0.1:nonsense/x", "sqlite:////proc/none/x.db"],
)
@pytest.mark.parametrize("access", ["own", "write"])
async def test_a_database_that_is_away_or_cannot_be_is_a_named_error(url: str, access: Access) -> None:
    assert await refusal_of(url.format(port=free_port()), access) == "database-unusable"


async def test_a_server_that_knows_no_such_database_is_a_named_error(postgres: str) -> None:
    assert await refusal_of(postgres.replace("/postgres?", "/nothing?"), "look") == "database-unusable"


def test_a_server_that_goes_away_under_a_command_is_a_named_error(postgres: str) -> None:
    async def work(database: Database) -> None:
        await database.fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(ConfigError) as refusal:
        use_database(postgres, "write", work)

    assert refusal.value.code == "database-unusable"
