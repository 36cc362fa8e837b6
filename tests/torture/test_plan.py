"""The plan of a torture comes from its seed alone, leaves nothing out, and names what a machine cannot do."""

from __future__ import annotations

from collections import Counter

import pytest

from protocol.errors import ConfigError
from simulators.torture import command, run
from simulators.torture.plan import BROKERS, CUTS, DATABASES, LINKS, PARTS, RESTORES, SYNCING, draw

EVERY_KIND = {
    *(("kill", part) for part in PARTS),
    *(("stop", part) for part in PARTS),
    *(("cut", kind) for kind in CUTS),
    *(("restore", what) for what in RESTORES),
    ("takeover", "client_id"),
    ("fill", "disk"),
    *(("fsync", part) for part in SYNCING),
}


@pytest.mark.parametrize("minutes", [0.5, 3.0, 20.0])
def test_the_same_seed_gives_the_same_faults_and_another_one_others(minutes):
    assert draw(7, minutes) == draw(7, minutes)
    assert draw(7, minutes) != draw(8, minutes)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("minutes", [0.3, 1.0, 10.0])
def test_every_round_has_every_kind_of_fault_within_its_time_and_in_order(seed, minutes):
    rounds = draw(seed, minutes)

    for one in rounds:
        times = [fault.at_s for fault in one.faults]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= one.seconds
        assert {(fault.kind, fault.what) for fault in one.faults} == EVERY_KIND
    assert sum(one.seconds for one in rounds) == pytest.approx(minutes * 60)


def test_brokers_take_turns_and_each_meets_each_database():
    rounds = draw(1, 10.0)

    assert {one.broker for one in draw(1, 1.0)} == set(BROKERS)
    assert {(one.broker, one.database) for one in rounds} == {(b, d) for b in BROKERS for d in DATABASES}


def test_both_links_are_cut_in_every_way_that_was_asked_for():
    cuts = [fault for one in draw(3, 60.0) for fault in one.faults if fault.kind == "cut"]

    assert {(fault.what, fault.numbers["link"]) for fault in cuts} == {
        (c, link) for c in CUTS for link in LINKS
    }
    combined = next(fault for fault in cuts if fault.what == "combined")
    assert {"latency_ms", "slice_bytes", "bytes_per_s"} <= combined.numbers.keys()


def test_a_missing_broker_and_database_are_replaced_and_counted_as_not_tried(monkeypatch):
    monkeypatch.setattr(run, "_program", lambda name: None if name == "mosquitto" else name)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    outcomes = [run.equipped(one) for one in draw(1, 10.0)]

    told = command.summary(outcomes, 1, 10.0)

    assert told["brokers"] == {"nats": len(outcomes)}
    assert told["databases"] == {"sqlite": len(outcomes)}
    counted = Counter({entry["what"]: entry["count"] for entry in told["not_tried"]})
    assert counted == {"mosquitto": 2, "postgresql": 2}
    assert all(entry["why"] for entry in told["not_tried"])


def test_a_round_that_did_not_start_or_settle_is_no_clean_torture():
    (outcome, *_) = [run.equipped(one) for one in draw(1, 1.0)]
    assert command.verdict(command.summary([outcome], 1, 1.0))

    outcome.failures.append("not-settled: still open")

    assert not command.verdict(command.summary([outcome], 1, 1.0))


def test_a_directory_with_an_older_torture_is_not_mixed_with_a_new_one(tmp_path):
    (tmp_path / "round-1").mkdir()

    with pytest.raises(ConfigError, match="directory-in-use"):
        command.torture.main(["--data", str(tmp_path)], standalone_mode=False)


@pytest.mark.parametrize(
    "counter", ["lost", "charged_twice", "charged_without_sale", "priced_wrong", "ledger_imbalance"]
)
def test_one_counter_above_zero_in_one_round_is_enough(counter):
    outcomes = [run.equipped(one) for one in draw(1, 1.0)]
    outcomes[0].report = {counter: 1, "findings": []}

    told = command.summary(outcomes, 1, 1.0)

    assert told[counter] == 1
    assert not command.verdict(told)
