"""What the cloud's database says, read only and by plain SQL: boxes, replica, orders, ledger, attempts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from simulators.checker.journal import chain_next, chain_start

if TYPE_CHECKING:
    from pathlib import Path

JournalName = tuple[str, str, str]  # tenant, box, generation


class ReplicaFrame(NamedTuple):
    """One stored frame."""

    seq: int
    chain: bytes
    body: bytes


class CloudOrder(NamedTuple):
    """How an order stands in the cloud."""

    state: str
    total_minor: int
    net_minor: int
    tax_minor: int
    price_check: str


class Posting(NamedTuple):
    """One posting with its entry's subject; `attempt` is -1 when the entry is missing."""

    tenant: str
    entry: str
    attempt: int
    account: str
    currency: str
    amount_minor: int


@dataclass(slots=True)
class CloudSide:
    """Everything the checker reads of the cloud."""

    boxes: list[tuple[str, str]] = field(default_factory=list)
    frames: dict[JournalName, list[ReplicaFrame]] = field(default_factory=dict)
    orders: dict[tuple[str, int], CloudOrder] = field(default_factory=dict)
    sale_entries: set[tuple[str, int]] = field(default_factory=set)
    parked: dict[tuple[str, int], str] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    balances: dict[tuple[str, str, str], int] = field(default_factory=dict)
    attempts: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)  # -> order, state

    def owner_of(self, generation: str, start: bytes | None) -> tuple[str, str]:
        """(tenant, box) of a journal: proved by its first chain value, or as the replica names it; else empty."""
        for tenant, box in self.boxes:
            if start is not None and chain_start(tenant, box, generation) == start:
                return tenant, box
        return next(((name[0], name[1]) for name in self.frames if name[2] == generation), ("", ""))

    def broken_chains(self) -> list[str]:
        """Where the stored frames are not the gapless history that their chain values claim."""
        broken = []
        for (tenant, box, generation), frames in self.frames.items():
            chain = chain_start(tenant, box, generation)
            for number, frame in enumerate(frames, 1):
                chain = chain_next(chain, number, frame.body)
                if frame.seq != number or frame.chain != chain:
                    broken.append(f"{tenant}/{box} {generation}: the replica breaks at record {number}")
                    break
        return broken


def read_cloud(database: Path) -> CloudSide:
    """Read the cloud's SQLite file; it may be in use."""
    found = CloudSide()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        db.execute("BEGIN")  # one instant for all tables
        found.boxes = db.execute("SELECT tenant, box FROM box ORDER BY tenant, box").fetchall()
        _read_frames(db, found)
        for tenant, order, *rest in db.execute(
            "SELECT tenant, order_id, state, total_minor, net_minor, tax_minor, price_check FROM sale_order"
        ):
            found.orders[tenant, order] = CloudOrder(*rest)
        found.sale_entries = set(
            db.execute("SELECT tenant, order_id FROM ledger_entry WHERE entry = 'sale:' || order_id")
        )
        for tenant, order, code in db.execute(
            "SELECT tenant, order_id, code FROM parked_record WHERE state = 'parked'"
        ):
            found.parked[tenant, order] = code
        found.postings = [
            Posting(*row)
            for row in db.execute(
                "SELECT p.tenant, p.entry, coalesce(e.attempt, -1), p.account, p.currency, p.amount_minor"
                " FROM ledger_posting p LEFT JOIN ledger_entry e ON e.tenant = p.tenant AND e.entry = p.entry"
            )
        ]
        balances = "SELECT tenant, account, currency, balance_minor FROM ledger_balance"
        found.balances = {(row[0], row[1], row[2]): row[3] for row in db.execute(balances)}
        attempts = "SELECT tenant, attempt, order_id, state FROM payment_attempt"
        found.attempts = {(row[0], row[1]): (row[2], row[3]) for row in db.execute(attempts)}
    return found


def _read_frames(db: sqlite3.Connection, found: CloudSide) -> None:
    """Frames by journal, older journals first."""
    names = "SELECT tenant, box, generation FROM replica_position ORDER BY tenant, box, opened_ms, generation"
    for name in db.execute(names):
        found.frames[tuple(name)] = []
    rows: Any = db.execute(
        "SELECT tenant, box, generation, seq, chain, body FROM replica_frame ORDER BY tenant, box, generation, seq"
    )
    for tenant, box, generation, seq, chain, body in rows:
        found.frames.setdefault((tenant, box, generation), []).append(
            ReplicaFrame(seq, bytes(chain), bytes(body))
        )
