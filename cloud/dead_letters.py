"""`tillbox cloud dead-letters`: everything that came and could not be used, by its reason, and what to do about it.

Three kinds: records *parked* in the replica, which `tillbox cloud repair` books once their cause is mended; messages
*set aside* that were sealed by a box of ours and are no use to anybody, kept for whoever looks for the cause; messages
*refused* for seal, place or box, of which only the count is kept, because their content is anybody's. Only reads.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cloud.config import read_config
from cloud.database import use_database
from cloud.installation import Installation

if TYPE_CHECKING:
    from cloud.database import Database

_PARKED = """
SELECT tenant, box, code, min(what), count(*), min(parked_ms), max(parked_ms) FROM parked_record
WHERE state = 'parked' AND ($1 = '' OR tenant = $1) GROUP BY tenant, box, code ORDER BY tenant, box, code
"""
_SET_ASIDE = """
SELECT tenant, box, code, min(what), count(*), min(received_ms), max(received_ms) FROM set_aside
WHERE ($1 = '' OR tenant = $1) GROUP BY tenant, box, code ORDER BY tenant, box, code
"""
_REFUSED = """
SELECT tenant, box, kind, '', times, 0, last_ms FROM security_event
WHERE ($1 = '' OR tenant = $1) ORDER BY tenant, box, kind
"""
_MENDS = {
    "parked": "mend the cause, then tillbox cloud repair",
    "set-aside": "nothing is lost by it: the box sends its records again; find out why the box sealed it",
    "refused": "kept as a count; look at keys, enrolment and the broker's access list",
}


class DeadLetters(NamedTuple):
    """What one box sent and nobody could use, for one reason. `first_ms` 0: not known."""

    kind: str
    tenant: str
    box: str
    code: str
    what: str
    times: int
    first_ms: int
    last_ms: int

    @property
    def mend(self) -> str:
        """What a person does about it."""
        return _MENDS[self.kind]


async def dead_letters(database: Database, tenant: str = "") -> list[DeadLetters]:
    """Every reason with its count, parked ones first."""
    found = []
    for kind, sql in (("parked", _PARKED), ("set-aside", _SET_ASIDE), ("refused", _REFUSED)):
        found += [DeadLetters(kind, *row) for row in await database.fetch(sql, tenant)]
    return found


@click.command("dead-letters")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The cloud's data directory.")
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON value on standard output.")
def show_dead_letters(data: Path, tenant: str, as_json: bool) -> None:  # noqa: FBT001 - click hands flags over by name
    """List what came and could not be used: parked, set aside, refused, each with reason, count and mend."""
    config = read_config(Installation(data).config)
    letters = use_database(config.database, "look", lambda database: dead_letters(database, tenant))
    if as_json:
        click.echo(json.dumps([{**letter._asdict(), "mend": letter.mend} for letter in letters]))
        return
    lines = []
    for letter in letters:
        last = f"{datetime.fromtimestamp(letter.last_ms // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        told = (letter.kind, letter.tenant, letter.box, letter.code, f"{letter.times} times", f"last {last}")
        lines += ["\t".join(told), f"  -> {letter.mend}"]
    click.echo("\n".join(lines) or "nothing waits: no record is parked, no message was set aside or refused")
