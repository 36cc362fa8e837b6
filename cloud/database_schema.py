"""Brings a database to the newest schema: numbered SQL files, forward only, each applied once and whole.

Here: which files are applied, that an applied file is never edited, and that who only looks changes nothing. Not here:
the files (`cloud/schema/`).
A fresh database runs the same files as an old one, so both end with the same schema; a test compares them.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple, Protocol

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.database import Row

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_REGISTER = """
CREATE TABLE IF NOT EXISTS schema_file (number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)
"""

_APPLIED = "SELECT number, digest FROM schema_file"


class SchemaFile(NamedTuple):
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """Fingerprint of the text, kept in the database."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Migratable(Protocol):
    """What this module needs of an engine."""

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return all rows of a query."""
        ...

    async def run_script(self, text: str) -> None:
        """Carry out several statements in one transaction."""
        ...

    async def tables(self) -> set[str]:
        """Return the names of all tables that are ours to see."""
        ...


def schema_files() -> list[SchemaFile]:
    """Return the files of `cloud/schema/` in order; ConfigError("schema-numbers-wrong") on a hole or a twin."""
    files = []
    for entry in resources.files("cloud.schema").iterdir():
        found = _FILE_NAME.fullmatch(entry.name)
        if found:
            files.append(SchemaFile(int(found.group(1)), entry.name, entry.read_text("utf-8")))
    files.sort()
    if [file.number for file in files] != list(range(1, len(files) + 1)):
        raise ConfigError(
            "schema-numbers-wrong", "The schema files are not numbered 1, 2, 3", "Reinstall tillbox"
        )
    return files


async def bring_up_to_date(database: Migratable, files: Sequence[SchemaFile] | None = None) -> int:
    """Apply what is missing and return the newest number.

    ConfigError("schema-changed"): an applied file has another text now. ConfigError("schema-newer"): the database
    knows a file that this version of tillbox does not.
    """
    wanted = schema_files() if files is None else files
    await database.run_script(_REGISTER)
    for file in wanted[await _agreed(database, wanted) :]:
        register = f"INSERT INTO schema_file VALUES ({file.number}, '{file.name}', '{file.digest}')"  # noqa: S608 - ours
        await database.run_script(file.text + ";\n" + register)
    return len(wanted)


async def make_or_check(database: Migratable) -> None:
    """Make the schema of an empty database; any other must have exactly ours. Errors as in `check`.

    A command beside a cloud of another version must not change the schema under it.
    """
    if await database.tables():
        await check(database)
    else:
        await bring_up_to_date(database)


async def check(database: Migratable) -> None:
    """Refuse any schema but ours, and change nothing.

    ConfigError: "schema-absent", "schema-older", and those of `bring_up_to_date`.
    """
    if "schema_file" not in await database.tables():
        raise ConfigError(
            "schema-absent",
            "The database is none of tillbox's",
            "Name the right one, or start the cloud once",
        )
    wanted = schema_files()
    if await _agreed(database, wanted) < len(wanted):
        raise ConfigError(
            "schema-older",
            "The database was last opened by an older version of tillbox",
            "Start the cloud with this version once, or use the command of that version",
        )


async def _agreed(database: Migratable, wanted: Sequence[SchemaFile]) -> int:
    """How many of the files were applied, each of them with our text."""
    rows: list[tuple[int, str]] = [(row[0], row[1]) for row in await database.fetch(_APPLIED)]
    if len(rows) > len(wanted):
        raise ConfigError(
            "schema-newer", "The database was opened by a newer version of tillbox", "Install that version"
        )
    applied = dict(rows)
    for file in wanted[: len(rows)]:
        if applied.get(file.number) != file.digest:
            raise ConfigError(
                "schema-changed", f"The file {file.name} was edited after use", "Restore its text"
            )
    return len(rows)
