"""What the cloud's database says after a replay: sales, lines, price checks, ledger, and everything set aside.

Read with plain SQL, so that a mistake of the cloud's own reading cannot hide one of its writing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class CloudBooks:
    """Counts and sums over the whole database; money in minor units."""

    sales: int = 0
    lines: int = 0
    sold_minor: int = 0
    priced_wrong: int = 0
    price_not_checked: int = 0
    left_open: int = 0
    parked: int = 0
    set_aside: int = 0
    refused_messages: int = 0
    alarms: int = 0
    postings: int = 0
    balances: dict[str, int] = field(default_factory=dict)

    @property
    def ledger_sum_minor(self) -> int:
        """The sum of all balances: 0 in a ledger that balances."""
        return sum(self.balances.values())

    def balance_minor(self, *names: str) -> int:
        """The sum of the accounts whose name, up to a colon, is one of `names`."""
        return sum(amount for account, amount in self.balances.items() if account.partition(":")[0] in names)

    @property
    def takings_minor(self) -> int:
        """Money that came in: the drawers' cash and what the card channel owes."""
        return self.balance_minor("cash", "card-clearing")

    @property
    def earned_minor(self) -> int:
        """What was sold, by the accounts of sales and tax."""
        return -self.balance_minor("sales", "tax")

    def troubles(self) -> list[str]:
        """Everything that must be zero and is not."""
        must_be_zero = {
            "sales priced wrong": self.priced_wrong,
            "sales whose price was not checked": self.price_not_checked,
            "orders left open": self.left_open,
            "parked records": self.parked,
            "messages set aside": self.set_aside,
            "messages refused": self.refused_messages,
            "alarms": self.alarms,
            "minor units by which the ledger is out of balance": self.ledger_sum_minor,
            "minor units left in customer-deposits": self.balance_minor("customer-deposits"),
            "minor units left in suspense": self.balance_minor("suspense"),
        }
        return [f"{count} {what}" for what, count in must_be_zero.items() if count]


def read_books(path: Path) -> CloudBooks:
    """Everything, from the postings themselves."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return _read(database)
    finally:
        database.close()


def _read(database: sqlite3.Connection) -> CloudBooks:
    def one(sql: str) -> Any:
        return database.execute(sql).fetchone()[0]

    return CloudBooks(
        sales=one("SELECT count(*) FROM sale_order WHERE state = 'completed'"),
        lines=one("SELECT coalesce(sum(line_count), 0) FROM sale_order WHERE state = 'completed'"),
        sold_minor=one("SELECT coalesce(sum(total_minor), 0) FROM sale_order WHERE state = 'completed'"),
        priced_wrong=one("SELECT count(*) FROM sale_order WHERE price_check = 'priced_wrong'"),
        price_not_checked=one("SELECT count(*) FROM sale_order WHERE price_check = 'price-not-checked'"),
        left_open=one("SELECT count(*) FROM sale_order WHERE state NOT IN ('completed', 'voided')"),
        parked=one("SELECT count(*) FROM parked_record WHERE state = 'parked'"),
        set_aside=one("SELECT count(*) FROM set_aside"),
        refused_messages=one("SELECT coalesce(sum(times), 0) FROM security_event"),
        alarms=one("SELECT count(*) FROM alarm WHERE settled_ms = 0"),
        postings=one("SELECT count(*) FROM ledger_posting"),
        balances=dict(
            database.execute("SELECT account, sum(amount_minor) FROM ledger_posting GROUP BY account")
        ),
    )
