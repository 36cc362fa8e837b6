"""A short torture of real processes with each broker: everything is broken once, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from simulators.checker.report import MUST_BE_ZERO
from simulators.torture.plan import CUTS, PARTS, RESTORES
from tests.conftest import find_program

pytestmark = pytest.mark.slow

MINUTES = 0.5
ENDS_S = 600  # half a minute of load; start, healing and settling each have their own bound below this


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


@pytest.mark.parametrize("broker", ["nats", "mosquitto"])
async def test_half_a_minute_in_which_everything_breaks_loses_nothing(broker, tmp_path):
    if broker == "mosquitto":
        find_program("mosquitto")

    code, told, words = await tortured(
        "--minutes", str(MINUTES), "--seed", "11", "--broker", broker, "--data", str(tmp_path / "torture")
    )

    assert {name: told[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0), told["findings"]
    assert (code, told["failures"]) == (0, []), words
    assert told["brokers"] == {broker: 1}
    assert told["sales_paid"] > 0
    assert set(told["kills"]) == set(PARTS)
    assert set(told["stops"]) == set(PARTS)
    assert set(told["cuts"]) == set(CUTS)
    assert set(told["restores"]) == set(RESTORES)
    assert told["takeovers"] + told["missed"].get("takeover", 0) >= 1
    assert "fsync-error" in {entry["what"] for entry in told["not_tried"]}
    assert "NOT TRIED" in words
