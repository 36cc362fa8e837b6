"""Who acknowledges, and loses: a broker's PUBACK beside our receipts, measured the same way.

Records are published while the receiver is away or dies; the one who acknowledged is killed (`kill -9`) at random
moments and started again; then the records that were acknowledged are looked for. The rows tell how many of them are
lost; their floor is how many were acknowledged. A PUBACK stands for QoS 1 to a receiver with a persistent session, the
broker's own persistence as it is shipped. A receipt stands for our QoS 0, the journal that sends again, and the
cloud's commit.

Killing a process spares what it wrote and did not sync; a power cut takes that too, and is not measured here.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiomqtt

from cloud.broker.supervisor import find_broker
from edge.config import read_box
from edge.main import Options, RunningBox
from protocol.errors import ConfigError, OutcomeUnknown
from protocol.pricing.tax import read_tax_table
from simulators.bench.backlog_journal import fill
from simulators.bench.rows import Row
from simulators.demo import estate
from simulators.demo.processes import Process
from simulators.replay.lane import Eyes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cloud.broker.supervisor import Kind

SEED = 20_261_122
ROUNDS = 5  # deaths of a broker that acknowledges
RECORDS_A_ROUND = 400  # below what a stock broker queues for one receiver
KILLS = 6  # deaths of our broker or our cloud, in turn
SALES = 3_000  # 27,000 records: some seconds of work for the cloud, so that every death finds it at work
KILL_GAP_S = (0.2, 1.0)
PATIENCE_S = 60.0  # a broker or cloud that is started again, and a box that finds it
LOOK_S = 0.02  # between two looks at another process
QUIET_S = 1.0  # nothing more comes from a session's queue after so long
TOPIC = "bench/records"
RECORD_BYTES = 400  # about a record of ours
KINDS: tuple[Kind, ...] = ("nats", "mosquitto")
FLOOR = "records acknowledged"
QOS = 1


async def measure(work: Path) -> list[Row]:
    """One row for each broker's PUBACK, and one for our receipts behind each broker."""
    rows = []
    for kind in KINDS:
        name, program = f"acknowledged-by-puback-of-{kind}", _program(kind)
        if not program:
            rows.append(Row(name, None, "records lost", floor_name=f"{kind} is not installed"))
            continue
        acknowledged, lost = await _puback(kind, program, work / f"{kind}-p")
        rows.append(Row(name, lost, "records lost", None, acknowledged, FLOOR))
        acknowledged, lost = await _receipts(kind, work / f"{kind}-r")
        name = f"acknowledged-by-our-receipts-behind-{kind}"
        rows.append(Row(name, lost, "records lost", 0, acknowledged, FLOOR))
    return rows


def _program(kind: Kind) -> str:
    try:
        return find_broker(kind)[1]
    except ConfigError:
        return ""


async def _puback(kind: str, program: str, directory: Path) -> tuple[int, int]:
    """(acknowledged, lost) of a stock broker that is killed at a random acknowledgement of each round."""
    choices = random.Random(SEED)  # noqa: S311 - moments, not keys
    port = estate.free_port()
    command = _stock(kind, program, directory, port)
    acknowledged, heard = set[bytes](), set[bytes]()
    for number in range(ROUNDS):
        async with _running(command, port) as broker:
            await _listen(port, heard)  # the receiver was there, and goes away
            dies_at = choices.randint(RECORDS_A_ROUND // 4, RECORDS_A_ROUND)
            async with aiomqtt.Client("127.0.0.1", port, identifier="sender") as sender:
                for record in range(dies_at):
                    body = b"%d/%d" % (number, record)
                    await sender.publish(TOPIC, body.ljust(RECORD_BYTES), qos=QOS)
                    acknowledged.add(body)
                broker.kill()
                await broker.wait()
                with suppress(aiomqtt.MqttError):
                    await sender.publish(TOPIC, b"", qos=QOS, timeout=QUIET_S)
    async with _running(command, port):
        await _listen(port, heard)
    return len(acknowledged), len(acknowledged - heard)


async def _listen(port: int, heard: set[bytes]) -> None:
    """Take everything that the session holds, as a receiver that comes back does."""
    async with aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier="receiver",
        clean_session=False,
        protocol=aiomqtt.ProtocolVersion.V311,
    ) as receiver:
        await receiver.subscribe(TOPIC, qos=QOS)
        messages = aiter(receiver.messages)
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET_S):
                    message = await anext(messages)
                assert isinstance(message.payload, bytes)
                heard.add(message.payload.strip())


def _stock(kind: str, program: str, directory: Path, port: int) -> list[str]:
    """A broker as it is shipped: persistent where its package makes it so, its own times of syncing and saving."""
    directory.mkdir()
    if kind == "mosquitto":
        text = (
            f"listener {port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {directory}/\n"
        )
        text += "user root\n" if os.geteuid() == 0 else ""
    else:
        text = (
            f'server_name: bench\nlisten: "127.0.0.1:-1"\njetstream {{ store_dir: "{directory}" }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {port} }}\n'
        )
    path = directory / "broker.conf"
    path.write_text(text)
    return [program, "-c", str(path)]


@asynccontextmanager
async def _running(command: list[str], port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    broker = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await _listens(port):  # noqa: ASYNC110 - another process; there is no event
                await asyncio.sleep(LOOK_S)
        yield broker
    finally:
        if broker.returncode is None:
            broker.kill()
        await broker.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _receipts(kind: str, directory: Path) -> tuple[int, int]:
    """(acknowledged, lost) of our cloud behind this broker, while both die in turn at random moments."""
    there = estate.Estate(directory, estate.free_port(), estate.free_port())
    await _lay_out(there, kind)
    box_directory = await estate.enrol(there, "box-1", {})
    config, options = read_box(box_directory), Options(box_directory)
    taxes = read_tax_table(estate.taxes())
    await asyncio.to_thread(fill, config, options, there.catalogue.read_bytes(), taxes, SALES)
    cloud = Process("cloud", ["cloud", "--data", str(there.cloud)], directory / "cloud.log")
    box = RunningBox(config, options, screen=Eyes())
    running = asyncio.create_task(box.run())
    try:
        await cloud.start()
        await _kill_again_and_again(cloud, box)
        await _until_receipted(box, running)
        (span,) = box.journal.spans()
        return span.receipted_through, span.receipted_through - _stored(there, span.generation)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await cloud.stop()


async def _lay_out(there: estate.Estate, kind: str) -> None:
    there.directory.mkdir()
    await estate.lay_out(there)
    config = there.cloud / "cloud.json"
    config.write_text(config.read_text().replace('"run": "auto"', f'"run": "{kind}"'))


async def _kill_again_and_again(cloud: Process, box: RunningBox) -> None:
    choices = random.Random(SEED)  # noqa: S311 - moments, not keys
    for number in range(KILLS):
        before = box.uplink.unsent
        async with asyncio.timeout(PATIENCE_S):
            while before and box.uplink.unsent == before:  # noqa: ASYNC110 - the uplink tells nobody of receipts
                await asyncio.sleep(LOOK_S)
        await asyncio.sleep(choices.uniform(*KILL_GAP_S))
        if number % 2:
            cloud.kill()
            await cloud.wait()
            await cloud.start()
        else:
            os.kill(cloud.ready["broker"]["pid"], signal.SIGKILL)
            await _until_broker_is_back(cloud)


async def _until_broker_is_back(cloud: Process) -> None:
    """The next death is the cloud's, whose start tells the broker's new process; until then it must only listen."""
    async with asyncio.timeout(PATIENCE_S):
        while not await _listens(cloud.ready["broker"]["port"]):  # noqa: ASYNC110 - another process
            await asyncio.sleep(LOOK_S)


async def _until_receipted(box: RunningBox, running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(2 * PATIENCE_S):
        while box.uplink.unsent:
            if running.done():
                running.result()
                raise OutcomeUnknown("bench-box-ended", "The box ended by itself", "Look at the log.")
            await asyncio.sleep(LOOK_S)


def _stored(there: estate.Estate, generation: str) -> int:
    with sqlite3.connect(f"file:{there.cloud / 'cloud.db'}?mode=ro", uri=True) as cloud:
        told = cloud.execute("SELECT count(*) FROM replica_frame WHERE generation = ?", (generation,))
        return int(told.fetchone()[0])
