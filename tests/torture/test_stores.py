"""A copy of the cloud's database is put back whole, and what PostgreSQL holds reaches the checker as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg
import pytest

from cloud.database import open_database
from simulators.checker.cloud_side import read_cloud
from simulators.torture.stores import OPEN_ATTEMPTS, STORED, PostgresStore, SqliteStore
from tests.cloud.estate import Estate
from tests.cloud.payment_steps import begin, pay

EPOCH = "SELECT number FROM installation WHERE name = 'epoch'"
RAISE = "UPDATE installation SET number = number + 1 WHERE name = 'epoch'"


async def test_an_sqlite_file_is_put_back_with_nothing_of_the_newer_one_left(tmp_path):
    cloud, backup = tmp_path / "cloud", tmp_path / "backup"
    cloud.mkdir()
    backup.mkdir()
    store = SqliteStore(cloud, backup)
    await (await open_database(f"sqlite:///{cloud}/cloud.db")).close()
    before = await store.number(EPOCH)
    await store.back_up()
    with closing(
        sqlite3.connect(cloud / "cloud.db")
    ) as killed:  # its log of writes stays behind, as after a kill
        killed.execute("PRAGMA journal_mode=WAL")
        killed.execute(RAISE)
        killed.commit()
        after = await store.number(EPOCH)
        written_ahead = (cloud / "cloud.db-wal").read_bytes()
    (cloud / "cloud.db-wal").write_bytes(written_ahead)

    await store.put_back()

    assert (before, after) == (1, 2)
    assert await store.number(EPOCH) == 1
    assert await store.evidence() == cloud / "cloud.db"


@pytest.mark.slow
async def test_a_postgresql_database_is_put_back_although_somebody_is_still_connected(tmp_path):
    store = PostgresStore(tmp_path)
    try:
        await store.start()
        await (await open_database(store.url)).close()
        await store.back_up()
        lingering = await asyncpg.connect(store.url)
        await lingering.execute(RAISE)
        after = await store.number(EPOCH)

        await store.put_back()

        assert after == 2
        assert await store.number(EPOCH) == 1
    finally:
        await store.stop()


@pytest.mark.slow
async def test_what_postgresql_holds_of_a_sale_is_what_the_checker_reads(tmp_path):
    store = PostgresStore(tmp_path)
    try:
        await store.start()
        database = await open_database(store.url)
        estate = Estate(database)
        till, order, priced, tender = await begin(estate)
        await pay(estate, till, tender)
        till.result(tender)
        till.complete(order, priced, tender)
        await estate.hear(till, "evt", till.batch())

        found = read_cloud(await store.evidence())

        assert [sale.state for sale in found.orders.values()] == ["completed"]
        assert len(next(iter(found.frames.values()))) == await store.number(STORED) > 0
        assert await store.number(OPEN_ATTEMPTS) == 0
        assert found.broken_chains() == []
        assert sum(posting.amount_minor for posting in found.postings) == 0
        assert len(found.postings) > 2
        await estate.consumer.close()
        await database.close()
    finally:
        await store.stop()
