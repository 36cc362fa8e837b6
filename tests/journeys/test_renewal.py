"""A box whose disk was put back from an image: quarantine, renewal at the box, release in the cloud, and the next sale.

A real estate: broker, cloud, card zone, acquirer, devices, one box as a process, and the operator's own commands.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from simulators.customer import COLA, MILK
from simulators.demo.estate import TENANT
from tests.journeys.stage import stage, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

WAIT_S = 60


async def tillbox(*args: object) -> tuple[int | None, str, str]:
    """Run one command; return its exit code, standard output and standard error."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.commandline", *map(str, args)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(running.communicate(), WAIT_S)
    return running.returncode, out.decode(), err.decode()


async def sell(there: Stage, method: str = "card") -> str:
    """One visit; how it ended."""
    customer = there.customer(goods=(MILK, COLA), method=method)
    await customer.shop()
    return customer.memory.ending


async def switch_off(there: Stage) -> None:
    await there.world.leave(there.lane)
    await there.lane.process.stop()


async def shown(there: Stage) -> dict[str, Any]:
    """What the fleet shows of the box."""
    where = ("--cloud", there.world.estate.cloud, "--tenant", TENANT, "--box", there.lane.name)
    code, out, err = await tillbox("fleet", "show", *where, "--json")
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


async def judged_when_all_is_receipted(there: Stage) -> dict[str, Any]:
    """The judge's word once the cloud has every record of the journal; of the old generation it has more."""
    for _ in range(WAIT_S * 2):
        report = there.judge()
        if not report["receipts_outstanding"]:
            break
        await asyncio.sleep(0.5)
    await there.world.settle()
    return there.judge()


async def doctors_word(there: Stage, port: int = 1) -> dict[str, dict[str, str]]:
    """What `tillbox doctor` finds, by the part that it looked at."""
    where = ("--directory", there.lane.directory, "--screen-port", port)
    _, out, err = await tillbox("doctor", *where, "--json")
    assert out, err
    return {found["part"]: found for found in json.loads(out)["checks"]}


async def put_back_from_an_image(there: Stage) -> dict[str, dict[str, str]]:
    """Take an image of the journal, sell on, then start the box from the image, until it sees what it is.

    What the doctor said before the start is returned.
    """
    journal, image = there.lane.directory / "journal", there.world.directory / "image"
    assert await sell(there) == "paid"
    await there.world.settle()
    await switch_off(there)
    shutil.copytree(journal, image)
    await there.world.bring_up(there.lane)
    assert await sell(there) == "paid"
    await there.world.settle()
    await switch_off(there)
    shutil.rmtree(journal)
    shutil.copytree(image, journal)
    told = await doctors_word(there)
    await there.world.bring_up(there.lane)
    assert there.lane.page is not None
    await there.lane.page.until(lambda view: view["page"] == "out_of_service", WAIT_S)
    return told


async def test_a_box_put_back_from_an_image_sells_again_after_renewal_and_release(tmp_path: Path) -> None:
    async with stage(tmp_path) as there:
        where = ("--cloud", there.world.estate.cloud, "--tenant", TENANT, "--box", there.lane.name)
        await put_back_from_an_image(there)
        quarantined = await shown(there)
        while_it_runs = await tillbox("box", "renew", "--directory", there.lane.directory, "--yes")
        unasked = await tillbox("box", "renew", "--directory", there.lane.directory)
        await switch_off(there)

        renewed, out, err = await tillbox(
            "box", "renew", "--directory", there.lane.directory, "--yes", "--json"
        )
        released, _, refusal = await tillbox("fleet", "release", *where)
        await there.world.bring_up(there.lane)
        ending = await sell(there)
        report = await judged_when_all_is_receipted(there)
        after = await shown(there)
        again, _, twice = await tillbox("fleet", "release", *where)

    assert (quarantined["status"], quarantined["status_reason"]) == ("quarantined", "journal-forked")
    assert (while_it_runs[0], "journal-in-use" in while_it_runs[2]) == (1, True)
    assert (unasked[0], "Aborted" in unasked[2]) == (1, True)
    assert renewed == 0, err
    told = json.loads(out)
    assert told["generation"] != told["previous"]
    assert told["taken_over"] > 0
    assert released == 0, refusal
    assert ending == "paid"
    assert wrong(report) == {}
    assert after["status"] == "serving"
    assert (after["reading"]["is_online"], after["reading"]["is_stale"]) == (True, False)
    assert (again, "box-not-quarantined" in twice) == (1, True)


async def test_the_doctor_names_a_quarantine_and_the_way_back_before_and_while_the_box_runs(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as there:
        sells = await doctors_word(there, urlsplit(there.lane.address).port or 0)
        before = await put_back_from_an_image(there)
        running = await doctors_word(there, urlsplit(there.lane.address).port or 0)
        for _ in range(3):  # each start writes records: the journal grows past what the cloud has
            await switch_off(there)
            await there.world.bring_up(there.lane)
        await switch_off(there)
        after = await doctors_word(there)
        way_back = (
            await tillbox("box", "renew", "--directory", there.lane.directory, "--yes"),
            await tillbox(
                "fleet",
                "release",
                "--cloud",
                there.world.estate.cloud,
                "--tenant",
                TENANT,
                "--box",
                there.lane.name,
            ),
        )
        healed = await doctors_word(there)

    assert sells["selling"]["what"] == "the box takes new sales"
    assert (before["agreement"]["state"], before["agreement"]["code"]) == (
        "broken",
        "journal-older-than-cloud",
    )
    assert (running["selling"]["state"], running["selling"]["code"]) == ("broken", "box-quarantined")
    assert (after["agreement"]["state"], after["agreement"]["code"]) == ("broken", "journal-forked")
    for found in (before["agreement"], running["selling"], after["agreement"]):
        assert "tillbox box renew" in found["mend"]
        assert "tillbox fleet release" in found["mend"]
    assert [code for code, *_ in way_back] == [0, 0]
    assert healed["agreement"]["state"] == "ok"


async def test_a_directory_without_a_journal_is_not_renewed(tmp_path: Path) -> None:
    async with stage(tmp_path) as there:
        await switch_off(there)
        elsewhere = ("--directory", there.lane.directory, "--work", tmp_path / "nowhere")

        code, _, err = await tillbox("box", "renew", *elsewhere, "--yes")

    assert (code, "journal-missing" in err) == (1, True)
    assert not (tmp_path / "nowhere").exists()
