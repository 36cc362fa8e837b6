"""The command that accepts the whole: shoppers of one seed, alone, and one JSON object as the last line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SALES, SEED = 6, 7
RUN_S = 180.0  # two unknown outcomes and a slow start leave most of it unused
COUNTERS = ("lost", "charged_twice", "charged_without_sale", "priced_wrong", "ledger_imbalance")
TOLD = {
    *COUNTERS,
    "sales_started",
    "sales_paid",
    "sales_declined",
    "sales_voided",
    "unknown_open",
    "receipts_outstanding",
    "p50_ms",
    "p99_ms",
    "seed",
}


async def demo(*arguments: str) -> tuple[int, str]:
    """Run `tillbox demo --headless` to its end; its exit code and what it said on standard output."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.commandline", "demo", "--headless", "--json", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(RUN_S):
        out, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, out.decode()


def plans(data: Path) -> Sequence[dict[str, Any]]:
    """What the shoppers wanted: goods in their order, method, card."""
    memories = json.loads((data / "memories.json").read_text())["memories"]
    return [{name: memory[name] for name in ("planned", "method", "card")} for memory in memories]


async def test_a_headless_run_judges_itself_and_one_seed_gives_the_same_shoppers(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    same = ("--sales", str(SALES), "--seed", str(SEED))

    (code, told), (code_again, _), (code_other, _) = await asyncio.gather(
        demo(*same, "--data", str(first)),
        demo(*same, "--data", str(again)),
        demo("--sales", "2", "--seed", str(SEED + 1), "--data", str(other)),
    )
    report = json.loads(told.splitlines()[-1])

    assert (code, code_again, code_other) == (0, 0, 0), report
    assert report.keys() >= TOLD
    assert {name: report[name] for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    assert (report["seed"], report["sales_started"]) == (SEED, SALES)
    assert report["unknown_open"] == report["receipts_outstanding"] == 0
    assert report["sales_paid"] + report["sales_declined"] + report["sales_voided"] == SALES
    assert 0 < report["p50_ms"] <= report["p99_ms"]
    assert plans(first) == plans(again)
    assert plans(first)[:2] != plans(other)


async def test_a_run_without_a_directory_of_its_own_leaves_nothing_behind(monkeypatch):
    with TemporaryDirectory() as short:  # tmp_path is too long for the sockets below it
        monkeypatch.setenv("TMPDIR", short)

        code, told = await demo("--sales", "1", "--seed", str(SEED))

        assert code == 0, told
        assert list(Path(short).iterdir()) == []  # noqa: ASYNC240 - nothing else runs by now
