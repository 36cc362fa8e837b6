"""Everything the cloud knows about one sale, with times: the queries behind `tillbox explain ID`.

An id may name an order, a payment or an attempt, in digits or as it stands on paper. Reading only; what the box
alone knows (its unsent records, its devices) is told by the box.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from protocol.errors import PeerError
from protocol.identifiers import from_paper
from protocol.limits import MAX_INTEGER
from protocol.records import decode_record

if TYPE_CHECKING:
    from cloud.database import Database

_ORDERS = """
SELECT tenant, order_id FROM sale_order WHERE order_id = $1
UNION SELECT tenant, order_id FROM order_tender WHERE attempt = $1 OR payment = $1
UNION SELECT tenant, order_id FROM payment_attempt WHERE attempt = $1 OR payment = $1 OR order_id = $1
"""
_ORDER = """
SELECT store, box, generation, first_seq, last_seq, ended_generation, ended_seq, state, currency, total_minor,
business_day, price_check, flags FROM sale_order WHERE tenant = $1 AND order_id = $2
"""
_FRAMES = """
SELECT generation, seq, body, received_ms FROM replica_frame
WHERE tenant = $1 AND box = $2 AND ((generation = $3 AND seq BETWEEN $4 AND $5) OR (generation = $6 AND seq = $7))
UNION SELECT f.generation, f.seq, f.body, f.received_ms FROM order_span s JOIN replica_frame f
ON f.tenant = s.tenant AND f.generation = s.generation AND f.seq BETWEEN s.first_seq AND s.last_seq
WHERE s.tenant = $1 AND f.box = $2 AND s.order_id = $8
ORDER BY received_ms, seq
"""
_ATTEMPTS = """
SELECT attempt, payment, state, amount_minor, currency, masked, brand, approval_code, rrn, response_code, reason,
reversal_reason, box_outcome, intended_ms, requested_ms, answered_ms, reversed_ms, due_ms
FROM payment_attempt WHERE tenant = $1 AND order_id = $2 ORDER BY attempt
"""
_ENTRIES = """
SELECT e.entry, e.kind, e.booked_ms, p.account, p.amount_minor, p.currency
FROM ledger_entry e JOIN ledger_posting p ON p.tenant = e.tenant AND p.entry = e.entry
WHERE e.tenant = $1 AND e.order_id = $2 ORDER BY e.booked_ms, e.entry, p.number
"""
_ALARMS = """
SELECT kind, detail, raised_ms FROM alarm
WHERE tenant = $1 AND (subject = $2 OR subject IN (
    SELECT cast(attempt AS text) FROM payment_attempt WHERE tenant = $1 AND order_id = $3)) ORDER BY raised_ms, kind
"""
_PARKED = """
SELECT seq, code, what, state, parked_ms FROM parked_record WHERE tenant = $1 AND order_id = $2 ORDER BY seq
"""
ID_DIGITS = 19  # of the largest integer of 63 bits
_QUIET_FIELDS = ("v", "t", "at", "boot", "order")


@dataclass(slots=True)
class Event:
    """One thing that happened: when, who says so (box, payments, ledger, alarm, parked), what, and its details."""

    at_ms: int
    source: str
    what: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """One order: where it stands now, and its events in order of time."""

    tenant: str
    order: int
    now: dict[str, Any]
    events: list[Event]

    def as_json(self) -> dict[str, Any]:
        """Return the story as plain JSON values; ids of 63 bits as text, for readers of JSON without room."""
        return {**asdict(self), "order": str(self.order)}


def read_id(text: str) -> int:
    """Read an id as people type it: digits, or the paper form.

    PeerError: "id-too-large", and those of the paper form.
    """
    if not (text.isascii() and text.isdigit()):
        return int(from_paper(text))
    if len(text) > ID_DIGITS or int(text) > MAX_INTEGER:
        raise PeerError("id-too-large", "An id has at most 63 bits", "Copy the id again")
    return int(text)


async def tell(database: Database, text: str) -> list[Story]:
    """Tell the story of an order, payment or attempt.

    Ids are unique within a tenant only, so there may be more than one; none means that the cloud never heard of it.
    Errors as in `read_id`.
    """
    wanted = read_id(text)
    rows = await database.fetch(_ORDERS, wanted)
    return [await _tell_order(database, tenant, order) for tenant, order in sorted(rows)]


async def _tell_order(database: Database, tenant: str, order: int) -> Story:
    events: list[Event] = []
    now: dict[str, Any] = {"state": "not in the replica"}
    for row in await database.fetch(_ORDER, tenant, order):
        store, box, generation, first_seq, last_seq, ended_generation, ended_seq = row[:7]
        names = ("state", "currency", "total_minor", "business_day", "price_check", "flags")
        now = {"store": store, "box": box, **dict(zip(names, row[7:], strict=True))}
        journal = (generation, first_seq, last_seq, ended_generation, ended_seq)
        events += await _tell_records(database, tenant, order, box, journal)
    events += await _tell_attempts(database, tenant, order)
    events += await _tell_ledger(database, tenant, order)
    for kind, detail, raised_ms in await database.fetch(_ALARMS, tenant, str(order), order):
        events.append(Event(raised_ms, "alarm", kind, {"detail": detail}))
    for seq, code, what, state, parked_ms in await database.fetch(_PARKED, tenant, order):
        events.append(Event(parked_ms, "parked", code, {"seq": seq, "what": what, "state": state}))
    events.sort(key=lambda event: event.at_ms)
    return Story(tenant, order, now, events)


async def _tell_records(
    database: Database, tenant: str, order: int, box: str, journal: tuple[str, int, int, str, int]
) -> list[Event]:
    events = []
    for generation, seq, body, received_ms in await database.fetch(_FRAMES, tenant, box, *journal, order):
        try:
            record: dict[str, Any] = decode_record(body)
        except PeerError:
            continue  # Parked, with its reason, and never shown: it may hold anything.
        if record.get("order") != str(order):
            continue
        details = {name: value for name, value in record.items() if name not in _QUIET_FIELDS}
        details.update(generation=generation, seq=seq, received_ms=received_ms)
        events.append(Event(record["at"], "box", record["t"], details))
    return events


async def _tell_attempts(database: Database, tenant: str, order: int) -> list[Event]:
    events = []
    for row in await database.fetch(_ATTEMPTS, tenant, order):
        attempt, payment, state, amount_minor, currency, masked, brand = row[:7]
        approval_code, rrn, response_code, reason, reversal_reason, box_outcome = row[7:13]
        intended_ms, requested_ms, answered_ms, reversed_ms, due_ms = row[13:]
        about = {"attempt": str(attempt), "payment": str(payment)}
        amount = {"amount_minor": amount_minor, "currency": currency, "masked": masked, "brand": brand}
        answer = {
            "approval_code": approval_code,
            "rrn": rrn,
            "response_code": response_code,
            "reason": reason,
        }
        if requested_ms:
            events.append(Event(requested_ms, "payments", "asked of the channel", {**about, **amount}))
        if answered_ms:
            waited = {"channel_ms": answered_ms - requested_ms}
            events.append(
                Event(answered_ms, "payments", "answered by the channel", {**about, **answer, **waited})
            )
        if reversed_ms:
            events.append(Event(reversed_ms, "payments", "reversed", {**about, "reason": reversal_reason}))
        last_ms = max(intended_ms, requested_ms, answered_ms, reversed_ms)
        standing = {**about, "box_says": box_outcome, "looks_again_ms": due_ms}
        events.append(Event(last_ms, "payments", f"is {state}", standing))
    return events


async def _tell_ledger(database: Database, tenant: str, order: int) -> list[Event]:
    entries: dict[str, Event] = {}
    for entry, kind, booked_ms, account, amount_minor, currency in await database.fetch(
        _ENTRIES, tenant, order
    ):
        event = entries.setdefault(
            entry, Event(booked_ms, "ledger", kind, {"entry": entry, "currency": currency})
        )
        event.details.setdefault("postings", []).append([account, amount_minor])
    return list(entries.values())
