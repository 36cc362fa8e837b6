"""A short torture of real processes with each broker and database: everything is broken, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from simulators.checker.report import MUST_BE_ZERO
from simulators.torture.failing_syncs import is_installed
from simulators.torture.plan import CUTS, PARTS, RESTORES, SYNCING
from tests.conftest import find_program

pytestmark = pytest.mark.slow

MINUTES = 1.0
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


async def test_half_a_minute_with_each_broker_in_which_everything_breaks_loses_nothing():
    find_program("mosquitto")

    with TemporaryDirectory(prefix="tillbox-") as short:  # tmp_path is too long for the sockets below it
        code, told, words = await tortured(
            "--minutes", str(MINUTES), "--seed", "11", "--data", f"{short}/torture"
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
    assert told["takeovers"] + told["missed"].get("takeover", 0) == 2
    missing = {f"fsync of {part}" for part in SYNCING if part != "box" and not is_installed()}
    assert missing <= {entry["what"] for entry in told["not_tried"]}
    for part in SYNCING:
        missed = told["missed"].get(f"fsync {part}", 0) + 2 * (f"fsync of {part}" in missing)
        assert told["sync_failures"].get(part, 0) + missed == 2
    for entry in told["not_tried"]:
        assert f"NOT TRIED {entry['what']}" in words
