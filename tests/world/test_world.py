"""Whole worlds: the same seed is the same world everywhere, a sound product is clean, a planted bug is found."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from edge import recall
from protocol.errors import DeviceError
from simulators.world.run import run_seed
from simulators.world.units import ENDS_IN_A_ROW_MAX
from simulators.world.world import Wishes

SMALL = Wishes(boxes=2, hours=0.1)
COMMAND = (
    "-m",
    "simulators.commandline",
    "world",
    "--seeds",
    "1",
    "--boxes",
    "2",
    "--hours",
    "0.1",
    "--json",
)


def world(seed: int, hash_seed: str) -> dict[str, Any]:
    """One world in a process of its own, with another order of sets."""
    told = subprocess.run(
        [sys.executable, *COMMAND, "--first", str(seed)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def test_the_same_seed_is_the_same_world_in_two_processes():
    first, second, other = world(3, "1"), world(3, "2"), world(4, "1")

    assert first["traces"]["3"] == second["traces"]["3"]
    assert first["traces"]["3"] != other["traces"]["4"]
    assert first["faults"] == second["faults"]


def test_a_world_without_faults_sells_and_every_book_agrees():
    outcome = run_seed(1, Wishes(boxes=2, hours=0.2, has_faults=False))

    assert outcome.is_clean, outcome.report["findings"]
    assert outcome.report["sales_paid"] > 30
    assert not any(count for kind, count in outcome.faults.items())


def test_prices_change_while_people_shop_and_every_sale_costs_what_its_versions_say(tmp_path):
    outcome = run_seed(1, Wishes(boxes=2, hours=0.2, has_faults=False), tmp_path)
    with closing(sqlite3.connect(tmp_path / "cloud.db")) as cloud:
        sql = "SELECT DISTINCT catalogue, overlay, taxes FROM sale_order WHERE state = 'completed'"
        sold_by = {tuple(row) for row in cloud.execute(sql)}

    assert outcome.is_clean, outcome.report["findings"]
    assert len({catalogue for catalogue, _, _ in sold_by}) > 1
    assert len({overlay for _, overlay, _ in sold_by}) > 2
    assert outcome.points["versions.changed_over"] > len(sold_by)


def test_a_sale_that_the_cloud_forgets_is_found(monkeypatch):
    from cloud.orders import handlers

    take = handlers.take

    async def forgetful(tx: Any, records: Any, *others: Any) -> Any:
        return await take(tx, [record for record in records if record.kind != "sale_completed"], *others)

    monkeypatch.setattr(handlers, "take", forgetful)

    assert run_seed(1, SMALL).report["lost"] > 0


@pytest.mark.slow
def test_records_that_are_told_durable_before_they_are_are_found_when_the_power_goes(monkeypatch):
    from simulators.world.box_disk import BoxDisk

    def forget_to_sync(disk: BoxDisk, handle: int) -> None:
        assert handle in disk.handles

    monkeypatch.setattr(BoxDisk, "fdatasync", forget_to_sync)

    outcomes = (run_seed(seed, Wishes(boxes=2, hours=0.3)) for seed in range(1, 20))
    assert any(not outcome.is_clean for outcome in outcomes)


def test_a_box_that_never_comes_up_is_a_finding_and_the_world_ends(monkeypatch):
    def damaged(*_):
        raise DeviceError("journal-damaged", "these records cannot be read", "Restart the box")

    monkeypatch.setattr(recall, "reversal_frames", damaged)

    outcome = run_seed(1, Wishes(boxes=1, hours=0.1, has_faults=False))

    assert outcome.wrongs == ["unsettled", "ended_by_itself"]
    assert outcome.points["process.ended"] == ENDS_IN_A_ROW_MAX
    assert [failure for failure in outcome.failures if "does not come up any more" in failure]
