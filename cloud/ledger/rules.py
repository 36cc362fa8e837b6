"""What is booked, and on which accounts. Pure.

An entry is made of transfers from one account to another, so its postings sum to zero by construction. Debits are
positive, credits negative. Each entry is named after what it books: booking it twice is impossible. Accounts and
examples: `docs/reference/ledger.md`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from protocol.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CARD_CLEARING = "card-clearing"
CUSTOMER_DEPOSITS = "customer-deposits"
SALES = "sales"
SUSPENSE = "suspense"


class Subject(NamedTuple):
    """What an entry is about."""

    tenant: str
    shard: str
    currency: str
    order: int
    attempt: int
    business_day: str
    happened_ms: int


class Entry(NamedTuple):
    """One entry: postings are (account, amount_minor) and sum to zero."""

    name: str
    kind: str
    subject: Subject
    postings: tuple[tuple[str, int], ...]


def cash_account(box: str) -> str:
    """Name the account of the cash in one box's drawer."""
    return "cash:" + box


def tax_account(tax_class: str) -> str:
    """Name the account of the tax collected at one class."""
    return "tax:" + tax_class


def utc_day(at_ms: int) -> str:
    """Name the UTC day of an instant, for what has no business day of its own."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d")


def card_approved(subject: Subject, number: int, amount_minor: int) -> Entry:
    """Book the `number`-th approval of an attempt: the channel owes us, we owe the customer."""
    name = f"approval:{subject.attempt}:{number}"
    return _transfers(name, "card-approved", subject, [(CARD_CLEARING, CUSTOMER_DEPOSITS, amount_minor)])


def card_reversed(subject: Subject, number: int, amount_minor: int) -> Entry:
    """Book that the `number`-th approval was undone."""
    name = f"reversal:{subject.attempt}:{number}"
    return _transfers(name, "card-reversed", subject, [(CUSTOMER_DEPOSITS, CARD_CLEARING, amount_minor)])


def cash_taken(subject: Subject, box: str, amount_minor: int) -> Entry:
    """Book cash that stays in the drawer (what was tendered, less change)."""
    name = f"cash:{subject.attempt}"
    return _transfers(name, "cash-taken", subject, [(cash_account(box), CUSTOMER_DEPOSITS, amount_minor)])


def cash_returned(subject: Subject, box: str, amount_minor: int) -> Entry:
    """Book cash given back to the customer."""
    name = f"cash-return:{subject.attempt}"
    return _transfers(name, "cash-returned", subject, [(CUSTOMER_DEPOSITS, cash_account(box), amount_minor)])


def sale_completed(subject: Subject, net_minor: int, taxes: Iterable[tuple[str, int]]) -> Entry:
    """Book a sale that was priced right: the deposit becomes sales and tax."""
    transfers = [(CUSTOMER_DEPOSITS, SALES, net_minor)]
    transfers.extend((CUSTOMER_DEPOSITS, tax_account(tax_class), amount) for tax_class, amount in taxes)
    return _transfers(f"sale:{subject.order}", "sale-completed", subject, transfers)


def sale_suspended(subject: Subject, total_minor: int) -> Entry:
    """Book a sale whose price is wrong or not checked: the deposit waits until somebody looked."""
    transfers = [(CUSTOMER_DEPOSITS, SUSPENSE, total_minor)]
    return _transfers(f"sale:{subject.order}", "sale-suspended", subject, transfers)


def suspense_cleared(subject: Subject, net_minor: int, taxes: Iterable[tuple[str, int]]) -> Entry:
    """Book a suspended sale as sales and tax, after its price was found right."""
    transfers = [(SUSPENSE, SALES, net_minor)]
    transfers.extend((SUSPENSE, tax_account(tax_class), amount) for tax_class, amount in taxes)
    return _transfers(f"suspense:{subject.order}", "suspense-cleared", subject, transfers)


def corrected(entry: Entry, number: int, at_ms: int) -> Entry:
    """Book the opposite of an entry. The entry itself stays: the ledger only grows."""
    name = f"correction:{number}:{entry.name}"
    postings = tuple((account, -amount) for account, amount in entry.postings)
    return Entry(name, "correction", entry.subject._replace(happened_ms=at_ms), postings)


def balance_changes(entries: Iterable[Entry]) -> dict[tuple[str, str, str], int]:
    """Sum the postings of many entries by (tenant, account, currency); changes of zero are left out."""
    sums: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        tenant, currency = entry.subject.tenant, entry.subject.currency
        for account, amount in entry.postings:
            key = (tenant, account, currency)
            sums[key] = sums.get(key, 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


def _transfers(name: str, kind: str, subject: Subject, transfers: Sequence[tuple[str, str, int]]) -> Entry:
    """Make an entry of (debited, credited, amount_minor); transfers of nothing leave no posting."""
    sums: dict[str, int] = {}
    for debited, credited, amount_minor in transfers:
        if amount_minor < 0:
            raise CallerError("amount-negative", f"The entry {name} moves a negative amount", "Turn it round")
        sums[debited] = sums.get(debited, 0) + amount_minor
        sums[credited] = sums.get(credited, 0) - amount_minor
    return Entry(name, kind, subject, tuple((account, amount) for account, amount in sums.items() if amount))
