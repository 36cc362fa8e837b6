"""`tillbox cloud repair`, `restored` and `alarms`, each as a process of its own beside a cloud that works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cloud.alarms import Alarm, raise_alarms, settle_alarms
from cloud.config import read_config
from cloud.database import open_database
from cloud.installation import Wishes, make_installation
from cloud.orders import rules as order_rules
from tests.brokers import real_world
from tests.cloud.estate import Estate
from tests.cloud.tills import TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60


async def tillbox(*args: object, typed: str = "") -> tuple[int | None, str, str]:
    """Run one command; return its exit code, standard output and standard error."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.commandline", *map(str, args)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(running.communicate(typed.encode()), WAIT_S)
    return running.returncode, out.decode(), err.decode()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[tuple[Path, Estate]]:
    """A cloud's directory, and an estate over its database."""
    there = make_installation(tmp_path / "cloud", Wishes(), real_world())
    database = await open_database(read_config(there.config).database)
    estate = Estate(database)
    yield there.directory, estate
    await estate.consumer.close()
    await database.close()


@contextlib.asynccontextmanager
async def at_work(estate: Estate) -> AsyncIterator[None]:
    """The consumer and the poller run, as in the cloud's process."""
    tasks = [asyncio.create_task(estate.consumer.run()), asyncio.create_task(estate.poller.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def park_one_sale(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> Any:
    till = await estate.enrol()
    with monkeypatch.context() as patch:
        patch.setattr(order_rules, "open_order", lambda *_: 1 / 0)
        till.cash_sale()
        await estate.hear(till, "evt", till.batch())
    return till


async def test_a_repair_by_command_is_done_by_the_running_cloud_and_told(place, monkeypatch) -> None:
    directory, estate = place
    await park_one_sale(estate, monkeypatch)

    async with at_work(estate):
        code, out, err = await tillbox("cloud", "repair", "--data", directory, "--tenant", TENANT, "--json")

    assert code == 0, err
    assert json.loads(out) == {
        "tenant": TENANT,
        "booked": 7,
        "checked": 0,
        "still_parked": {},
        "still_unchecked": 0,
    }
    assert await estate.rows("SELECT state FROM sale_order") == [("completed",)]


async def test_what_still_cannot_be_mended_is_told_with_its_reason_and_exit_code_one(
    place, monkeypatch
) -> None:
    directory, estate = place
    await park_one_sale(estate, monkeypatch)
    monkeypatch.setattr(order_rules, "open_order", lambda *_: 1 / 0)

    async with at_work(estate):
        code, out, _ = await tillbox("cloud", "repair", "--data", directory, "--tenant", TENANT)

    assert code == 1
    assert out.splitlines() == [
        "booked 0 records, still parked 7 (6 order-unknown, 1 rules-failed)",
        "checked the price of 0 sales, still unchecked 0",
    ]


async def test_a_cloud_that_stands_takes_the_repair_up_at_its_next_start(place, monkeypatch) -> None:
    directory, estate = place
    await park_one_sale(estate, monkeypatch)

    code, _, err = await tillbox("cloud", "repair", "--data", directory, "--tenant", TENANT, "--patience", 1)
    await estate.restart_cloud()
    await estate.poller.look()
    await estate.settle()

    assert (code, err.split(": ")[1]) == (1, "repair-not-finished")
    assert await estate.rows("SELECT state FROM sale_order") == [("completed",)]


async def test_a_tenant_without_boxes_is_a_named_error(place) -> None:
    directory, estate = place

    code, _, err = await tillbox("cloud", "repair", "--data", directory, "--tenant", "nobody")

    assert (code, err.split(": ")[1]) == (1, "tenant-unknown")
    assert await estate.rows("SELECT count(*) FROM repair_request") == [(0,)]


async def test_a_declared_restore_reaches_the_boxes_of_the_running_cloud(place) -> None:
    directory, estate = place
    till = await estate.enrol()

    async with at_work(estate):
        code, out, err = await tillbox("cloud", "restored", "--data", directory, "--yes", "--json")
        async with asyncio.timeout(WAIT_S):
            while not any(receipt["epoch"] > 1 for receipt in estate.told(till, "receipt")):
                estate.wire.send(till.topic("up", "evt"), till.hello(0, till.chain_at(0)))
                await asyncio.sleep(0.05)

    assert code == 0, err
    assert json.loads(out) == {"epoch": estate.told(till, "receipt")[-1]["epoch"]}


async def test_one_backup_restored_twice_has_another_epoch_each_time(place) -> None:
    directory, estate = place
    first = await declared_epoch(directory)
    async with estate.database.transaction() as tx:
        await tx.execute("UPDATE installation SET number = 1 WHERE name = 'epoch'")  # as the backup has it

    second = await declared_epoch(directory)

    assert second > first > 1


async def declared_epoch(directory: str) -> int:
    code, out, err = await tillbox("cloud", "restored", "--data", directory, "--yes", "--json")
    assert code == 0, err
    return int(json.loads(out)["epoch"])


@pytest.mark.parametrize(
    ("typed", "code", "is_raised"), [("y\n", 0, True), ("n\n", 1, False), ("", 1, False)]
)
async def test_a_restore_is_declared_only_by_who_confirms_it(place, typed, code, is_raised) -> None:
    directory, estate = place

    ended, _, err = await tillbox("cloud", "restored", "--data", directory, typed=typed)

    assert ended == code
    assert "Was the database restored?" in err
    ((epoch,),) = await estate.rows("SELECT number FROM installation WHERE name = 'epoch'")
    assert (epoch > 1) is is_raised


async def test_open_alarms_are_listed_oldest_first_with_what_they_are_about(place) -> None:
    directory, estate = place
    alarms = [
        Alarm(TENANT, "sale-unfinished", "77", "2a", "box till-1, order 5", 2_000),
        Alarm("other", "clock-wrong", "till-9", "2b", "it is 9", 1_000),
        Alarm(TENANT, "priced_wrong", "5", "2a", "settled before", 500),
    ]
    async with estate.database.transaction() as tx:
        await raise_alarms(tx, alarms)
        await settle_alarms(tx, [(TENANT, "priced_wrong", "5")], 3_000)

    all_of_them = await tillbox("cloud", "alarms", "--data", directory, "--json")
    one_tenant = await tillbox("cloud", "alarms", "--data", directory, "--tenant", TENANT)
    none = await tillbox("cloud", "alarms", "--data", directory, "--tenant", "nobody")

    assert [(told["kind"], told["subject"]) for told in json.loads(all_of_them[1])] == [
        ("clock-wrong", "till-9"),
        ("sale-unfinished", "77"),
    ]
    assert one_tenant[1] == f"1970-01-01 00:00:02 UTC\t{TENANT}\tsale-unfinished\t77\tbox till-1, order 5\n"
    assert (none[0], none[1]) == (0, "no alarm is open\n")


async def test_dead_letters_are_listed_by_reason_with_what_to_do_and_parked_ones_are_booked_by_the_repair(
    place, monkeypatch
) -> None:
    directory, estate = place
    till = await park_one_sale(estate, monkeypatch)
    await estate.hear(till, "evt", till.seal("evt", b"no batch"))
    await estate.hear(till, "evt", b"\x00" * 40)

    before = await tillbox("cloud", "dead-letters", "--data", directory, "--json")
    in_words = await tillbox("cloud", "dead-letters", "--data", directory, "--tenant", TENANT)
    nobodys = await tillbox("cloud", "dead-letters", "--data", directory, "--tenant", "nobody")
    async with at_work(estate):
        repaired = await tillbox("cloud", "repair", "--data", directory, "--tenant", TENANT)
    after = await tillbox("cloud", "dead-letters", "--data", directory, "--json")

    told = [(letter["kind"], letter["box"], letter["code"]) for letter in json.loads(before[1])]
    assert told == [
        ("parked", till.box, "rules-failed"),
        ("set-aside", till.box, "batch-header-wrong"),
        ("refused", till.box, "seal-wrong"),
    ]
    assert "tillbox cloud repair" in in_words[1]
    assert nobodys[1].startswith("nothing waits")
    assert repaired[0] == 0
    assert [letter["kind"] for letter in json.loads(after[1])] == ["set-aside", "refused"]
