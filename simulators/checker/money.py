"""Money: the acquirer's books and the drawers against sales and against the ledger. Amounts in minor units."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from simulators.checker.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulators.checker.cloud_side import CloudSide
    from simulators.checker.sales import Sale, Sales

Net = dict[tuple[str, int], int]  # (tenant, attempt) -> captured, less reversed and refunded
NOBODY = -1  # what stands for an attempt that is no number
CARD_ACCOUNT = "card-clearing"
CASH_ACCOUNT = "cash:"


def read_net(books: Path) -> Net:
    """What the books say is captured and not given back, by attempt. Missing books are empty."""
    net: Net = defaultdict(int)
    lines = books.read_text(encoding="utf-8").splitlines() if books.exists() else []
    for text in lines:
        line = json.loads(text)
        attempt = int(line["attempt"]) if str(line["attempt"]).isdigit() else NOBODY
        sign = 1 if line["kind"] == "capture" else -1
        net[line["tenant"], attempt] += sign * int(line["amount_minor"])
    return dict(net)


class Captured:
    """Captures brought to their orders; `of_nobody` are those of attempts that no record names."""

    def __init__(self, net: Net, sales: Sales, cloud: CloudSide) -> None:
        self.by_order: dict[tuple[str, int], int] = defaultdict(int)
        self.of_nobody: Net = {}
        for (tenant, attempt), amount in net.items():
            order = (
                sales.order_of_attempt.get((tenant, attempt))
                or cloud.attempts.get((tenant, attempt), (0, ""))[0]
            )
            if order:
                self.by_order[tenant, order] += amount
            elif amount:
                self.of_nobody[tenant, attempt] = amount


def judge_captures(sales: Sales, captured: Captured) -> Iterator[Finding]:
    """Charged twice, charged without sale, goods without money."""
    for (tenant, attempt), amount in captured.of_nobody.items():
        what = f"{amount} captured, and no record names the attempt"
        yield Finding("charged_without_sale", f"{tenant} attempt {attempt}", what)
    for (tenant, order), amount in captured.by_order.items():
        sale = sales.by_order.get((tenant, order))
        subject = f"{tenant} order {order}"
        if sale is None or sale.completed is None:
            if amount > 0:
                yield Finding("charged_without_sale", subject, f"{amount} captured, the sale never completed")
        elif amount > sale.card_tenders_minor():
            yield Finding(
                "charged_twice", subject, f"{amount} captured for {sale.card_tenders_minor()} of tenders"
            )
    for (tenant, order), sale in sales.by_order.items():
        due = sale.card_tenders_minor()
        if due > captured.by_order.get((tenant, order), 0):
            what = f"{captured.by_order.get((tenant, order), 0)} captured, {due} was tendered"
            yield Finding("goods_without_money", f"{tenant} order {order}", what)


def judge_ledger(cloud: CloudSide, net: Net, sales: Sales) -> tuple[int, list[Finding]]:
    """(what does not balance, in minor units; the reasons)."""
    differences = [
        *_entries_off(cloud),
        *_balances_off(cloud),
        *_channel_off(cloud, net),
        *_drawers_off(cloud, sales),
    ]
    findings = [Finding("ledger_imbalance", subject, what) for subject, what, amount in differences if amount]
    return sum(abs(amount) for _, _, amount in differences), findings


_Difference = tuple[str, str, int]


def _entries_off(cloud: CloudSide) -> Iterator[_Difference]:
    """The postings of each entry sum to zero, in each currency."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for posting in cloud.postings:
        sums[posting.tenant, posting.entry, posting.currency] += posting.amount_minor
    for (tenant, entry, currency), amount in sums.items():
        yield f"{tenant} {entry}", f"its postings sum to {amount} {currency}", amount


def _balances_off(cloud: CloudSide) -> Iterator[_Difference]:
    """The kept balances are the sums of the postings."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for posting in cloud.postings:
        sums[posting.tenant, posting.account, posting.currency] += posting.amount_minor
    for key in sums.keys() | cloud.balances.keys():
        kept, summed = cloud.balances.get(key, 0), sums.get(key, 0)
        yield f"{key[0]} {key[1]}", f"balance {kept} {key[2]}, its postings sum to {summed}", kept - summed


def _channel_off(cloud: CloudSide, net: Net) -> Iterator[_Difference]:
    """What the channel owes by the ledger is what it says it captured, attempt by attempt."""
    booked: Net = defaultdict(int)
    for posting in cloud.postings:
        if posting.account == CARD_ACCOUNT:
            booked[posting.tenant, posting.attempt] += posting.amount_minor
    for key in booked.keys() | net.keys():
        ours, theirs = booked.get(key, 0), net.get(key, 0)
        yield f"{key[0]} attempt {key[1]}", f"booked {ours}, the channel has {theirs}", ours - theirs


def _drawers_off(cloud: CloudSide, sales: Sales) -> Iterator[_Difference]:
    """What lies in each drawer is what its cash account says, tender by tender.

    Records that the cloud does not hold yet are not expected in its ledger.
    """
    booked: dict[tuple[str, str, int], int] = defaultdict(int)
    for posting in cloud.postings:
        if posting.account.startswith(CASH_ACCOUNT):
            booked[posting.tenant, posting.account, posting.attempt] += posting.amount_minor
    for (tenant, _), sale in sales.by_order.items():
        for attempt, tender in sale.tenders.items():
            if tender.method == "cash" and tender.is_replicated:
                ledger = booked.pop((tenant, CASH_ACCOUNT + sale.box, attempt), 0)
                kept = tender.kept_cash_minor
                what = f"booked {ledger}, the drawer has {kept}"
                yield f"{tenant} {sale.box} cash {attempt}", what, ledger - kept
                yield from _change_off(sale, attempt)
    for (tenant, account, attempt), amount in booked.items():
        yield f"{tenant} {account} {attempt}", f"booked {amount}, no record tells of that cash", amount


def _change_off(sale: Sale, attempt: int) -> Iterator[_Difference]:
    tender = sale.tenders[attempt]
    kept = tender.tendered_minor - tender.change_minor
    if tender.outcome == "approved":
        what = f"given {tender.tendered_minor}, back {tender.change_minor}, tendered {tender.amount_minor}"
        yield f"{sale.tenant} {sale.box} cash {attempt}", what, kept - tender.amount_minor
