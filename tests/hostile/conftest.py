"""What hostile cases share: an estate on both databases, and a counter of what was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from protocol import faults
from tests.cloud.conftest import database, database_url, estate, postgres, sqlite
from tests.cloud.estate import Estate
from tests.hostile.rows import TRIED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from cloud.database import Database

# The cloud's own fixtures serve here too: an estate over SQLite and PostgreSQL in turn.
__all__ = ["database", "database_url", "estate", "postgres", "small_estate", "sqlite", "tried"]


@pytest.fixture
async def small_estate(sqlite: Database) -> AsyncIterator[Estate]:
    """An estate over SQLite alone, for what never reaches the engine."""
    made = Estate(sqlite)
    yield made
    faults.set_hook(None)
    await made.consumer.close()


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Say how many attempts one test makes, where it makes more than one; `tests.hostile.table` adds them up."""

    def note(count: int) -> None:
        request.node.user_properties.append((TRIED, count))

    return note
