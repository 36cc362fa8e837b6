"""After a crash at any operation the journal and the files that are replaced whole come back as promised."""

from __future__ import annotations

from random import Random

import pytest

from simulators.bench.crash_workloads.journal import FIRST, SECOND, Promise, RestartWorkload
from simulators.bench.crash_workloads.standard import journals, restarts, whole_files
from simulators.crash_states.examine import Examination, examine
from simulators.crash_states.recovered import RecoveredDisk

WHOLE_FILES = ("documents", "config-slots", "catalogue", "price-versions")
RESTARTS = 5  # seeded crash states of each workload whose own recovery is crashed again at every operation
NAMES = [workload.name for workload in journals()]


def named(name):
    return next(workload for workload in journals() if workload.name == name)


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_exactly_the_synced_records_come_back_or_more_after_a_crash_at_any_operation(place):
    report = examine(journals(seed=5)[place], Random(1))

    assert not report.findings, str(report.findings[0])
    assert report.sampled_prefixes == 0
    assert report.distinct > 100


@pytest.mark.parametrize("place", range(len(WHOLE_FILES)), ids=WHOLE_FILES)
def test_a_file_that_is_replaced_is_the_old_or_the_new_one_after_a_crash_at_any_operation(place, tmp_path):
    workload = whole_files(tmp_path / "catalogue")[place]

    report = examine(workload, Random(1))

    assert workload.name == WHOLE_FILES[place]
    assert not report.findings, str(report.findings[0])
    assert report.sampled_prefixes == 0
    assert report.distinct > 20


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_a_crash_at_any_operation_of_a_start_after_a_crash_loses_nothing_either(place):
    workload = journals(seed=6)[place]
    crashed = Examination(workload, Random(2))
    assert not crashed.run().findings

    reports = [examine(restart, Random(1)) for restart in restarts(crashed, workload, RESTARTS)]

    for report in reports:
        assert not report.findings, str(report.findings[0])
    assert sum(report.distinct for report in reports) > 50


def test_receipted_records_do_go_and_no_others():
    pruning = named("pruning")
    examined = Examination(pruning, Random(1))
    examined.run()

    first_held = {found.numbers[0] for found in examined.came_back.values() if found.numbers}

    assert {0} < first_held
    assert max(first_held) < max(promise.receipted for promise in examined.promised.values()) + 1


def test_a_record_that_was_damaged_is_the_only_one_that_a_salvage_loses():
    salvage = named("salvage")
    examined = Examination(salvage, Random(1))
    examined.run()

    for found in examined.came_back.values():
        assert set(range(16)) - set(found.numbers) == salvage.lost


def test_the_shelf_that_proves_most_of_an_older_generation_leads_though_it_is_damaged_behind():
    workload = named("journal on two shelves")
    disk = RecoveredDisk({})
    journal = workload.open(disk)
    workload.append(journal, 0, 4)
    second = {path: data for path, data in disk.after_cut().items() if path.startswith(SECOND)}
    workload.append(journal, 4, 5)  # from here on only the first shelf has it
    workload.append(journal, 5, 6)
    workload.append(journal, 6, 7)
    files = disk.after_cut() | second
    live = max(path for path in files if path.startswith(FIRST) and path.endswith(".tbj"))
    files[live] = files[live].replace(workload.bodies[5], workload.bodies[5].upper())

    # A crash when both shelves have the new generation, and no receipts file says yet where the old one ended.
    report = examine(RestartWorkload(workload, files, Promise(synced=4)), Random(1))

    assert [str(finding) for finding in report.findings] == []
    assert report.distinct > 20
