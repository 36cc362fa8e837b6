"""How a sale's story looks to a person: one row for each thing that happened, in the words of the trade.

Pure: events in, rows of text out. The queries are in `story`, the table is drawn by `explain_command`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from protocol.identifiers import to_paper
from protocol.money import format_amount

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.story import Event, Story

# Who speaks, in the words of the glossary.
WHO = {"box": "box", "payments": "payments", "ledger": "ledger", "alarm": "ALARM", "parked": "PARKED"}
# Details that only a machine wants; --json has them all.
_QUIET = {
    "v", "generation", "received_ms", "seq", "payment", "attempt", "blob_digest", "catalogue", "overlay", "taxes",
    "promotions", "engine", "priced_at", "digest", "tax_rows", "tenders", "entry", "looks_again_ms", "token",
}  # fmt: skip


class Row(NamedTuple):
    """One line of the table."""

    at: str
    since: str
    who: str
    what: str
    details: str


def heading(story: Story) -> list[tuple[str, str]]:
    """What the sale is and how it stands, as (name, value)."""
    now = story.now
    told = [("order", f"{to_paper(story.order)}  ({story.order})"), ("tenant", story.tenant)]
    told += [(name, str(now[name])) for name in ("store", "box", "state") if name in now]
    if now.get("total_minor"):
        told.append(("total", f"{_amount(now['total_minor'], now)} {now['currency']}"))
    told += [
        (name.replace("_", " "), str(now[name]))
        for name in ("business_day", "price_check", "flags")
        if now.get(name)
    ]
    waits = _waits(story)
    return told + ([("tender to answer", waits)] if waits else [])


def rows(story: Story) -> list[Row]:
    """Every event, in order of time."""
    first_ms = story.events[0].at_ms if story.events else 0
    return [
        Row(
            _clock(event.at_ms),
            _since(event.at_ms - first_ms),
            WHO.get(event.source, event.source),
            _what(event),
            _details(event, story.now),
        )
        for event in story.events
    ]


def day(story: Story) -> str:
    """The UTC day on which it began."""
    return _moment(story.events[0].at_ms).strftime("%Y-%m-%d") if story.events else ""


def _what(event: Event) -> str:
    return event.what.replace("_", " ") if event.source == "box" else event.what


def _details(event: Event, now: dict[str, Any]) -> str:
    words = _WORDS.get(event.what)
    if event.source == "ledger":
        postings = event.details.get("postings", [])
        return ", ".join(f"{account} {_signed(amount, event.details)}" for account, amount in postings)
    if event.source == "box" and words is not None:
        return words(event.details, now)
    told = [
        f"{name.removesuffix('_minor').removesuffix('_ms').replace('_', ' ')} {_value(name, value, event.details, now)}"
        for name, value in event.details.items()
        if name not in _QUIET and value not in ("", 0, [], None)
    ]
    return ", ".join(told)


def _value(name: str, value: Any, details: dict[str, Any], now: dict[str, Any]) -> str:
    if name.endswith("_minor"):
        return _amount(value, details if "currency" in details else now)
    return f"{value} ms" if name.endswith("_ms") else str(value)


def _line(details: dict[str, Any], now: dict[str, Any]) -> str:
    if details["kind"] == "weight":
        count = f"{details['weight_g'] // 1000}.{details['weight_g'] % 1000:03d} kg"
    else:
        count = f"{details['quantity']} x"
    amount = _amount(details["amount_minor"], now)
    return f"{details['line']}: {count} {details['name']}  {amount} ({details['source']})"


def _void(details: dict[str, Any], now: dict[str, Any]) -> str:
    del now
    return f"{details['line']} by {details['by']}"


def _intended(details: dict[str, Any], now: dict[str, Any]) -> str:
    del now
    return f"{details['method']} {_amount(details['amount_minor'], details)} {details['masked']}".strip()


def _resulted(details: dict[str, Any], now: dict[str, Any]) -> str:
    told = [details["outcome"]]
    if details["amount_minor"]:
        told.append(_amount(details["amount_minor"], now))
    if details["tendered_minor"]:
        change = _amount(details["change_minor"], now)
        told.append(f"given {_amount(details['tendered_minor'], now)}, change {change}")
    told += [details[name] for name in ("reason", "approval_code") if details[name]]
    return ", ".join(told)


def _completed(details: dict[str, Any], now: dict[str, Any]) -> str:
    total, tax = _amount(details["total_minor"], now), _amount(details["tax_minor"], now)
    return f"{details['line_count']} lines, total {total}, tax {tax}, day {details['business_day']}"


_WORDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "line_added": _line,
    "line_voided": _void,
    "tender_intended": _intended,
    "tender_result": _resulted,
    "sale_completed": _completed,
}


def _waits(story: Story) -> str:
    """How long each tender took at the box."""
    began: dict[str, int] = {}
    told = []
    for event in story.events:
        attempt = event.details.get("attempt", "")
        if event.source == "box" and event.what == "tender_intended":
            began[attempt] = event.at_ms
        elif event.source == "box" and event.what == "tender_result" and attempt in began:
            told.append(f"{event.at_ms - began.pop(attempt)} ms")
    return ", ".join(told)


def _amount(amount_minor: int, money: dict[str, Any]) -> str:
    return (
        format_amount(amount_minor, money["currency"])
        if "currency" in money
        else f"{amount_minor} minor units"
    )


def _signed(amount_minor: int, money: dict[str, Any]) -> str:
    return ("+" if amount_minor > 0 else "-") + _amount(abs(amount_minor), money)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _clock(at_ms: int) -> str:
    return _moment(at_ms).strftime("%H:%M:%S.") + f"{at_ms % 1000:03d}"


def _since(passed_ms: int) -> str:
    if passed_ms < 1000:
        return f"+{passed_ms} ms"
    if passed_ms < 60_000:
        return f"+{passed_ms // 1000}.{passed_ms % 1000:03d} s"
    return f"+{passed_ms // 60_000} min {passed_ms // 1000 % 60} s"
