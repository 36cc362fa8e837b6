"""A fault is planted for each of the five counters, and the checker sees it: that counter rises.

One estate: a clean sale, then for each fault the process that has it is started with the fault in it, a customer
comes, and the verdict is compared with the one before. The faults stand in `planted.py`; the product has no switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulators.checker.report import MUST_BE_ZERO
from simulators.customer import COLA, MILK
from tests.journeys.launching import launcher
from tests.journeys.planted import FAULTS, MODULE
from tests.journeys.stage import stage, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

PRICE = MILK.price_minor + COLA.price_minor
HABITS: dict[str, dict[str, Any]] = {"charged_without_sale": {"card": "silent-captured", "gives_up": True}}

# By how much the counters rise. Where a second one rises, the books of the channel hold money that the ledger cannot
# know of: the imbalance is measured against them. A customer who was told that nothing was kept knows better, too.
RISES = {
    "lost": {"lost": 1},
    "charged_twice": {"charged_twice": 1, "ledger_imbalance": PRICE},
    "charged_without_sale": {
        "charged_without_sale": 1,
        "ledger_imbalance": PRICE,
        "memories_contradicted": 1,
    },
    "priced_wrong": {"priced_wrong": 1},
    "ledger_imbalance": {"ledger_imbalance": 1},
}


async def test_each_counter_rises_when_its_fault_is_planted_and_no_other(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    rises = {}

    async with stage(tmp_path / "world", launcher=launcher(MODULE, place)) as there:
        await there.customer().shop()
        clean = before = await there.settle_and_judge()
        for name in FAULTS:
            await restart_with(there, place, name)
            await there.customer(**HABITS.get(name, {})).shop()
            after = await there.settle_and_judge()
            rises[name] = risen(before, after)
            before = after

    assert wrong(clean) == {}
    assert rises == RISES


def test_every_counter_has_its_fault():
    assert set(FAULTS) == set(MUST_BE_ZERO[:5]) == set(RISES)


async def restart_with(there: Stage, place: Path, name: str) -> None:
    (place / "fault").write_text(name)
    await there.world.leave(there.lane)
    await there.lane.process.stop()
    await there.world.cloud.stop()
    await there.world.cloud.start()
    await there.world.bring_up(there.lane)


def risen(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    found = {name: after[name] - before[name] for name in MUST_BE_ZERO}
    return {name: amount for name, amount in found.items() if amount}
