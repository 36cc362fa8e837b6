"""The verdict over one run, from evidence alone. Definitions: docs/reference/five-counters.md.

`judge_run` reads the files of a run; `judge` decides about evidence that is read already.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.checker.cloud_side import CloudSide, read_cloud
from simulators.checker.journal import JournalEvidence, JournalRecord, read_directory
from simulators.checker.money import CASH_ACCOUNT, Captured, Net, judge_captures, judge_ledger, read_net
from simulators.checker.people import PeoplesEvidence, judge_people, read_people
from simulators.checker.pricing import PriceList, Versions, goods_prices, judge_price, read_lists
from simulators.checker.report import Finding, Report
from simulators.checker.sales import SETTLED, Sale, Sales

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

JOURNAL, REPLICA = "journal", "replica"  # where evidence is damaged
CLOUD_SETTLED = ("approved", "declined", "expired", "reversed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a run left behind."""

    journals: list[JournalEvidence]
    cloud: CloudSide
    net: Net
    people: PeoplesEvidence = field(default_factory=PeoplesEvidence)
    prices: PriceList = field(default_factory=goods_prices)
    lists: dict[Versions, PriceList] = field(
        default_factory=dict
    )  # where prices changed: by what a sale names


def read_evidence(
    journals: Sequence[Path],
    database: Path,
    books: Path,
    people: Path | None = None,
    prices: PriceList | None = None,
    lists: Path | None = None,
) -> Evidence:
    """Read the files of a run; `lists` says what every set of price versions costs, where they changed meanwhile."""
    return Evidence(
        [read_directory(directory) for directory in journals],
        read_cloud(database),
        read_net(books),
        read_people(people),
        prices or goods_prices(),
        read_lists(lists) if lists is not None else {},
    )


def judge_run(
    journals: Sequence[Path],
    database: Path,
    books: Path,
    people: Path | None = None,
    prices: PriceList | None = None,
) -> dict[str, Any]:
    """Judge a run by its files and give the report as plain values."""
    return judge(read_evidence(journals, database, books, people, prices)).as_json()


def judge(evidence: Evidence) -> Report:
    """Judge what is known."""
    cloud = evidence.cloud
    sales, outstanding, damages = _gather(evidence)
    captured = Captured(evidence.net, sales, cloud)
    imbalance, findings = judge_ledger(cloud, evidence.net, sales)
    findings += [Finding("evidence_damaged", where, what) for where, what in damages]
    findings += _lost(sales, cloud)
    findings += judge_captures(sales, captured)
    findings += _priced_wrong(sales, cloud, evidence)
    findings += judge_people(evidence.people, sales, captured, _ledger_cash(sales, cloud))
    counted = Counter(finding.counter for finding in findings)
    known = [sale for sale in sales.by_order.values() if sale.is_opened]
    return Report(
        sales_started=len(known),
        sales_paid=sum(sale.completed is not None for sale in known),
        sales_declined=sum(sale.is_declined for sale in known),
        sales_voided=sum(
            sale.is_voided and sale.completed is None and not sale.is_declined for sale in known
        ),
        sales_open=sum(sale.is_open for sale in known),
        unknown_open=len(_unknown_open(sales, cloud)),
        lost=counted["lost"],
        charged_twice=counted["charged_twice"],
        charged_without_sale=counted["charged_without_sale"],
        priced_wrong=counted["priced_wrong"],
        ledger_imbalance=imbalance,
        goods_without_money=counted["goods_without_money"],
        memories_contradicted=counted["memories_contradicted"],
        evidence_damaged=counted["evidence_damaged"],
        receipts_outstanding=outstanding,
        findings=tuple(findings),
    )


def _gather(evidence: Evidence) -> tuple[Sales, int, list[tuple[str, str]]]:
    """(all sales, journal records that the cloud does not hold, damage of the evidence: where and what)."""
    cloud, sales = evidence.cloud, Sales()
    damages = [(REPLICA, what) for what in cloud.broken_chains()]
    stored: dict[tuple[str, str, str, int], bytes] = {}
    for (tenant, box, generation), frames in cloud.frames.items():
        bodies = [frame.body for frame in frames]
        sales.take(tenant, box, bodies, is_replica=True, generation=generation)
        stored.update({(tenant, box, generation, frame.seq): frame.chain for frame in frames})
    outstanding: set[tuple[str, str, str, int]] = set()
    for journal in evidence.journals:
        damages += [(JOURNAL, what) for what in journal.damages]
        beyond = set(journal.beyond)
        for (tenant, box, generation), records in _by_owner(journal, cloud).items():
            if not tenant:
                damages.append((JOURNAL, f"{generation}: no box of the cloud wrote this journal"))
            bodies = [record.body for record in records]
            sales.take(tenant, box, bodies, is_replica=False, generation=generation)
            for record in records:
                chain = stored.get((tenant, box, generation, record.seq))
                if chain is None and record not in beyond:
                    outstanding.add((tenant, box, generation, record.seq))
                elif chain is not None and chain != record.chain:
                    what = f"{tenant}/{box} {generation}: journal and replica differ at {record.seq}"
                    damages.append((REPLICA, what))
                    break
    if sales.unreadable:
        damages.append((REPLICA, f"{sales.unreadable} records are no records"))
    return sales, len(outstanding), damages


def _by_owner(journal: JournalEvidence, cloud: CloudSide) -> dict[tuple[str, str, str], list[JournalRecord]]:
    found: dict[tuple[str, str, str], list[JournalRecord]] = defaultdict(list)
    owners: dict[str, tuple[str, str]] = {}
    for record in [*journal.records, *journal.beyond]:
        if record.generation not in owners:
            start = journal.starts.get(record.generation)
            owners[record.generation] = cloud.owner_of(record.generation, start)
        found[*owners[record.generation], record.generation].append(record)
    return found


def _lost(sales: Sales, cloud: CloudSide) -> Iterator[Finding]:
    for (tenant, order), sale in sales.by_order.items():
        if sale.completed is None:
            continue
        booked = cloud.orders.get((tenant, order))
        why = cloud.parked.get((tenant, order))
        state = f"parked as {why}" if why else booked.state if booked else "not there"
        if booked is None or booked.state != "completed":
            yield Finding(
                "lost", f"{tenant} order {order}", f"completed at {sale.box}, in the cloud it is {state}"
            )
        elif (tenant, order) not in cloud.sale_entries:
            yield Finding("lost", f"{tenant} order {order}", "completed, but not in the ledger")


def _priced_wrong(sales: Sales, cloud: CloudSide, evidence: Evidence) -> Iterator[Finding]:
    """One finding a sale, whoever priced it wrong."""
    for (tenant, order), sale in sales.by_order.items():
        if sale.completed is None:
            continue
        prices = evidence.lists.get(sale.versions) if evidence.lists and sale.versions else evidence.prices
        if prices is None:
            yield Finding(
                "priced_wrong", f"{tenant} order {order}", "it names versions that nobody published"
            )
            continue
        faults = judge_price(sale.open_lines, sale.completed, prices)
        booked = cloud.orders.get((tenant, order))
        if booked is not None and booked.state == "completed":
            theirs = (booked.total_minor, booked.net_minor, booked.tax_minor)
            ours = tuple(sale.completed[name] for name in ("total_minor", "net_minor", "tax_minor"))
            if theirs != ours:
                faults.append(f"the cloud books {theirs}, the box wrote {ours}")
            if booked.price_check == "priced_wrong":
                faults.append("the cloud's own check says so")
            elif evidence.lists and booked.price_check != "right":
                faults.append("the cloud could not price it again")
        if faults:
            yield Finding("priced_wrong", f"{tenant} order {order}", "; ".join(faults))


def _unknown_open(sales: Sales, cloud: CloudSide) -> set[tuple[str, int]]:
    """Attempts that are not settled, in the cloud or at a box whose sale still waits for them."""
    found = {name for name, (_, state) in cloud.attempts.items() if state not in CLOUD_SETTLED}
    for (tenant, _), sale in sales.by_order.items():
        found |= {(tenant, attempt) for attempt in _waiting(sale)}
    return found


def _waiting(sale: Sale) -> list[int]:
    if not sale.is_open:
        return []
    return [attempt for attempt, tender in sale.tenders.items() if tender.outcome not in SETTLED]


def _ledger_cash(sales: Sales, cloud: CloudSide) -> dict[int, int]:
    cash: dict[int, int] = defaultdict(int)
    for posting in cloud.postings:
        if posting.account.startswith(CASH_ACCOUNT):
            cash[sales.order_of_attempt.get((posting.tenant, posting.attempt), 0)] += posting.amount_minor
    return dict(cash)
