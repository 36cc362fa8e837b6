"""Two thousand boxes connected to one machine's real broker and cloud: memory, and how soon a heartbeat is answered.

TLS 1.3 with a certificate for each box, a last will, sealed hellos and states at a box's own intervals. The boxes are
light (`light_boxes`), in processes of their own, so their memory is not counted. The broker is the one that tillbox
would choose here; where NATS is installed too, it is measured beside it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.broker.supervisor import find_broker
from cloud.config import read_config
from cloud.database import open_database
from cloud.fleet.authority import Authority
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.rules import NewBox
from cloud.installation import Installation
from cloud.main import WORLD
from protocol.errors import ConfigError, OutcomeUnknown
from simulators.bench.box import resident_mib
from simulators.bench.rows import Row, percentile
from simulators.demo.estate import free_port, tillbox
from simulators.demo.processes import Process
from simulators.replay.cpu import cpu_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BOXES = 2_000
PROCESSES = 2
MEMORY_BAR_MB = 200
STEADY_S = 40  # each box tells its state once and says hello eight times
CONNECTED_S = 300.0  # two thousand handshakes on a busy machine
LINE_BYTES_MAX = 1_048_576  # what a process of boxes heard in one second
MB_A_MIB = 1.048_576
TENANT, STORE = "bench", "north"


@dataclass
class Seen:
    """What was measured with one broker."""

    kind: str
    broker_none: float = 0.0
    cloud_none: float = 0.0
    broker: float = 0.0
    cloud: float = 0.0
    boxes: int = 0
    refused: int = 0
    waits_ms: list[float] = field(default_factory=list)
    cpu_percent: dict[str, float] = field(default_factory=dict)


async def measure(work: Path) -> list[Row]:
    """Connect them, let them live for a while, and look at broker and cloud."""
    _allow_many_files()
    chosen = await _with_broker(work / "chosen", "auto")
    rows = _rows(chosen, "connected", MEMORY_BAR_MB)
    if chosen.kind != "nats":
        try:
            find_broker("nats")
        except ConfigError:
            return rows
        rows += _rows(await _with_broker(work / "nats", "nats"), "connected-nats", None)
    return rows


def _rows(seen: Seen, name: str, bar: float | None) -> list[Row]:
    alone = f"{seen.kind} with none connected, MB"
    return [
        Row(f"{name}-memory", seen.broker + seen.cloud, "MB", bar, seen.broker_none, alone),
        Row(f"{name}-broker", seen.broker, "MB", None, seen.broker_none, alone),
        Row(f"{name}-consumer", seen.cloud, "MB", None, seen.cloud_none, "cloud process with none connected"),
        Row(f"{name}-boxes", seen.boxes, "boxes heard and answered", BOXES, is_at_least=True),
        Row(f"{name}-refused", seen.refused, "messages", 0),
        Row(f"{name}-heartbeat-p99", percentile(seen.waits_ms, 99), "ms"),
        *(Row(f"{name}-cpu-{part}", spent, "% of a core") for part, spent in seen.cpu_percent.items()),
    ]


async def _with_broker(directory: Path, kind: str) -> Seen:
    cloud_directory = directory / "cloud"
    await tillbox("cloud", "--data", str(cloud_directory), "--init", "--port", str(free_port()))
    there = Installation(cloud_directory)
    _choose(there.config, kind)
    await _enrol(there, directory / "boxes")
    cloud = Process("cloud", ["cloud", "--data", str(cloud_directory)], directory / "cloud.log")
    try:
        broker = (await cloud.start())["broker"]
        seen = Seen(broker["kind"], _megabytes(broker["pid"]), _megabytes(cloud.pid))
        async with _boxes(directory) as children:
            await _live(children, seen, {"broker": broker["pid"], "consumer": cloud.pid})
            seen.broker, seen.cloud = _megabytes(broker["pid"]), _megabytes(cloud.pid)
    finally:
        await cloud.stop()
    return seen


def _choose(config: Path, kind: str) -> None:
    config.write_text(config.read_text().replace('"run": "auto"', f'"run": "{kind}"'))


async def _enrol(there: Installation, boxes: Path) -> None:
    """Enrol them all, as `tillbox fleet enroll` does one."""
    config = read_config(there.config)
    database = await open_database(config.database)
    authority = Authority(there.authority, now_ms=WORLD.now_ms, random_bytes=WORLD.random_bytes)
    enrolment = Enrolment(
        database=database,
        authority=authority,
        lock=there.lock,
        now_ms=WORLD.now_ms,
        random_bytes=WORLD.random_bytes,
    )
    around = Surroundings(config.broker.host, config.broker.port, "localhost", "04" + "00" * 64, "11" * 32)
    try:
        for number in range(1, BOXES + 1):
            name = f"box-{number:05d}"
            await enrolment.enroll(
                NewBox(TENANT, STORE, name),
                surroundings=around,
                currency="EUR",
                devices={},
                directory=boxes / name,
            )
    finally:
        await database.close()


@asynccontextmanager
async def _boxes(directory: Path) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    share = -(-BOXES // PROCESSES)
    children = []
    try:
        with (directory / "boxes.log").open("ab") as log:
            for number in range(PROCESSES):
                module = ("-m", "simulators.bench.light_boxes", str(directory / "boxes"))
                children.append(
                    await asyncio.create_subprocess_exec(
                        *(sys.executable, *module, str(number * share), str(share)),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=log,
                        limit=LINE_BYTES_MAX,
                    )
                )
        yield children
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
            await child.wait()


async def _live(children: list[asyncio.subprocess.Process], seen: Seen, parts: dict[str, int]) -> None:
    async with asyncio.timeout(CONNECTED_S):
        connected = [await _said(child) for child in children]
    assert all(told["kind"] == "connected" for told in connected)
    loop = asyncio.get_running_loop()
    before, began = {part: cpu_ms([pid]) for part, pid in parts.items()}, loop.time()
    answered, refused = [0] * len(children), [0] * len(children)
    while loop.time() - began < STEADY_S:
        for place, child in enumerate(children):
            told = await _said(child)
            seen.waits_ms += told["waits_ms"]
            refused[place], answered[place] = told["refused"], told["answered"]
    took_ms = (loop.time() - began) * 1000
    seen.cpu_percent = {part: (cpu_ms([pid]) - before[part]) * 100 / took_ms for part, pid in parts.items()}
    seen.boxes, seen.refused = sum(answered), sum(refused)


async def _said(child: asyncio.subprocess.Process) -> dict[str, Any]:
    assert child.stdout is not None, "its output was asked for"
    line = await child.stdout.readline()
    if not line:
        raise OutcomeUnknown("bench-boxes-ended", "A process of boxes ended by itself", "See boxes.log.")
    told: dict[str, Any] = json.loads(line)
    return told


def _megabytes(pid: int) -> float:
    return resident_mib(pid) * MB_A_MIB


def _allow_many_files() -> None:
    """Let this process and its children open as many connections as the system lets them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
