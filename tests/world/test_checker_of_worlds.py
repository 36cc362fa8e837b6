"""What the checker tells of worlds beside the counters: times of unknown outcomes, and configurations."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from simulators.checker.cloud_side import CloudSide, ReplicaFrame
from simulators.checker.configuration import judge_configurations
from simulators.checker.journal import JournalEvidence, JournalRecord
from simulators.checker.judge import JOURNAL, REPLICA, Evidence
from simulators.checker.report import Finding
from simulators.checker.sales import Sales
from simulators.checker.unknowns import CHAIN_DIGITS, read_written, resolve_times_ms, spread
from simulators.world.run import COUNTERS, Outcome, run_seed
from simulators.world.world import WRITTEN, Wishes

if TYPE_CHECKING:
    from pathlib import Path

TENANT, BOX, GENERATION = "acme", "till-1", "00" * 8
ATTEMPT = "7"
PUSHED = {(BOX, 1, "aa"), (BOX, 2, "bb")}


def frame(seq: int, **record: Any) -> ReplicaFrame:
    return ReplicaFrame(seq, seq.to_bytes(32, "little"), json.dumps(record).encode())


def result(seq: int, at_ms: int, outcome: str, t: str = "tender_result") -> ReplicaFrame:
    return frame(seq, t=t, at=at_ms, attempt=ATTEMPT, outcome=outcome)


def evidence(*frames: ReplicaFrame, held: tuple[ReplicaFrame, ...] = ()) -> Evidence:
    cloud = CloudSide(frames={(TENANT, BOX, GENERATION): list(frames)})
    journal = JournalEvidence([JournalRecord(1, GENERATION, *one) for one in held])
    return Evidence([journal], cloud, {})


def test_an_outcome_is_unknown_from_the_record_that_says_so_to_the_one_that_settles_it():
    told = evidence(result(1, 1_000, "unknown"), result(2, 4_500, "approved"))

    assert resolve_times_ms(told, {}) == [3_500]


def test_a_reversal_settles_and_one_without_an_answer_does_not():
    begun = (result(1, 1_000, "unknown"), result(2, 2_000, "unknown", "reversal_result"))

    assert resolve_times_ms(evidence(*begun), {}) == []
    ended = result(3, 9_000, "reversed", "reversal_result")
    assert resolve_times_ms(evidence(*begun, held=(ended,)), {}) == [8_000]


def test_an_outcome_that_was_never_unknown_has_no_time():
    assert resolve_times_ms(evidence(result(1, 1_000, "approved")), {}) == []


def test_the_recorder_is_believed_and_not_the_clock_of_the_box():
    first, last = result(1, 1_000, "unknown"), result(2, 86_401_000, "approved")
    written = {one.chain.hex()[:CHAIN_DIGITS]: at_ms for one, at_ms in ((first, 50), (last, 250))}

    assert resolve_times_ms(evidence(first, last), written) == [200]


@pytest.mark.parametrize(
    ("times", "wanted"),
    [([], (0, 0, 0, 0)), ([5], (1, 5, 5, 5)), (list(range(101)), (101, 50, 99, 100))],
)
def test_times_are_told_by_their_middle_their_tail_and_their_end(times, wanted):
    assert tuple(spread(times)) == wanted


def test_a_world_tells_how_long_unknown_outcomes_took_by_its_own_clock(tmp_path: Path):
    outcome = run_seed(1, Wishes(boxes=2, hours=0.2, card_share=0.9), tmp_path)

    assert outcome.resolved_ms
    assert all(0 < time_ms < 1_800_000 for time_ms in outcome.resolved_ms)
    assert len(read_written(tmp_path / WRITTEN)) > 200
    assert (outcome.report["unknown_open"], outcome.report["records_held"]) == (0, 0)


@pytest.mark.parametrize(("where", "wrongs"), [(JOURNAL, []), (REPLICA, ["evidence_damaged"])])
def test_a_bit_that_turned_excuses_a_damaged_journal_and_no_damage_in_the_cloud(where, wrongs):
    found = Finding("evidence_damaged", where, "it is damaged")._asdict()
    report = {**dict.fromkeys(COUNTERS, 0), "evidence_damaged": 1, "findings": [found]}

    outcome = Outcome(1, "", 1.0, {"bit-flip": 1}, {}, report, [], [])

    assert outcome.wrongs == wrongs


def test_how_a_tender_ended_stays_although_a_disk_forgot_it():
    sales = Sales()
    intended = {
        "t": "tender_intended",
        "order": "5",
        "attempt": ATTEMPT,
        "method": "cash",
        "amount_minor": 30,
    }
    ended = {"t": "tender_result", "order": "5", "attempt": ATTEMPT, "tendered_minor": 0, "change_minor": 0}
    first = [json.dumps(one).encode() for one in (intended, {**ended, "outcome": "approved"})]
    later = [json.dumps(one).encode() for one in (intended, {**ended, "outcome": "declined"})]

    sales.take(TENANT, BOX, first, is_replica=True, generation="aa")
    sales.take(TENANT, BOX, later, is_replica=True, generation="bb")

    assert sales.by_order[TENANT, 5].tenders[int(ATTEMPT)].outcome == "approved"
    sales.take(TENANT, BOX, [later[1] + b" "], is_replica=True, generation="aa")
    assert sales.by_order[TENANT, 5].tenders[int(ATTEMPT)].outcome == "declined"


def database(path: Path, *, reported: int) -> Path:
    """A cloud that pushed versions 1 and 2 to a box, and thinks that it runs 2."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE configuration_document (tenant, box, version, state)")
        db.execute("CREATE TABLE configuration_desired (tenant, box, version)")
        db.execute("CREATE TABLE box_report (tenant, box, config_version)")
        rows = [(TENANT, BOX, 1, "superseded"), (TENANT, BOX, 2, "applied")]
        db.executemany("INSERT INTO configuration_document VALUES (?, ?, ?, ?)", rows)
        db.execute("INSERT INTO configuration_desired VALUES (?, ?, 2)", (TENANT, BOX))
        db.execute("INSERT INTO box_report VALUES (?, ?, ?)", (TENANT, BOX, reported))
        db.commit()
    return path


def applied(seq: int, version: int, digest: str) -> ReplicaFrame:
    return frame(seq, t="config_applied", at=seq, version=version, hash=digest, outcome="applied", reason="")


def test_configurations_in_order_are_right(tmp_path: Path):
    told = evidence(applied(1, 1, "aa"), applied(2, 2, "bb"), applied(3, 2, "bb"))

    assert judge_configurations(told, database(tmp_path / "db", reported=2), PUSHED, ()) == []


def test_a_version_that_falls_is_wrong_unless_the_disk_forgot(tmp_path: Path):
    told = evidence(applied(1, 2, "bb"), applied(2, 1, "aa"))
    cloud = database(tmp_path / "db", reported=2)

    assert [found.what for found in judge_configurations(told, cloud, PUSHED, ())] == [
        "version 1 came after 2"
    ]
    assert judge_configurations(told, cloud, PUSHED, (BOX,)) == []


def test_a_document_of_nobody_is_wrong(tmp_path: Path):
    told = evidence(applied(1, 2, "cc"))

    (found,) = judge_configurations(told, database(tmp_path / "db", reported=2), PUSHED, ())

    assert found.what == "version 2 is no document of its fleet"


def test_a_box_that_runs_something_else_than_the_cloud_thinks_is_wrong(tmp_path: Path):
    (found,) = judge_configurations(evidence(), database(tmp_path / "db", reported=1), PUSHED, ())

    assert found.what == "it runs version 1, the cloud thinks it runs 2"
