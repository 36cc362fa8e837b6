"""libfiu between a program and the C library: SQLite's syncs fail while they shall, and its data is whole after."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

from simulators.torture.failing_syncs import NOT_INSTALLED, is_installed, launcher, let_fail

WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE sale (number INTEGER)")
print("ready", flush=True)
for line in sys.stdin:
    try:
        database.execute("INSERT INTO sale VALUES (?)", (int(line),))
        print("kept", flush=True)
    except sqlite3.OperationalError as error:
        print(error, flush=True)
"""


@pytest.fixture
def place():
    directory = Path(tempfile.mkdtemp(prefix="tillbox-"))  # on a disk: what lies in memory need not be synced
    yield directory
    shutil.rmtree(directory)


async def test_syncs_of_a_database_fail_while_they_shall(place):
    if not is_installed():
        pytest.skip(NOT_INSTALLED)
    pipes, file = place / "fiu", place / "sales.db"
    writer = await asyncio.create_subprocess_exec(
        *launcher(pipes, (sys.executable, "-c", WRITER, str(file))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )

    told, said = writer.stdin, writer.stdout
    assert told is not None, "it was asked for"
    assert said is not None, "it was asked for"

    async def write(number):
        told.write(f"{number}\n".encode())
        return (await said.readline()).decode().strip()

    async with asyncio.timeout(30):
        assert await said.readline() == b"ready\n"
        before = await write(1)
        assert await let_fail(pipes, writer.pid, is_failing=True)
        meanwhile = await write(2)
        assert await let_fail(pipes, writer.pid, is_failing=False)
        after = await write(3)
        told.close()
        await writer.wait()

    assert (before, meanwhile, after) == ("kept", "disk I/O error", "kept")
    with sqlite3.connect(file) as database:
        assert {1, 3} <= {number for (number,) in database.execute("SELECT number FROM sale")}


async def test_a_process_without_libfiu_is_told_from_one_with_it(place):
    assert not await let_fail(place / "fiu", 1, is_failing=True)
