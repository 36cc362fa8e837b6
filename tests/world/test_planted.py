"""The catalogue of planted bugs: enough of them, each patches what is there, and the world finds them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from simulators.world import command
from simulators.world.run import COUNTERS
from tests.house.source import ROOT
from tests.world.planted import catalogue
from tests.world.planted.catalogue import CATALOGUE
from tests.world.planted.patching import ENDED, UNSETTLED, applied
from tests.world.planted.search import SEEDS_MAX, is_shown_at, search

BUGS_MIN = 25
QUICK = ("posting-one-sided", "weight-cut-at-the-box", "late-answer-ignored", "torn-tail-costs-the-file")


def test_there_are_at_least_25_bugs_of_different_names():
    names = [bug.name for bug in CATALOGUE]

    assert len(set(names)) == len(names) >= BUGS_MIN


def test_the_page_tells_of_each_bug():
    page = (ROOT / "docs" / "explanation" / "planted-bugs.md").read_text()

    assert [bug.name for bug in CATALOGUE if f"| `{bug.name}` | {bug.breaks} |" not in page] == []


@pytest.mark.parametrize("bug", CATALOGUE, ids=lambda bug: bug.name)
def test_a_bug_changes_what_the_product_has_and_leaves_it_as_it_was(bug):
    before = [patch.read() for patch in bug.patches]

    with applied(bug.patches):
        during = [patch.read() for patch in bug.patches]

    assert before
    assert not any(old is new for old, new in zip(before, during, strict=True))
    assert all(patch.read() is old for patch, old in zip(bug.patches, before, strict=True))
    assert set(bug.shown_by) <= {*COUNTERS, UNSETTLED, ENDED}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_world_finds_a_planted_bug(name):
    bug = next(bug for bug in CATALOGUE if bug.name == name)

    assert search(bug, seeds_max=5).found


@pytest.mark.slow
def test_a_world_without_a_bug_shows_none():
    bug = next(bug for bug in CATALOGUE if bug.name == "posting-one-sided")
    sound = type(bug)(bug.name, bug.breaks, bug.shown_by, ())

    assert is_shown_at(sound, 1) == set()


def test_the_command_prints_name_found_and_seeds_of_each_and_fails_when_one_is_not_found(monkeypatch):
    bug = next(bug for bug in CATALOGUE if bug.name == "posting-one-sided")
    missed = type(bug)("harmless", "nothing", (), ())
    monkeypatch.setattr(catalogue, "CATALOGUE", (missed,))

    ran = CliRunner().invoke(command.world, ["--planted", "--seeds", "1", "--json"])

    assert json.loads(ran.stdout) == [{"name": "harmless", "found": False, "seeds": 1}]
    assert ran.exit_code == 1
    assert SEEDS_MAX == 200
