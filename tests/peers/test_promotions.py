"""Prices that another project's written scenarios state, and our own ones in the same sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.peers.promotions.compare import compare, reason_of
from tests.peers.promotions.gherkin import Step, scenarios_of
from tests.peers.promotions.sentences import read_off
from tests.peers.promotions.shop import Money, UnmappedError, read_money
from tests.shared_data import shared

OWN = Path(__file__).parent / "promotions" / "examples"
MAPPED_AT_LEAST = 120  # of another project's scenarios of cart and taxation, as our issue of prices asks
COMMAND_S = 60  # a hundred and sixty scenarios take half a second; the rest is a loaded machine

SHOP = """
Feature: One article
    Background:
        Given the store operates on a single channel in "United States"
        And the store has a product "Tea" priced at "$8.00"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "case.feature"
    path.write_text(SHOP + text, encoding="utf-8")
    return path


def test_another_projects_scenarios_of_cart_and_taxation_come_out_equal():
    verdicts = compare(shared("data/promotions_sylius"))

    mapped = [verdict for verdict in verdicts if verdict.is_mapped]
    assert [(v.scenario.name, v.different) for v in mapped if v.different] == []
    assert len(mapped) >= MAPPED_AT_LEAST
    assert sum(verdict.amounts > 0 for verdict in mapped) >= 90
    assert all(verdict.reason for verdict in verdicts if not verdict.is_mapped)


def test_no_scenario_is_left_out_for_a_sentence_that_nobody_reads():
    verdicts = compare(shared("data/promotions_sylius"))

    assert [v.reason for v in verdicts if "without a reader" in v.reason or "refused" in v.reason] == []


def test_our_own_scenarios_in_the_same_sentences_come_out_equal():
    verdicts = compare(OWN)

    assert [(v.scenario.name, v.reason, v.different) for v in verdicts if v.reason or v.different] == []
    assert len(verdicts) == 20


def test_a_total_that_is_a_cent_off_is_different(tmp_path):
    path = written(
        tmp_path,
        """
    Scenario: Wrong on purpose
        When I add 2 products "Tea" to the cart
        Then my cart total should be "$16.01"
        And there should be one item in my cart
    """,
    )

    (verdict,) = compare(path)

    assert [(said.expected, said.came) for said in verdict.different] == [
        (Money("USD", 1601), Money("USD", 1600))
    ]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ('When I dance with product "Tea"', 'a sentence without a reader: I dance with product "Tea"'),
        ('When I add product "Tea" to the cart', "it states nothing that a sale decides"),
        ('When I add product "Mate" to the cart', "an article that was not named before: Mate"),
        (
            'Given there is a promotion "A"\nAnd it gives "¤1" discount to every order',
            "an amount that is not read: ¤1",
        ),
        (
            'Given the store has a product "Oil"\nWhen I add this product to the cart\nThen my discount should be "$1"',
            "an amount from an article whose price the scenario does not state",
        ),
    ],
)
def test_a_scenario_that_cannot_be_mapped_says_why(tmp_path, steps, reason):
    (verdict,) = compare(written(tmp_path, f"Scenario: A\n{steps}\n"))

    assert (verdict.is_mapped, verdict.reason) == (False, reason)


def test_prices_with_and_without_tax_in_one_sale_are_not_mapped(tmp_path):
    path = written(
        tmp_path,
        """
    Scenario: Two ways of pricing
        Given default tax zone is "US"
        And the store has "Net" tax rate of 10% for "Food" within the "US" zone
        And it belongs to "Food" tax category
        And the store has included in price "Gross" tax rate of 20% for "Tools" within the "US" zone
        And the store has a product "Pot" priced at "$20.00"
        And it belongs to "Tools" tax category
        When I add products "Tea" and "Pot" to the cart
        Then my cart total should be "$28.80"
    """,
    )

    (verdict,) = compare(path)

    assert verdict.reason == "prices with and without tax in one sale"


def test_an_outline_becomes_a_scenario_for_each_row_of_its_examples(tmp_path):
    path = written(
        tmp_path,
        """
    Scenario Outline: <count> at once
        When I add <count> products "Tea" to the cart
        Then my cart total should be "<total>"

        Examples:
            | count | total  |
            | 1     | $8.00  |
            | 3     | $24.00 |
    """,
    )

    verdicts = compare(path)

    assert [verdict.scenario.name for verdict in verdicts] == [
        "1 at once (1, $8.00)",
        "3 at once (3, $24.00)",
    ]
    assert [verdict.different for verdict in verdicts] == [[], []]


def test_comments_tags_and_doc_strings_are_no_steps(tmp_path):
    path = written(
        tmp_path,
        '''
    @api
    # Given a comment
    Scenario: Short
        When I add product "Tea" to the cart
        """
        Then this is text
        """
        Then my cart total should be "$8.00"
            | and | a table |
    ''',
    )

    (scenario,) = scenarios_of(path)

    assert [step.text for step in scenario.steps[scenario.own :]] == [
        'I add product "Tea" to the cart',
        'my cart total should be "$8.00"',
    ]
    assert scenario.steps[-1].table == (("and", "a table"),)


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("$1,234.50", Money("USD", 123450)),
        ("-£0.05", Money("GBP", -5)),
        ("€3", Money("EUR", 300)),
        ("$0.5", Money("USD", 50)),
    ],
)
def test_amounts_are_read_as_scenarios_write_them(text, money):
    assert read_money(text) == money


def test_a_percentage_too_fine_for_parts_per_million_is_not_read():
    with pytest.raises(UnmappedError, match="not read"):
        read_off("5.00001%")


def test_a_sentence_about_deliveries_that_a_shop_proposes_is_outside():
    step = Step('this shipping method requires at least one unit matches to "Large" shipping category')

    assert reason_of(step) == "which of several deliveries a web shop proposes by itself"


def test_the_command_prints_the_comparison_as_json_and_fails_on_a_difference(tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for folder, total in ((right, "$8.00"), (wrong, "$8.01")):
        folder.mkdir()
        steps = f'When I add product "Tea" to the cart\nThen my cart total should be "{total}"\n'
        written(folder, f"Scenario: A\n{steps}\nScenario: B\nWhen nobody comes\n")

    equal, different = compared(right), compared(wrong)

    assert (equal.returncode, different.returncode) == (0, 1)
    told = json.loads(different.stdout)
    assert {name: told[name] for name in ("mapped", "unmapped", "equal", "different")} == {
        "mapped": 1,
        "unmapped": 1,
        "equal": 0,
        "different": 1,
    }
    assert told["details"]["different"][0]["steps"] == [
        {"step": 'my cart total should be "$8.01"', "expected": "USD 8.01", "came": "USD 8.00"}
    ]
    assert told["details"]["unmapped"][0]["reason"] == "a sentence without a reader: nobody comes"


def test_a_folder_without_a_scenario_is_refused(tmp_path):
    done = compared(tmp_path)

    assert done.returncode == 2
    assert "there is no scenario" in done.stderr


def compared(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.peers.promotions", str(path), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
