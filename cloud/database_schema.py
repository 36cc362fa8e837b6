"""Brings a database to the newest schema: numbered SQL files, forward only, each applied once and whole.

Here: which files are applied, and that an applied file is never edited. Not here: the files (`cloud/schema/`).
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
    rows: list[tuple[int, str]] = [(row[0], row[1]) for row in await database.fetch(_APPLIED)]
    applied = dict(rows)
    if len(applied) > len(wanted):
        raise ConfigError(
            "schema-newer", "The database was opened by a newer version of tillbox", "Install that version"
        )
    for file in wanted:
        if file.number in applied:
            if applied[file.number] != file.digest:
                raise ConfigError(
                    "schema-changed", f"The file {file.name} was edited after use", "Restore its text"
                )
            continue
        register = f"INSERT INTO schema_file VALUES ({file.number}, '{file.name}', '{file.digest}')"  # noqa: S608 - ours
        await database.run_script(file.text + ";\n" + register)
    return len(wanted)
