"""The schedule of faults, and the shrinker that finds which of them a failure needs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from simulators.world import command
from simulators.world.run import COUNTERS, Outcome, run_seed
from simulators.world.scene import Deed
from simulators.world.schedule import EVERY_S, KINDS, plan
from simulators.world.seeds import Seeds
from simulators.world.shrink import RUNS_MAX, shrink
from simulators.world.world import Wishes
from tests.world.planted.catalogue import CATALOGUE
from tests.world.planted.patching import applied

HANDFUL = 5


def planted(name: str):
    return next(bug for bug in CATALOGUE if bug.name == name)


def test_the_faults_of_a_short_world_are_the_first_ones_of_a_long_one():
    short, long = plan(Seeds(3), 600), plan(Seeds(3), 3_600)

    assert [(fault.number, fault.at_s, fault.kind) for fault in short] == [
        (fault.number, fault.at_s, fault.kind) for fault in long[: len(short)]
    ]
    assert [fault.chance.random() for fault in short] == [
        fault.chance.random() for fault in long[: len(short)]
    ]
    assert len(short) > 600 / EVERY_S[1] - 1


def test_every_kind_comes_in_some_world():
    kinds = {fault.kind for seed in range(30) for fault in plan(Seeds(seed), 3_600)}

    assert set(KINDS) < kinds


def test_a_world_of_chosen_faults_has_these_and_no_others():
    whole = run_seed(2, Wishes(boxes=1, hours=0.1))
    chosen = whole.deeds[1].number

    part = run_seed(2, Wishes(boxes=1, hours=0.1, only=(chosen,)))

    assert {deed.number for deed in part.deeds} == {chosen}
    assert part.deeds[0][:5:2] == whole.deeds[1][:5:2]
    assert part.deeds[0].who == whole.deeds[1].who


def test_leaving_one_fault_out_leaves_the_same_choices_to_the_others():
    whole = run_seed(7, Wishes(boxes=2, hours=0.1))
    left = tuple(sorted({deed.number for deed in whole.deeds}))[1:]

    part = run_seed(7, Wishes(boxes=2, hours=0.1, only=left))

    chosen = {(deed.number, deed.kind, deed.who) for deed in whole.deeds if deed.number in left}
    assert {(deed.number, deed.kind, deed.who) for deed in part.deeds} == chosen


def told(wishes: Wishes, deeds: tuple[Deed, ...], *, fails: bool) -> Outcome:
    report = {**dict.fromkeys(COUNTERS, 0), "lost": int(fails), "findings": []}
    return Outcome(1, "", wishes.hours, {}, {}, report, [], [], deeds=deeds)


def test_the_shrinker_finds_exactly_the_faults_that_a_failure_needs():
    needed, runs = {17, 40}, []

    def live(wishes: Wishes) -> Outcome:
        numbers = wishes.only if wishes.only is not None else tuple(range(1, 101))
        deeds = [Deed(number, number * 30.0, "pause", "box-1", "") for number in numbers]
        happened = tuple(deed for deed in deeds if deed.at_s < wishes.hours * 3_600)
        runs.append(len(happened))
        return told(wishes, happened, fails=needed <= {deed.number for deed in happened})

    shrunk = shrink(Wishes(), live)

    assert shrunk is not None
    assert shrunk.kind == "lost"
    assert shrunk.wishes.only == (17, 40)
    assert shrunk.wishes.hours == 0.35
    assert len(runs) == shrunk.runs <= RUNS_MAX


def test_a_failure_that_needs_no_fault_says_so():
    shrunk = shrink(Wishes(hours=2.0), lambda wishes: told(wishes, (), fails=True))

    assert shrunk is not None
    assert (shrunk.wishes.only, shrunk.deeds) == ((), [])
    assert shrunk.wishes.hours < 0.1


def test_nothing_is_shrunk_where_nothing_is_wrong():
    assert shrink(Wishes(), lambda wishes: told(wishes, (), fails=False)) is None


@pytest.mark.slow
def test_a_planted_bug_shrinks_to_a_handful_of_faults():
    bug = planted("late-answer-ignored")
    with applied(bug.patches):
        shrunk = shrink(bug.wishes, lambda wishes: run_seed(1, wishes))
        assert shrunk is not None
        again = run_seed(1, shrunk.wishes)

    assert 1 <= len({deed.number for deed in shrunk.deeds}) <= HANDFUL
    assert any(deed.kind.startswith("channel-late") for deed in shrunk.deeds)
    assert shrunk.kind in again.wrongs
    assert again.trace == shrunk.outcome.trace
    assert run_seed(1, shrunk.wishes).is_clean


@pytest.mark.slow
def test_the_command_prints_the_faults_that_are_left_and_how_to_replay_them(tmp_path):
    with applied(planted("posting-one-sided").patches):
        small = ("--seeds", "1", "--boxes", "1", "--hours", "0.05", "--keep", str(tmp_path))
        ran = CliRunner().invoke(command.world, [*small, "--shrink", "--json"])

    shrunk = json.loads(ran.stdout)["shrunk"][0]
    assert (shrunk["kind"], shrunk["faults"]) == ("ledger_imbalance", [])
    assert shrunk["replay"].endswith("--boxes 1 --only 0")
    assert shrunk["replay"] in ran.stderr
