"""Reads how boxes are: what each should run, what it said last, and how far the cloud holds its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.fleet import store
from cloud.fleet.condition import Condition, Configured, Reading
from protocol.strict_json import loads

if TYPE_CHECKING:
    from cloud.database import Database, Row

_CONFIGURED = """
SELECT d.tenant, d.box, d.version, c.state, c.reason, c.group_name, c.answered_ms FROM configuration_desired d
JOIN configuration_document c ON c.tenant = d.tenant AND c.box = d.box AND c.version = d.version
WHERE $1 = '' OR d.tenant = $1
"""
_REPORTS = """
SELECT tenant, box, is_online, config_version, told, reported_ms FROM box_report WHERE $1 = '' OR tenant = $1
"""
_POSITIONS = "SELECT tenant, box, generation, through FROM replica_position WHERE $1 = '' OR tenant = $1"
_NEVER = (0, 0, "", 0)


async def conditions(database: Database, tenant: str = "", shop: str = "") -> list[Condition]:
    """Return how all boxes are, or those of a tenant, or of one of its stores."""
    configured: dict[Row, Row] = {row[:2]: row[2:] for row in await database.fetch(_CONFIGURED, tenant)}
    reports = {row[:2]: row[2:] for row in await database.fetch(_REPORTS, tenant)}
    through = {row[:3]: row[3] for row in await database.fetch(_POSITIONS, tenant)}
    found = []
    for box in await store.boxes(database, tenant, shop):
        name = (box.tenant, box.box)
        is_online, applied, told, heard_ms = reports.get(name, _NEVER)
        if heard_ms < box.enrolled_ms:  # the box that had this name before said it
            is_online, applied, told, heard_ms = _NEVER
        state: Any = loads(told.encode()) if told else {}
        held = through.get((*name, state.get("generation", "")), 0)
        desired, answer, reason, group, answered_ms = configured.get(name, (0, "", "", "", 0))
        found.append(
            Condition(
                box,
                Configured(desired, answer, reason, group, answered_ms, applied),
                _reading(state, held, heard_ms, is_online=bool(is_online)) if state else None,
            )
        )
    return found


def _reading(state: dict[str, Any], held: int, heard_ms: int, *, is_online: bool) -> Reading:
    return Reading(
        is_online=is_online,
        heard_ms=heard_ms,
        unsent=max(0, state["last_seq"] - held),
        oldest_unsent_ms=state["oldest_unsent_ms"],
        devices=state["devices"],
        software=state["software"],
        unknown_open=state["unknown_open"],
    )
