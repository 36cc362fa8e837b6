"""Pushing configuration: one signed document for each box, whoever the push was meant for.

A push writes documents and which one each box should have; the running cloud publishes them
(`configuration_publisher`) and takes the answers (`configuration_handlers`). Pushing the same settings again is a
new version: rolling back is old content under a new number.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.fleet import configuration_store as store
from cloud.fleet.configuration_rules import OPEN, next_state, next_version
from protocol.configuration import encode_document, pack, signed_part
from protocol.errors import CallerError, ConfigError
from protocol.pricing.tax import TaxTable, read_tax_table
from protocol.settings import DEFAULT_TAXES, SETTINGS, settings_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from cloud.database import Database, Row, Transaction

BOXES_AT_ONCE = 256  # documents in one transaction: the consumer waits some 30 ms for it


@dataclass(frozen=True, slots=True)
class Push:
    """What is pushed to whom, signed at one instant."""

    tenant: str
    group: str  # "" when boxes were named
    settings: dict[str, Any]
    issued_ms: int
    expires_ms: int
    above: int = 0  # a number that a person knows a box to have, after the cloud was restored


@dataclass(frozen=True, slots=True)
class Checked:
    """Settings that every box takes. `settings` name the tax table always, so that cloud and box mean the same one."""

    settings: dict[str, Any]
    taxes: TaxTable
    left_out: tuple[str, ...]  # what the boxes set to what the software comes with


def check_settings(settings: dict[str, Any]) -> Checked:
    """Find what a box would refuse before anything is signed; ConfigError("settings-wrong") lists every fault."""
    faults = settings_faults(settings)
    if faults:
        raise ConfigError("settings-wrong", "; ".join(faults), "Correct these settings; nothing was sent")
    whole = {"taxes": DEFAULT_TAXES, **settings}
    left_out = tuple(name for name in SETTINGS if name not in settings)
    return Checked(whole, read_tax_table(whole["taxes"]), left_out)


class Pushed(NamedTuple):
    """One box's document."""

    box: str
    version: int
    digest: str


async def choose_boxes(
    database: Database, tenant: str, boxes: Sequence[str], group: str
) -> list[tuple[str, str]]:
    """(box, shard) of named boxes or of a group.

    CallerError: "box-unknown", "group-empty", "push-without-box" (neither or both are named).
    """
    if bool(boxes) == bool(group):
        raise CallerError(
            "push-without-box", "Either boxes or one group are pushed to", "Give --box or --group"
        )
    if group:
        found = await store.boxes_of_group(database, tenant, group)
        if not found:
            raise CallerError("group-empty", f"{tenant} has no box in {group}", "See tillbox fleet group")
        return found
    known = dict(await store.boxes_of_group(database, tenant, store.EVERY_BOX))
    absent = sorted(set(boxes) - set(known))
    if absent:
        raise CallerError("box-unknown", f"{tenant} has no box {', '.join(absent)}", "See tillbox fleet list")
    return [(box, known[box]) for box in dict.fromkeys(boxes)]


async def check_group_change(
    database: Database, tenant: str, group: str, joining: Sequence[str], leaving: Sequence[str]
) -> None:
    """Refuse to give members to a name that means boxes already; CallerError "group-reserved", "box-unknown"."""
    if group == store.EVERY_BOX:
        raise CallerError("group-reserved", f"{group} is every box of {tenant}", "Choose another name")
    if joining and await store.is_store(database, tenant, group):
        raise CallerError("group-reserved", f"{group} is a store and means its boxes", "Choose another name")
    known = dict(await store.boxes_of_group(database, tenant, store.EVERY_BOX))
    members = await store.members(database, tenant, group)
    absent = sorted(set(joining).difference(known)) + sorted(set(leaving).difference(known, members))
    if absent:
        raise CallerError("box-unknown", f"{tenant} has no box {', '.join(absent)}", "See tillbox fleet list")


async def push(
    database: Database,
    key: Ed25519PrivateKey,
    what: Push,
    boxes: Sequence[tuple[str, str]],
    progress: Callable[[int], None] = lambda _: None,
) -> list[Pushed]:
    """Write a signed document for each box; `progress` hears how many are done.

    CallerError: "too-large" and those of `protocol.configuration.encode_document`; nothing is then written.
    """
    done: list[Pushed] = []
    for start in range(0, len(boxes), BOXES_AT_ONCE):
        part = boxes[start : start + BOXES_AT_ONCE]
        async with database.transaction() as tx:
            done += await _push_part(tx, key, what, part)
        progress(len(part))
    return done


async def _push_part(
    tx: Transaction, key: Ed25519PrivateKey, what: Push, boxes: Sequence[tuple[str, str]]
) -> list[Pushed]:
    numbers = await store.numbers(tx, what.tenant, [box for box, _ in boxes])
    rows: list[Row] = []
    for box, shard in boxes:
        version = next_version(*numbers[box], what.above)
        digest, payload = sign(key, what, box, version)
        times = (what.issued_ms, what.expires_ms, 0)
        rows.append((what.tenant, box, version, shard, what.group, digest, payload, OPEN, "", *times))
    await store.add(tx, rows, next_state(OPEN, "overtaken"), what.issued_ms)
    return [Pushed(row[1], row[2], row[5]) for row in rows]


def sign(key: Ed25519PrivateKey, what: Push, box: str, version: int) -> tuple[str, bytes]:
    """(SHA-256 of the document in hexadecimal, signed payload) for one box."""
    document = encode_document(
        {
            "v": 1,
            "tenant": what.tenant,
            "box": box,
            "group": what.group,
            "version": version,
            "issued_ms": what.issued_ms,
            "expires_ms": what.expires_ms,
            "settings": what.settings,
        }
    )
    return hashlib.sha256(document).hexdigest(), pack(key.sign(signed_part(document)), document)
