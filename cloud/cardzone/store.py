"""What the card zone remembers: STANs, attempts, reversals, notices. One SQLite file, no clear card number.

An attempt keeps its card number, encrypted, only while it is not settled; `settle` erases it. Every function
that changes something is durable when it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from cloud.cardzone.commits import SharedCommits
from cloud.cardzone.iso8583 import Original, Purchase, Trace
from cloud.cardzone.rules import UNDOING, Verdict, next_state, stan_after

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS terminals (terminal TEXT PRIMARY KEY, stan INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
    tenant TEXT NOT NULL, attempt TEXT NOT NULL, payment TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT
    NULL, terminal TEXT NOT NULL, stan TEXT NOT NULL, de7 TEXT NOT NULL, merchant TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, masked TEXT NOT NULL, brand TEXT NOT NULL,
    token TEXT NOT NULL, reason TEXT NOT NULL, response_code TEXT NOT NULL, approval_code TEXT NOT NULL,
    rrn TEXT NOT NULL, sealed_number BLOB NOT NULL, PRIMARY KEY (tenant, attempt)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attempts_by_trace ON attempts (terminal, stan, de7);
CREATE INDEX IF NOT EXISTS attempts_unfinished ON attempts (state) WHERE state IN ('sent', 'reversed_early');
CREATE TABLE IF NOT EXISTS reversals (
    tenant TEXT NOT NULL, attempt TEXT NOT NULL, number INTEGER NOT NULL, terminal TEXT NOT NULL, stan TEXT
    NOT NULL, de7 TEXT NOT NULL, tries INTEGER NOT NULL, result TEXT NOT NULL, PRIMARY KEY (tenant, attempt,
    number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reversals_pending ON reversals (result) WHERE result = '';
CREATE TABLE IF NOT EXISTS notices (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
"""
_SELECT = (
    "SELECT tenant, attempt, payment, digest, state, terminal, stan, de7, merchant, amount_minor, currency,"
    " masked, brand, token, reason, response_code, approval_code, rrn, sealed_number FROM attempts"
)
_INSERT = "INSERT INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_REPLACE = "REPLACE INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it stands."""

    tenant: str
    attempt: str
    payment: str
    digest: str  # SHA-256 of what was asked: the same id with another body is refused
    state: str
    terminal: str = ""
    stan: str = ""
    de7: str = ""
    merchant: str = ""
    amount_minor: int = 0
    currency: str = ""
    masked: str = ""
    brand: str = ""
    token: str = ""
    reason: str = ""
    response_code: str = ""
    approval_code: str = ""
    rrn: str = ""
    sealed_number: bytes = field(default=b"", repr=False)

    @property
    def purchase(self) -> Purchase:
        """What was sent, without the card."""
        trace = Trace(self.terminal, self.stan, self.de7)
        reference = f"{self.tenant}/{self.attempt}"
        return Purchase(trace, self.merchant, reference, self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Reversal:
    """One reversal that is sent until it is answered."""

    tenant: str
    attempt: str
    number: int
    trace: Trace
    tries: int
    purchase: Purchase
    original: Original
    sealed_number: bytes = field(default=b"", repr=False)


class Store:
    """See the module. Reading is immediate, writing waits for a shared commit."""

    def __init__(self, path: Path) -> None:
        self._commits = SharedCommits(path, SCHEMA)

    @property
    def is_poisoned(self) -> bool:
        """True after a failed commit: the process must end."""
        return self._commits.is_poisoned

    def close(self) -> None:
        """Close the file."""
        self._commits.close()

    def find(self, tenant: str, attempt: str) -> Attempt | None:
        """Give the attempt, or None when it was never seen."""
        return self._commits.read(lambda db: _find(db, tenant, attempt))

    def find_by_trace(self, trace: Trace) -> Attempt | None:
        """Give the attempt that an answer belongs to, or None."""
        sql = _SELECT + " WHERE terminal = ? AND stan = ? AND de7 = ?"
        return self._commits.read(
            lambda db: _attempt(db.execute(sql, (trace.terminal, trace.stan, trace.de7)).fetchone())
        )

    async def begin(self, wanted: Attempt, de7: str) -> tuple[Attempt, bool]:
        """Give the attempt its STAN and remember it as sent; or give the one that is there, and False."""

        def work(db: sqlite3.Connection) -> tuple[Attempt, bool]:
            known = _find(db, wanted.tenant, wanted.attempt)
            if known is not None:
                return known, False
            begun = replace(wanted, state="sent", stan=_take_stan(db, wanted.terminal), de7=de7)
            _insert(db, begun)
            return begun, True

        return await self._commits.write(work)

    async def refuse(self, wanted: Attempt, reason: str) -> Attempt:
        """Remember an attempt that was never sent as declined; one that is already there wins."""

        def work(db: sqlite3.Connection) -> Attempt:
            known = _find(db, wanted.tenant, wanted.attempt)
            if known is not None:
                return known
            refused = replace(wanted, state="declined", reason=reason, sealed_number=b"")
            _insert(db, refused)
            return refused

        return await self._commits.write(work)

    async def take_answer(
        self, found: Attempt, verdict: Verdict, de7: str
    ) -> tuple[Attempt, Reversal | None]:
        """Follow the lifecycle with an answer of the acquirer; plant a reversal where the table says so."""

        def work(db: sqlite3.Connection) -> tuple[Attempt, Reversal | None]:
            was = _must_find(db, found)
            state = next_state(was.state, verdict.event)
            now = replace(was, state=state)
            if was.state in ("sent", *UNDOING, "reversed", "declined"):
                now = replace(
                    now,
                    reason=verdict.reason or (was.reason if state != "approved" else ""),
                    response_code=verdict.response_code or was.response_code,
                    approval_code=verdict.approval_code or was.approval_code,
                    rrn=verdict.rrn or was.rrn,
                )
            return _save(db, was, now, de7)

        return await self._commits.write(work)

    async def take_event(
        self, found: Attempt, event: str, reason: str, de7: str
    ) -> tuple[Attempt, Reversal | None]:
        """Follow the lifecycle with an event of our own: timed_out or reverse_asked."""

        def work(db: sqlite3.Connection) -> tuple[Attempt, Reversal | None]:
            was = _must_find(db, found)
            state = next_state(was.state, event)
            return _save(
                db, was, replace(was, state=state, reason=reason if state != was.state else was.reason), de7
            )

        return await self._commits.write(work)

    async def ask_reversal(self, wanted: Attempt, reason: str, de7: str) -> tuple[Attempt, Reversal | None]:
        """Reverse an attempt; one that was never seen gets a tombstone that refuses a later purchase."""

        def work(db: sqlite3.Connection) -> tuple[Attempt, Reversal | None]:
            was = _find(db, wanted.tenant, wanted.attempt)
            if was is None:
                tombstone = replace(wanted, state="reversed", reason="reversed-before")
                _insert(db, tombstone)
                return tombstone, None
            if was.state == "sent":  # being asked for at this moment: its own time-out decides
                return was, None
            state = next_state(was.state, "reverse_asked")
            return _save(
                db, was, replace(was, state=state, reason=reason if state != was.state else was.reason), de7
            )

        return await self._commits.write(work)

    async def count_try(self, reversal: Reversal) -> Reversal:
        """Remember one more try before it is sent, so that a repeat is always marked as one."""

        def work(db: sqlite3.Connection) -> None:
            sql = "UPDATE reversals SET tries = tries + 1 WHERE tenant = ? AND attempt = ? AND number = ?"
            db.execute(sql, (reversal.tenant, reversal.attempt, reversal.number))

        await self._commits.write(work)
        return replace(reversal, tries=reversal.tries + 1)

    async def settle(self, reversal: Reversal, event: str) -> Attempt:
        """Remember that the reversal was answered; the card number of the attempt is erased."""

        def work(db: sqlite3.Connection) -> Attempt:
            was = _must_find(db, Attempt(reversal.tenant, reversal.attempt, "", "", ""))
            sql = "UPDATE reversals SET result = ? WHERE tenant = ? AND attempt = ? AND number = ?"
            db.execute(sql, (event, reversal.tenant, reversal.attempt, reversal.number))
            now = replace(was, state=next_state(was.state, event))
            _save(db, was, now, "")
            return now

        return await self._commits.write(work)

    def pending_reversals(self) -> list[Reversal]:
        """Give all reversals that were never answered, as a start finds them."""

        def work(db: sqlite3.Connection) -> list[Reversal]:
            rows = db.execute("SELECT * FROM reversals WHERE result = ''").fetchall()
            return [_reversal(_must_find(db, Attempt(row[0], row[1], "", "", "")), row) for row in rows]

        return self._commits.read(work)

    def open_attempts(self) -> list[Attempt]:
        """Give the attempts without a verdict, and those to be reversed once more: after a start, all are unknown."""
        sql = _SELECT + " WHERE state IN ('sent', 'reversed_early')"
        return self._commits.read(lambda db: [_must(_attempt(row)) for row in db.execute(sql).fetchall()])

    async def add_notice(self, body: bytes) -> int:
        """Keep something that the payments service must hear, until it says that it has."""

        def work(db: sqlite3.Connection) -> int:
            return int(db.execute("INSERT INTO notices (body) VALUES (?)", (body,)).lastrowid or 0)

        return await self._commits.write(work)

    def notices(self) -> list[tuple[int, bytes]]:
        """Give what was not heard yet, oldest first."""
        return self._commits.read(
            lambda db: db.execute("SELECT number, body FROM notices ORDER BY number").fetchall()
        )

    async def forget_notice(self, number: int) -> None:
        """Drop a notice that was heard."""
        await self._commits.write(lambda db: db.execute("DELETE FROM notices WHERE number = ?", (number,)))


_values = attrgetter(*(one.name for one in fields(Attempt)))


def _find(db: sqlite3.Connection, tenant: str, attempt: str) -> Attempt | None:
    sql = _SELECT + " WHERE tenant = ? AND attempt = ?"
    return _attempt(db.execute(sql, (tenant, attempt)).fetchone())


def _must_find(db: sqlite3.Connection, known: Attempt) -> Attempt:
    return _must(_find(db, known.tenant, known.attempt))


def _must(found: Attempt | None) -> Attempt:
    if found is None:
        raise LookupError
    return found


def _attempt(row: tuple[Any, ...] | None) -> Attempt | None:
    return None if row is None else Attempt(*row)


def _insert(db: sqlite3.Connection, attempt: Attempt) -> None:
    db.execute(_INSERT, _values(attempt))


def _save(db: sqlite3.Connection, was: Attempt, now: Attempt, de7: str) -> tuple[Attempt, Reversal | None]:
    if now.state not in ("sent", *UNDOING):
        now = replace(now, sealed_number=b"")
    db.execute(_REPLACE, _values(now))
    if now.state != "reversing" or was.state == "reversing":  # only what enters this state needs another one
        return now, None
    (number,) = db.execute(
        "SELECT count(*) FROM reversals WHERE tenant = ? AND attempt = ?", (now.tenant, now.attempt)
    ).fetchone()
    row = (now.tenant, now.attempt, number, now.terminal, _take_stan(db, now.terminal), de7, 0, "")
    db.execute("INSERT INTO reversals VALUES (?,?,?,?,?,?,?,?)", row)
    return now, _reversal(now, row)


def _reversal(attempt: Attempt, row: tuple[Any, ...]) -> Reversal:
    tenant, number_of, number, terminal, stan, de7, tries, _ = row
    original = Original(attempt.purchase.trace, attempt.rrn, attempt.approval_code)
    trace = Trace(terminal, stan, de7)
    asked = replace(attempt.purchase, trace=trace)
    return Reversal(tenant, number_of, number, trace, tries, asked, original, attempt.sealed_number)


def _take_stan(db: sqlite3.Connection, terminal: str) -> str:
    row = db.execute("SELECT stan FROM terminals WHERE terminal = ?", (terminal,)).fetchone()
    stan = stan_after(row[0] if row else 0)
    db.execute("REPLACE INTO terminals (terminal, stan) VALUES (?, ?)", (terminal, stan))
    return f"{stan:06d}"
