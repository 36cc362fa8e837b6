"""A replay through the real path, and that its verdict notices what does not add up."""

from __future__ import annotations

import copy
import csv
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from simulators.replay.cpu import _clock_ms, children_of, cpu_ms
from simulators.replay.invoices import COLUMNS, FileSums, Invoice, Row
from simulators.replay.ledger import CloudBooks
from simulators.replay.plan import make_plan
from simulators.replay.report import in_words, report
from simulators.replay.run import Facts
from tests.shared_data import ROOT, shared

REPLAY = [sys.executable, "-m", "simulators.commandline", "replay"]
REPLAY_S = 240  # a whole cloud and its boxes start; minutes only on a machine with much else to do


def replayed(*arguments):
    return subprocess.run(
        [*REPLAY, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=REPLAY_S,
        check=False,
    )


@pytest.mark.slow
def test_real_invoices_go_through_the_whole_path_and_the_money_adds_up(tmp_path):
    file = shared("data/online_retail/invoices_2010-12_to_2011-01.csv.gz")

    done = replayed(file, "--limit-invoices", 60, "--card-share", 20, "--json", "--data", tmp_path / "data")

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["adds_up"]
    assert (told["invoices_sold"], told["paid_by_card"], told["priced_wrong"], told["ledger_balance"]) == (
        60,
        12,
        0,
        0,
    )
    assert told["file_total"] == "1308957.28"
    # Four boxes open their journals and say that they started; then each line is a record, and each sale six more.
    records = 4 * 2 + told["lines_sold"] + 60 * (6 - 1)
    assert records <= told["receipts_confirmed"] <= records + 4 * 30
    assert set(told["cpu_ms_per_sale"]) == {"box", "broker", "cloud", "simulators"}
    assert all(spent >= 0 for spent in told["cpu_ms_per_sale"].values())
    assert told["acquirer_captured"] != "0.00"


@pytest.mark.slow
def test_a_file_with_an_unreadable_row_is_sold_and_then_fails_by_its_name(tmp_path):
    path = tmp_path / "invoices.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerow(["1", "22423", "CAKESTAND", "2", "2010-12-01 08:26", "10.95", "", "France"])
        rows.writerow(["1", "22424", "BROKEN", "many", "2010-12-01 08:26", "10.95", "", "France"])

    done = replayed(path, "--boxes", 1, "--card-share", 0)

    assert done.returncode == 1
    assert "1 of 1, 1 lines" in done.stdout
    assert "sold 21.90 + refused 0.00 = file 21.90 GBP: NO" in done.stdout
    assert "TROUBLE" in done.stdout
    assert "row-malformed" in done.stdout


def test_a_file_without_sales_ends_with_a_named_error_and_starts_nothing(tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text(",".join(COLUMNS) + "\r\n")

    done = replayed(path)

    assert done.returncode == 1
    assert "invoices-none" in done.stderr
    assert "Traceback" not in done.stderr


def fitting_facts():
    rows = [Row("1", "22423", "CAKESTAND", 2, 10_950_000, "")]
    refused = FileSums(
        3, 2 * 10_950_000 - 5_000_000, Counter(cancellation=1), Counter(cancellation=-5_000_000)
    )
    plan = make_plan([Invoice("1", rows)], "GBP")
    ended = {"sales": 1, "lines": 1, "records": 9, "cards": 0, "sell_s": 0.5, "confirm_s": 1.0}
    balances = {"cash:till-01": 2190, "sales": -1825, "tax:A": -365}
    books = CloudBooks(sales=1, lines=1, sold_minor=2190, postings=5, balances=balances)
    return Facts(plan, refused, ended, books, 0, "nats", {"box": 3})


def test_a_replay_that_adds_up_says_so():
    told = report(fitting_facts())

    assert told["adds_up"], told["troubles"]
    assert told["refused"] == {"cancellation": {"rows": 1, "amount": "-5.00"}}
    assert (told["sold_total"], told["refused_total"], told["file_total"]) == ("21.90", "-5.00", "16.90")
    assert any("sold 21.90 + refused -5.00 = file 16.90 GBP: yes" in line for line in in_words(told))


FAULTS = {
    "a sale is missing in the ledger's database": lambda facts: setattr(facts.books, "sales", 0),
    "a line is missing": lambda facts: setattr(facts.books, "lines", 0),
    "a sale was booked at another total": lambda facts: setattr(facts.books, "sold_minor", 2191),
    "a sale was priced wrong": lambda facts: setattr(facts.books, "priced_wrong", 1),
    "a price was not checked": lambda facts: setattr(facts.books, "price_not_checked", 1),
    "an order is open": lambda facts: setattr(facts.books, "left_open", 1),
    "a record is parked": lambda facts: setattr(facts.books, "parked", 1),
    "a message is set aside": lambda facts: setattr(facts.books, "set_aside", 1),
    "a message was refused": lambda facts: setattr(facts.books, "refused_messages", 1),
    "an alarm is open": lambda facts: setattr(facts.books, "alarms", 1),
    "a penny is missing in the drawer": lambda facts: facts.books.balances.update({"cash:till-01": 2189}),
    "a deposit was not used": lambda facts: facts.books.balances.update(
        {"customer-deposits": -5, "sales": -1820}
    ),
    "a sale is in suspense": lambda facts: facts.books.balances.update({"suspense": -1825, "sales": 0}),
    "the channel captured more than was booked": lambda facts: object.__setattr__(facts, "captured_minor", 5),
    "a box sold less": lambda facts: facts.ended.update(sales=0),
    "the file has money that nobody counted": lambda facts: setattr(
        facts.file, "total_millionths", 17_000_000
    ),
    "a row cannot be read": lambda facts: facts.file.refused_rows.update(["row-malformed"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_replay_that_does_not_add_up_is_told_with_the_reason(fault):
    facts = copy.deepcopy(fitting_facts())

    FAULTS[fault](facts)

    told = report(facts)
    assert not told["adds_up"]
    assert told["troubles"]


def test_cpu_time_of_a_process_and_its_children_is_read_by_id():
    busy = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()

        assert child.pid in children_of(os.getpid())
        assert 150 <= cpu_ms([child.pid]) <= 2_000
        child.communicate("\n")

    assert cpu_ms([child.pid]) == 0


@pytest.mark.parametrize(("text", "ms"), [("0:00.07", 70), ("1:02.50", 62_500), ("01:00:00", 3_600_000)])
def test_times_of_ps_are_read_in_all_their_forms(text, ms):
    assert _clock_ms(text) == ms
