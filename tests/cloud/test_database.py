"""One SQL text on two engines, and a schema that only grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.database import Database, open_database
from cloud.database_schema import SchemaFile, bring_up_to_date, schema_files
from protocol.errors import CallerError, ConfigError
from tests.cloud.conftest import make_postgres_database

COLUMNS = {
    "sqlite": """
        SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' ORDER BY 1, 2
    """,
    "postgresql": """
        SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
        WHERE table_schema = 'public' ORDER BY 1, 2
    """,
}
KEYS = """
SELECT t.relname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0])
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE i.indisprimary AND n.nspname = 'public' ORDER BY 1
"""


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    async def fail_after_a_change() -> None:
        async with database.transaction() as tx:
            await tx.execute("UPDATE installation SET number = $1 WHERE name = $2", 7, "epoch")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_a_change()

    assert await database.fetch("SELECT number FROM installation") == [(1,)]


@pytest.mark.parametrize("count", [0, 1, 3, 64, 65, 200])
async def test_sets_of_any_size_are_written_and_found(database: Database, count: int) -> None:
    rows = [("acme", f"m{number}", "00", "till", "res", b"\x00\xff", number) for number in range(count)]
    insert = "INSERT INTO outbox (tenant, message, shard, box, lane, payload, created_ms) VALUES :rows"
    query = "SELECT message, payload FROM outbox WHERE (tenant, message) IN (VALUES :rows(text,text))"

    async with database.transaction() as tx:
        await tx.insert_many(insert, rows)
        found = await tx.fetch_in(query, [row[:2] for row in rows])

    assert sorted(found) == sorted((row[1], row[5]) for row in rows)


async def test_a_query_over_rows_without_its_marker_is_our_bug(sqlite: Database) -> None:
    async with sqlite.transaction() as tx:
        with pytest.raises(CallerError, match="sql-marker-missing"):
            await tx.fetch_in("SELECT 1", [(1,)])
        with pytest.raises(CallerError, match="sql-marker-missing"):
            await tx.insert_many("INSERT INTO outbox", [(1,)])


async def test_a_fresh_schema_equals_a_migrated_one(database: Database, postgres: str, tmp_path) -> None:
    is_sqlite = database.engine == "sqlite"
    url = f"sqlite:///{tmp_path}/old.db" if is_sqlite else await make_postgres_database(postgres)
    fresh = await database.fetch(COLUMNS[database.engine])
    migrated = await _open_bare(url)
    for newest in range(1, len(schema_files()) + 1):
        await bring_up_to_date(migrated, schema_files()[:newest])

    grown = await migrated.fetch(COLUMNS[database.engine])
    await migrated.close()

    assert grown == fresh
    assert len(fresh) > 100


async def test_opening_again_keeps_rows_and_applies_nothing_twice(database_url: str) -> None:
    first = await open_database(database_url)
    async with first.transaction() as tx:
        await tx.execute("UPDATE installation SET number = 9")
    await first.close()

    again = await open_database(database_url)
    rows = await again.fetch("SELECT number FROM installation")
    await again.close()

    assert rows == [(9,)]


async def test_an_applied_file_that_was_edited_is_refused(database) -> None:
    files = schema_files()
    edited = [*files[:-1], files[-1]._replace(text=files[-1].text + "-- edited")]

    with pytest.raises(ConfigError, match="schema-changed"):
        await bring_up_to_date(database, edited)


async def test_a_database_of_a_newer_version_is_refused(database) -> None:
    with pytest.raises(ConfigError, match="schema-newer"):
        await bring_up_to_date(database, schema_files()[:-1])


async def test_a_file_that_fails_half_way_leaves_nothing_of_itself(database) -> None:
    broken = SchemaFile(
        len(schema_files()) + 1, "0099_broken.sql", "CREATE TABLE half (x BIGINT); SELECT 1 FROM nowhere"
    )

    with pytest.raises(Exception, match="nowhere"):
        await bring_up_to_date(database, [*schema_files(), broken])

    assert not [row for row in await database.fetch(COLUMNS[database.engine]) if row[0] == "half"]
    assert await bring_up_to_date(database) == len(schema_files())


async def test_tenant_leads_every_primary_key(postgres: str) -> None:
    database = await open_database(await make_postgres_database(postgres))
    keys = {str(row[0]): str(row[1]) for row in await database.fetch(KEYS)}
    await database.close()

    without = {table for table, column in keys.items() if column != "tenant"}

    assert without == {"installation", "schema_file"}
    assert len(keys) > 10


async def test_a_wrong_url_is_named() -> None:
    with pytest.raises(ConfigError, match="database-url-wrong"):
        await open_database("mysql://nowhere")


async def _open_bare(url: str):
    if url.startswith("sqlite"):
        from cloud.database_sqlite import SqliteDatabase

        return SqliteDatabase(url.removeprefix("sqlite:///"))
    from cloud.database_postgres import PostgresDatabase

    return await PostgresDatabase.open(url)


async def test_every_table_is_in_the_reference(sqlite: Database) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/schema.md").read_text("utf-8")
    tables = await sqlite.fetch(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )

    assert [name for (name,) in tables if f"`{name}`" not in page] == []
