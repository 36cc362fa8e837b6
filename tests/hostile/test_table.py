"""The page of hostile cases: its rows are those that are tried, and its reading of test names is right."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.hostile.rows import KNOWN, LATER, ROWS, numbers, rows_of
from tests.hostile.table import PAGE, PLACES, ROOT, rows_on


@pytest.mark.parametrize(
    ("node_id", "rows"),
    [
        ("tests/hostile/test_mqtt.py::test_row_1_an_anonymous", {1}),
        ("tests/hostile/test_mqtt.py::test_row_13_clients[60]", {13}),
        ("tests/cloud/test_consumer.py::test_hostile_rows_14_to_17_a_body[sqlite-x]", {14, 15, 16, 17}),
        ("tests/cloud/test_x.py::test_hostile_rows_48_and_49_what", {48, 49}),
        ("tests/hostile/test_peripherals.py::test_36_text_never", {36}),
        ("tests/hostile/test_peripherals.py::test_bytes[28-storm]", {28}),
        ("tests/hostile/test_codes.py::test_a_code[31-two-weights]", {31}),
        ("tests/hostile/test_iso8583.py::test_anything", {52}),
        ("tests/edge/test_scale.py::test_36_kilograms", set()),
        ("tests/edge/test_rows.py::test_arrows_4_ever", set()),
        ("tests/hostile/test_x.py::test_row_999_of_nothing", set()),
    ],
)
def test_a_name_tells_its_rows(node_id, rows):
    assert rows_of(node_id) == rows


def test_every_row_has_its_number_once_and_is_tried_or_has_a_reason_to_wait():
    tried = numbers(ROWS)

    assert len(tried) == len(set(tried))
    assert set(tried).isdisjoint(LATER)
    assert set(range(1, 73)) <= KNOWN


def test_the_page_lists_the_rows_that_tests_try_and_nothing_was_accepted_wrongly():
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *PLACES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tried = set().union(*(rows_of(line) for line in collected.stdout.splitlines() if "::" in line))
    text = PAGE.read_text()

    assert tried - set(LATER) == set(numbers(ROWS))
    assert rows_on(text) == (set(numbers(ROWS)), set(LATER))
    assert "accepted wrongly: 0." in text
