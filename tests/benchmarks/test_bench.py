"""The bench measures what it says and prints it as agreed. No test here looks at a clock's verdict."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from protocol.limits import MAX_AMOUNT_MINOR
from simulators.bench import box, command, crash_states, journal, micropython, pricing, replay, tender
from simulators.bench.rows import Row, percentile
from simulators.replay.invoices import read_invoices

FIELDS = {"name", "value", "unit", "bar", "met", "floor", "floor_name"}


@pytest.mark.parametrize(
    ("values", "per_cent", "expected"),
    [
        ([5], 50, 5),
        ([3, 1, 2], 50, 2),
        ([1, 2, 3, 4], 50, 2),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 101)), 100, 100),
        (list(range(1, 1001)), 99, 990),
    ],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_pass(values, per_cent, expected):
    assert percentile(values, per_cent) == expected


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("a", 4.99, "ms", 5), True),
        (Row("a", 5.0, "ms", 5), True),
        (Row("a", 5.01, "ms", 5), False),
        (Row("a", 2_999.0, "lines/s", 3_000, is_at_least=True), False),
        (Row("a", 3_000.0, "lines/s", 3_000, is_at_least=True), True),
        (Row("a", 1.0, "ms"), None),
        (Row("a", None, "KiB", 16, floor_name="not measured: why"), False),
    ],
)
def test_a_bar_is_met_or_missed_or_not_there(row, met):
    assert row.met is met
    assert row.as_json()["met"] is met
    assert set(row.as_json()) == FIELDS
    assert len(row.in_words()) == len(FIELDS)


def test_the_command_prints_one_json_list_with_an_object_for_each_row(monkeypatch):
    monkeypatch.setattr(journal, "ROUNDS", 5)

    done = CliRunner().invoke(command.bench, ["journal", "--json"])

    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == [
        "journal-inline",
        "journal-off-loop",
        "journal-off-loop-stall-p99",
    ]
    assert all(set(row) == FIELDS and row["value"] > 0 and row["floor"] > 0 for row in rows)


def test_the_table_for_people_names_what_was_missed(monkeypatch):
    monkeypatch.setattr(journal, "ROUNDS", 5)
    monkeypatch.setattr(journal, "INLINE_BAR", 0)

    done = CliRunner().invoke(command.bench, ["journal"])

    assert done.exit_code == 0, done.output
    assert "MISSED" in done.stdout
    assert "journal-inline" in done.stdout


def test_a_part_that_is_not_known_is_refused():
    done = CliRunner().invoke(command.bench, ["speed"])

    assert done.exit_code == 2
    assert "journal" in done.output


@pytest.mark.slow
async def test_a_box_is_started_scanned_at_and_weighed(monkeypatch, tmp_path):
    for name, value in {"ITEMS": 400, "STARTS": 1, "SCANS": 35, "STEP": 7}.items():
        monkeypatch.setattr(box, name, value)

    rows = {row.name: row.as_json() for row in await box.measure(tmp_path)}

    assert list(rows) == [
        "box-ready",
        "box-imports",
        "agent-memory",
        "scan-to-screen-p50",
        "scan-to-screen-p99",
    ]
    assert rows["agent-memory"]["value"] > rows["agent-memory"]["floor"] > 1
    assert 0 < rows["scan-to-screen-p50"]["value"] <= rows["scan-to-screen-p99"]["value"]


@pytest.mark.slow
async def test_tenders_are_timed_through_box_cloud_and_acquirer(monkeypatch, tmp_path):
    for name, value in {"SALES": 3, "WARM_UP_SALES": 1, "ECHOES": 50}.items():
        monkeypatch.setattr(tender, name, value)

    rows = {row.name: row.as_json()["value"] for row in await tender.measure(tmp_path)}

    assert 0 < rows["tender-to-approval-p50"] <= rows["tender-to-approval-p99"]
    assert rows["tender-to-approval-p50"] < rows["card-to-paid-p50"]
    assert rows["tender-to-approval-over-echo"] > 1


@pytest.mark.slow
async def test_a_replay_of_made_up_invoices_gives_lines_a_second_and_cpu_by_part(monkeypatch, tmp_path):
    monkeypatch.setattr(replay, "REAL_FILE", tmp_path / "not-there.csv.gz")
    monkeypatch.setattr(replay, "MADE_UP_INVOICES", 30)
    monkeypatch.setattr(replay, "FLOOR_LINES", 800)

    rows = {row.name: row.as_json() for row in await replay.measure(tmp_path)}

    assert rows["replay"]["value"] > 0
    assert rows["replay"]["floor"] > 0
    assert rows["replay"]["bar"] == 3_000
    assert {name for name in rows if name.startswith("replay-cpu-")} == {
        "replay-cpu-box",
        "replay-cpu-broker",
        "replay-cpu-cloud",
        "replay-cpu-simulators",
    }


@pytest.mark.slow
async def test_crash_states_are_recovered_and_counted_and_none_is_broken(monkeypatch, tmp_path):
    monkeypatch.setattr(crash_states, "SEEDS", 1)

    rows = {row.name: row.as_json() for row in await crash_states.measure(tmp_path)}

    assert list(rows) == [
        "crash-states",
        "crash-states-one-core",
        "crash-states-tried",
        "crash-states-broken",
    ]
    assert rows["crash-states-broken"]["met"]
    assert rows["crash-states-tried"]["floor"] > rows["crash-states-tried"]["value"] > 1_000
    assert 0 < rows["crash-states-one-core"]["value"] < rows["crash-states"]["floor"]


def test_made_up_invoices_can_be_sold_to_the_last_line(tmp_path):
    invoices, sums = read_invoices(replay._made_up(tmp_path / "invoices.csv"))

    assert len(invoices) == replay.MADE_UP_INVOICES
    assert not sums.refused_rows
    assert 0 < sums.total_millionths < MAX_AMOUNT_MINOR * 10_000


@pytest.mark.slow
async def test_a_basket_with_promotions_is_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(pricing, "REPEATS", 3)
    monkeypatch.setattr(pricing, "SIZES", (10, 100))
    monkeypatch.setattr(pricing, "WARM_UP_STEPS", 1)

    rows = {row.name: row.as_json() for row in await pricing.measure(tmp_path)}

    assert list(rows) == [
        "pricing-3-rules",
        "pricing-200-rules",
        "pricing-200-lines",
        "pricing-of-10-rules",
        "pricing-of-100-rules",
        "pricing-micropython",
        "pricing-micropython-heap",
    ]
    assert all(row["value"] > 0 and row["floor"] > 0 for row in rows.values())


@pytest.mark.slow
async def test_the_protocol_is_measured_on_micropython(monkeypatch, tmp_path):
    monkeypatch.setattr(micropython, "ROUNDS", 50)

    rows = {row.name: row.as_json() for row in await micropython.measure(tmp_path)}

    assert list(rows) == [
        "micropython-basket",
        "micropython-heap-money-basket",
        "micropython-heap-protocol",
    ]
    part, whole = rows["micropython-heap-money-basket"], rows["micropython-heap-protocol"]
    assert part["met"]
    assert whole["value"] > part["value"] > part["floor"]
