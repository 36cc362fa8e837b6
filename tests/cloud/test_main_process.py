"""The cloud as people run it: one command makes its directory, one runs it, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from cloud.main import client_tls
from edge.config import read_box
from edge.uplink.link import Link
from protocol.messages import decode_receipt
from protocol.seal import open_sealed
from protocol.topics import box_subscription
from tests.brokers import eventually, free_port
from tests.cloud.tills import STORE, TENANT, Till
from tests.conftest import find_program
from tests.mqtt_raw import refused

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TILLBOX = [sys.executable, "-m", "simulators.commandline"]


async def tillbox(*args):
    """Run one command; return its exit code, standard output and standard error."""
    running = await asyncio.create_subprocess_exec(
        *TILLBOX, *map(str, args), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(running.communicate(), 60)
    return running.returncode, out.decode(), err.decode()


@pytest.fixture
async def start_cloud():
    """Start a cloud and wait for its word; what still runs at the end is killed."""
    started = []

    async def start(directory):
        with (directory / "cloud.log").open("ab") as log:
            running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cloud.main", "--config", str(directory / "cloud.json")),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        started.append(running)
        assert running.stdout is not None
        line = await asyncio.wait_for(running.stdout.readline(), 60)
        assert line, (directory / "cloud.log").read_text()
        return running, json.loads(line)

    yield start
    for running in started:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def make_directory(directory, kind="auto"):
    code, out, err = await tillbox("cloud", "--data", directory, "--init", "--port", free_port(), "--json")
    assert code == 0, err
    config = directory / "cloud.json"
    config.write_text(config.read_text().replace('"run": "auto"', f'"run": "{kind}"'))
    return json.loads(out)


def children_of(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def open_files_of(pid):
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = [line for line in limits if line.startswith("Max open files")]
    return int(line.split()[3])


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture(params=["nats", "mosquitto"])
def kind(request):
    if request.param == "mosquitto":
        find_program("mosquitto")
    return request.param


async def test_a_cloud_is_made_run_and_ended_by_a_signal(tmp_path, kind, start_cloud):
    await make_directory(tmp_path, kind)

    running, told = await start_cloud(tmp_path)
    children = children_of(running.pid)
    running.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(running.wait(), 20)

    assert told["ready"] is True
    assert told["broker"]["kind"] == kind
    assert len(children) == 2
    assert code == 0, (tmp_path / "cloud.log").read_text()
    assert not any(is_alive(pid) for pid in children)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_children_end_with_a_killed_parent_and_the_next_run_starts(tmp_path, kind, start_cloud):
    await make_directory(tmp_path, kind)
    running, _ = await start_cloud(tmp_path)
    children = children_of(running.pid)

    running.kill()
    await running.wait()

    await eventually(lambda: not any(is_alive(pid) for pid in children), "the end of the children")
    again, told = await start_cloud(tmp_path)
    again.terminate()
    assert told["ready"] is True
    assert await asyncio.wait_for(again.wait(), 20) == 0


async def test_a_killed_broker_and_a_killed_card_zone_come_back(tmp_path, start_cloud):
    await make_directory(tmp_path, "nats")
    running, _ = await start_cloud(tmp_path)
    children = children_of(running.pid)

    for pid in children:
        os.kill(pid, signal.SIGKILL)

    await eventually(lambda: len(set(children_of(running.pid)) - set(children)) == 2, "two new children", 30)
    running.terminate()
    assert await asyncio.wait_for(running.wait(), 20) == 0


async def test_a_box_enrolled_by_command_while_the_cloud_runs_gets_in(tmp_path, start_cloud):
    await make_directory(tmp_path / "cloud")
    running, _ = await start_cloud(tmp_path / "cloud")
    names = ("--cloud", tmp_path / "cloud", "--tenant", "acme", "--box", "till-1")

    code, out, err = await tillbox(
        "fleet", "enroll", *names, "--store", "north", "--out", tmp_path / "b", "--json"
    )
    assert code == 0, err
    box = read_box(tmp_path / "b")
    root, certificate, key = box.certificate
    port, tls = box.broker.port, client_tls(root, certificate, key)
    await wait_for_access(port, tls, box.client_id, is_refused=False)
    revoked, _, _ = await tillbox("fleet", "revoke", *names)
    await wait_for_access(port, tls, box.client_id, is_refused=True)
    running.terminate()

    assert json.loads(out)["client_id"] == box.client_id
    assert revoked == 0
    assert await asyncio.wait_for(running.wait(), 20) == 0


async def wait_for_access(port, tls, client_id, *, is_refused):
    for _ in range(300):
        if await refused(port, tls, client_id) == is_refused:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the broker did not notice")


async def test_wrong_settings_end_with_code_two_and_every_fault_named(tmp_path):
    (tmp_path / "cloud.json").write_text(
        '{"v": 2, "database": "mysql://x", "broker": {"run": "x"}, "odd": 1}'
    )

    code, _, err = await tillbox("cloud", "--data", tmp_path)

    assert code == 2
    for fault in (
        "odd is not known",
        "acceptors is missing",
        "v is not 1",
        "database is neither",
        "broker has not",
    ):
        assert fault in err


async def test_a_second_cloud_on_one_directory_is_refused_and_the_first_goes_on(tmp_path, start_cloud):
    await make_directory(tmp_path, "nats")
    running, _ = await start_cloud(tmp_path)
    socket = tmp_path / "cardzone/zone.sock"
    await eventually(socket.exists, "the card zone")
    children, number = children_of(running.pid), socket.stat().st_ino

    code, out, err = await tillbox("cloud", "--data", tmp_path)

    assert (code, out) == (2, "")
    assert err.startswith("tillbox: cloud-in-use: ")
    assert len(err.splitlines()) == 1
    assert children_of(running.pid) == children
    assert socket.stat().st_ino == number


async def test_a_missing_directory_is_a_named_error(tmp_path):
    code, _, err = await tillbox("cloud", "--data", tmp_path / "nowhere")

    assert code == 2
    assert err.startswith("tillbox: cloud-config-wrong: There is no ")
    assert len(err.splitlines()) == 1


async def test_a_sale_of_a_box_is_booked_and_receipted_through_the_real_broker(tmp_path, kind, start_cloud):
    await make_directory(tmp_path / "cloud", kind)
    names = ("--cloud", tmp_path / "cloud", "--tenant", TENANT, "--store", STORE, "--box", "till-1")
    code, _, err = await tillbox("fleet", "enroll", *names, "--out", tmp_path / "b")
    assert code == 0, err
    box = read_box(tmp_path / "b")
    running, _ = await start_cloud(tmp_path / "cloud")
    till = Till(number=box.box_number)
    till.up_key, till.down_key = box.up_key, box.down_key
    root, certificate, key = box.certificate
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    link = Link(
        host=box.broker.host,
        port=box.broker.port,
        tls=lambda: client_tls(root, certificate, key),
        client_id=box.client_id,
        subscription=box_subscription(box.shard, box.tenant, box.store, box.box),
        last_will=(till.topic("up", "state"), b""),
        on_message=lambda lane, payload: heard.put_nowait((lane, payload)),
        on_change=lambda _: None,
    )
    linked = asyncio.create_task(link.run())
    await eventually(lambda: link.is_up, "the box's link")

    order = till.cash_sale()
    link.publish(till.topic("up", "evt"), till.batch())
    lane, sealed = await asyncio.wait_for(heard.get(), 20)

    receipt = decode_receipt(open_sealed(box.down_key, till.topic("down", lane), sealed))
    assert (lane, receipt["status"], receipt["through"]) == ("receipt", "ok", len(till.frames))
    linked.cancel()
    running.terminate()
    assert await asyncio.wait_for(running.wait(), 20) == 0
    code, out, _ = await tillbox("explain", order, "--cloud", tmp_path / "cloud", "--json")
    assert code == 0
    assert '"ledger"' in out


async def test_the_broker_may_open_as_many_connections_as_the_system_grants(tmp_path, start_cloud, kind):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    await make_directory(tmp_path / "cloud", kind)

    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
    try:
        _, ready = await start_cloud(tmp_path / "cloud")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert open_files_of(ready["broker"]["pid"]) >= hard - 1  # NATS keeps one for itself
