"""A new generation for the journal of a stopped box: the way out of quarantine, called by `tillbox box renew`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.journal.files import Files
    from edge.journal.journal import Journal


class Renewed(NamedTuple):
    """What a renewal did: the generation that ended, the one that is written now, the records in both."""

    previous: str
    generation: str
    taken_over: int


def renewed(files: Files, directory: str, opened: Callable[[], Journal]) -> Renewed:
    """End the written generation in `directory` and open one that holds what the cloud has not confirmed.

    `opened` opens the journal, and is asked only where there is one. ConfigError("journal-missing"): there is none.
    """
    if not _has_files(files, directory):
        raise ConfigError(
            "journal-missing", f"There is no journal in {directory}", "Name the box's working directory."
        )
    journal = opened()
    previous = journal.generation
    journal.renew()
    told = Renewed(previous, journal.generation, taken_over=journal.synced_through - 1)
    journal.close()
    return told


def _has_files(files: Files, directory: str) -> bool:
    with suppress(FileNotFoundError):
        return bool(files.list(directory))
    return False
