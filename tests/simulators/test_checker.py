"""The checker counts what is wrong in a run and nothing else: a clean run, then one counter after the other."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from protocol.identifiers import to_paper
from simulators.checker.judge import judge
from simulators.checker.pricing import PriceList
from simulators.checker.report import MUST_BE_ZERO
from tests.cloud.tills import CATALOGUE, TAXES
from tests.simulators.checker_run import TENANT, Run, purchase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulators.checker.report import Report

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    started = await Run(tmp_path).start()
    yield started
    await started.stop()


def risen(report: Report) -> set[str]:
    return {name for name in MUST_BE_ZERO if getattr(report, name)}


async def test_a_clean_run_counts_nothing_wrong(run):
    await run.card_sale()
    run.cash_sale()
    await run.declined_sale()
    run.voided_sale()
    await run.deliver()

    report = run.report()

    assert risen(report) == set()
    assert report.findings == ()
    assert report.is_clean
    assert (report.sales_started, report.sales_paid, report.sales_declined, report.sales_voided) == (
        4,
        2,
        1,
        1,
    )
    assert (report.unknown_open, report.sales_open, report.receipts_outstanding) == (0, 0, 0)


async def test_a_sale_is_priced_by_the_versions_that_its_opening_names(run):
    order = run.cash_sale()
    await run.deliver()
    evidence = run.evidence()
    named = (CATALOGUE.hash.hex(), "", TAXES.hash.hex())
    dearer = {
        gtin: price._replace(price_minor=price.price_minor + 1)
        for gtin, price in evidence.prices.prices.items()
    }
    other = PriceList(dearer, evidence.prices.tax_ppm)

    right = judge(replace(evidence, lists={named: evidence.prices, ("0" * 64, "", ""): other}))
    changed = judge(replace(evidence, lists={named: other}))
    unknown = judge(replace(evidence, lists={("0" * 64, "", ""): evidence.prices}))

    assert right.priced_wrong == 0
    assert (changed.priced_wrong, unknown.priced_wrong) == (1, 1)
    assert order in unknown.findings[0].subject
    assert "nobody published" in unknown.findings[0].what


async def test_where_prices_change_a_sale_that_the_cloud_could_not_price_again_counts(run):
    run.cash_sale()
    await run.deliver()
    run.tamper("UPDATE sale_order SET price_check = 'price-not-checked'")
    evidence = run.evidence()
    named = (CATALOGUE.hash.hex(), "", TAXES.hash.hex())

    assert judge(evidence).priced_wrong == 0
    assert judge(replace(evidence, lists={named: evidence.prices})).priced_wrong == 1


async def test_a_completed_sale_that_the_cloud_never_books_is_lost(run):
    await run.card_sale()
    await run.deliver()
    lost = await run.card_sale()

    report = run.report()

    assert risen(report) == {"lost"}
    assert report.lost == 1
    assert lost in report.reasons("lost")[0]
    assert report.receipts_outstanding == len(run.till.frames) - run.till.sent


async def test_a_sale_whose_record_is_parked_is_lost_with_the_reason(run):
    order, priced = run.till.open_sale()
    tender = await run.pay(order, priced)
    run.till.complete(order, priced, tender, line_count=7)
    await run.deliver()

    report = run.report()

    assert risen(report) == {"lost"}
    assert "parked as lines-differ" in report.reasons("lost")[0]


async def test_two_captures_that_both_stand_for_one_sale_are_charged_twice(run):
    order, priced = run.till.open_sale()
    first = await run.pay(order, priced)
    run.till.complete(order, priced, first)
    await run.deliver()
    second = run.till.intend(order, priced.total_minor)

    await run.estate.hear(run.till, "req", run.till.request("pay", second))
    await run.estate.settle()
    report = run.report()

    assert risen(report) == {"charged_twice"}
    assert report.charged_twice == 1
    assert f"{2 * priced.total_minor} captured for {priced.total_minor}" in report.reasons("charged_twice")[0]


async def test_a_capture_for_a_sale_that_never_completes_is_charged_without_sale(run):
    order, priced = run.till.open_sale()
    await run.pay(order, priced)
    await run.deliver()

    report = run.report()

    assert risen(report) == {"charged_without_sale"}
    assert report.charged_without_sale == 1
    assert order in report.reasons("charged_without_sale")[0]
    assert report.sales_open == 1


async def test_a_reversed_capture_of_a_voided_sale_is_no_charge(run):
    order, priced = run.till.open_sale()
    await run.pay(order, priced)
    run.till.write("sale_voided", order=order, reason="shopper")
    await run.deliver()

    report = run.report()

    assert risen(report) == set()
    assert report.sales_voided == 1


async def test_a_capture_that_no_record_names_is_charged_without_sale(run):
    await run.card_sale()
    await run.deliver()
    run.books.capture(purchase(TENANT, 77), run.books.next_rrn(), "A1", 500)

    report = run.report()

    assert report.charged_without_sale == 1
    assert "attempt 77" in report.reasons("charged_without_sale")[0]


async def test_a_total_that_the_shelf_does_not_give_is_priced_wrong(run):
    order, priced = run.till.open_sale(quantity=2)
    priced.total_minor += 10
    priced.net_minor += 10
    priced.tax_rows = [(*row[:2], row[2] + 10 * (row[0] == "Z"), row[3]) for row in priced.tax_rows]
    tender = await run.pay(order, priced)
    run.till.complete(order, priced, tender)
    run.remember(order, "paid", priced.total_minor, method="card")
    await run.deliver()

    report = run.report()

    assert risen(report) == {"priced_wrong"}
    assert report.priced_wrong == 1
    assert "the total is" in report.reasons("priced_wrong")[0]


async def test_a_total_that_the_cloud_books_otherwise_is_priced_wrong(run):
    order = await run.card_sale()
    await run.deliver()

    run.tamper("UPDATE sale_order SET total_minor = total_minor + 1 WHERE order_id = ?", int(order))

    assert risen(run.report()) == {"priced_wrong"}


async def test_a_posting_that_changes_is_an_imbalance(run):
    await run.card_sale()
    await run.deliver()

    run.tamper("UPDATE ledger_posting SET amount_minor = amount_minor - 3 WHERE account = 'sales'")
    report = run.report()

    assert risen(report) == {"ledger_imbalance"}
    assert report.ledger_imbalance == 6  # the entry is off by 3, and so is the kept balance
    assert any("postings sum to -3" in reason for reason in report.reasons("ledger_imbalance"))


async def test_money_that_the_channel_does_not_have_is_an_imbalance_and_goods_without_money(run):
    await run.card_sale()
    await run.deliver()
    capture = json.loads(run.books_file.read_text())

    run.books_file.write_text("")
    report = run.report()

    assert risen(report) == {"ledger_imbalance", "goods_without_money"}
    assert report.ledger_imbalance == capture["amount_minor"]


async def test_cash_in_the_drawer_that_is_not_booked_is_an_imbalance(run):
    order = run.cash_sale()
    await run.deliver()
    cash = "(SELECT entry FROM ledger_entry WHERE kind = 'cash-taken')"

    run.tamper(
        f"UPDATE ledger_posting SET account = 'cash:till-2' WHERE account = 'cash:till-1' AND entry = {cash}"
    )
    run.tamper("UPDATE ledger_balance SET account = 'cash:till-2' WHERE account = 'cash:till-1'")
    report = run.report()

    assert risen(report) == {"ledger_imbalance"}
    assert order
    assert any("till-2" in reason for reason in report.reasons("ledger_imbalance"))


async def test_an_attempt_that_nobody_settled_is_an_open_unknown(run):
    run.estate.channel.answers.append("unknown")
    run.estate.channel.queries.extend(["unknown"] * 9)
    order, priced = run.till.open_sale()
    await run.pay(order, priced)
    await run.deliver()

    report = run.report()

    assert report.unknown_open == 1
    assert risen(report) == set()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"total": "9.99"}, "she was told 9.99"),
        ({"ending": "declined"}, "she was told declined, and her order is completed"),
        ({"ending": "voided"}, "of her money is kept"),
        ({"order": to_paper(5)}, "no completed order is hers"),
    ],
)
async def test_a_shopper_who_was_told_otherwise_contradicts_the_records(run, change, says):
    await run.card_sale()
    await run.deliver()
    run.memories[0].update(change)

    report = run.report()

    assert risen(report) == {"memories_contradicted"}
    assert any(says in reason for reason in report.reasons("memories_contradicted"))


async def test_wrong_change_contradicts_the_records(run):
    run.cash_sale()
    await run.deliver()
    run.memories[0]["cash_back"] = "0.50"

    report = run.report()

    assert risen(report) == {"memories_contradicted"}
    assert any("the ledger books" in reason for reason in report.reasons("memories_contradicted"))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_receipt_that_shows_another_total_contradicts_the_records(run, language):
    from protocol.receipt import Tender

    order, priced = run.till.open_sale()
    tender = await run.pay(order, priced)
    run.till.complete(order, priced, tender)
    priced.total_minor += 1
    run.print(order, priced, Tender("card", priced.total_minor), language)
    await run.deliver()

    report = run.report()

    assert risen(report) == {"memories_contradicted"}
    assert "the paper shows" in report.reasons("memories_contradicted")[0]


async def test_a_receipt_that_was_wanted_and_never_came_contradicts_the_records(run):
    await run.card_sale()
    await run.deliver()
    run.printer.tear_off()

    report = run.report()

    assert report.reasons("memories_contradicted")[0].endswith("no paper shows it")


async def test_a_changed_replica_is_damaged_evidence(run):
    await run.card_sale()
    await run.deliver()

    run.tamper("UPDATE replica_frame SET body = CAST(body || ' ' AS BLOB) WHERE seq = 1")

    assert "evidence_damaged" in risen(run.report())


async def test_the_command_prints_the_report_and_fails_when_something_is_wrong(run, tmp_path):
    await run.card_sale()
    await run.deliver()
    people = tmp_path / "memories.json"
    people.write_text(json.dumps({"memories": run.memories, "printers": {"till-1": run.printer.text()}}))
    arguments = ["--journals", run.till.directory, "--database", run.database, "--books", run.books_file]

    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "simulators.checker", *arguments, "--memories", people, "--json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )

    told = json.loads(done.stdout)
    assert told["sales_paid"] == 1
    assert told["lost"] == told["ledger_imbalance"] == 0
    assert told["priced_wrong"] == 1  # these goods are not on the demonstration's shelf
    assert done.returncode == 1


def test_the_checker_shares_no_code_with_the_product():
    modules = set()
    for path in (ROOT / "simulators" / "checker").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module or "")

    ours = {
        name for name in modules if name.split(".")[0] in ("protocol", "edge", "cloud", "simulators", "tests")
    }

    assert {name for name in ours if not name.startswith("simulators.checker.")} == {"simulators.goods"}
