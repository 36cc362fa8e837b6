"""Three minutes of torture of real processes with each broker and database: everything is broken, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from simulators.checker.report import MUST_BE_ZERO
from simulators.torture.plan import CUTS, PARTS, RESTORES, SYNCING, draw
from tests.conftest import find_program

pytestmark = [pytest.mark.slow, pytest.mark.minutes]

MINUTES = 3.0
SEED = 11
ENDS_S = 900  # two rounds; start, healing and settling of each have their own bounds below this


async def tortured(*options: str) -> tuple[int, dict[str, Any], str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.commandline", "torture", "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(ENDS_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()  # it takes its children along
            await process.wait()
    return process.returncode or 0, json.loads(out.splitlines()[-1]), err.decode()


async def test_three_minutes_in_which_everything_breaks_lose_nothing():
    find_program("mosquitto")

    with TemporaryDirectory(prefix="tillbox-") as short:  # tmp_path is too long for the sockets below it
        code, told, words = await tortured(
            "--minutes", str(MINUTES), "--seed", str(SEED), "--data", f"{short}/torture"
        )

    assert {name: told[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0), told["findings"]
    assert (code, told["failures"]) == (0, []), words
    assert told["brokers"] == {"nats": 1, "mosquitto": 1}
    assert told["databases"] == {"sqlite": 1, "postgresql": 1}
    assert told["sales_paid"] > 0
    assert set(told["kills"]) == set(PARTS)
    assert set(told["stops"]) == set(PARTS)
    assert set(told["cuts"]) == set(CUTS)
    assert set(told["restores"]) == set(RESTORES)
    drawn = Counter((fault.kind, fault.what) for one in draw(SEED, MINUTES) for fault in one.faults)
    assert told["takeovers"] + told["missed"].get("takeover", 0) == drawn["takeover", "client_id"]
    assert told["sync_failures"] == {"box": drawn["fsync", "box"]}
    not_asked_for = {f"fsync of {part}" for part in SYNCING if part != "box"}
    assert {entry["what"] for entry in told["not_tried"]} >= not_asked_for
    for entry in told["not_tried"]:
        assert f"NOT TRIED {entry['what']}" in words
