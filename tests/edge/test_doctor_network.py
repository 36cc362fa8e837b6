"""The doctor against a real cloud with its real broker: in, refused, silent, and never in a running box's way."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.diagnosis.main import Patient, examine
from edge.journal.files import OsFiles
from edge.journal.journal import Journal
from edge.journal.opening import Birth
from tests.edge.doctor_ward import codes, said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from edge.diagnosis.main import Diagnosis

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
NAMES = ("--tenant", "acme", "--box", "till-1")


async def tillbox(*arguments: str) -> None:
    """Run one command to its good end."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.commandline", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    await asyncio.wait_for(running.communicate(), PATIENCE_S)
    assert running.returncode == 0, arguments


@asynccontextmanager
async def cloud(directory: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running cloud with its own broker."""
    with (directory / "cloud.log").open("ab") as log:
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloud.main", "--config", str(directory / "cloud.json")),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert running.stdout is not None
    try:
        assert await asyncio.wait_for(running.stdout.readline(), PATIENCE_S), (
            directory / "cloud.log"
        ).read_text()
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await asyncio.wait_for(running.wait(), PATIENCE_S)


@pytest.fixture
async def enrolled(tmp_path: Path) -> Path:
    """A cloud's directory with one box beside it: `cloud` and `box`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    await tillbox("cloud", "--data", str(tmp_path / "cloud"), "--init", "--port", port)
    path = tmp_path / "cloud" / "cloud.json"
    path.write_text(path.read_text().replace('"run": "auto"', '"run": "nats"'))
    places = ("--cloud", str(tmp_path / "cloud"), "--out", str(tmp_path / "box"), "--store", "north")
    await tillbox("fleet", "enroll", *places, *NAMES)
    return tmp_path


async def look(directory: Path) -> Diagnosis:
    return await examine(Patient(directory / "box", directory / "box", screen_port=1))


async def test_broker_and_cloud_answer_an_enrolled_box_and_its_journal_is_not_spoken_of(enrolled):
    async with cloud(enrolled / "cloud"):
        told = await look(enrolled)

    assert "TLSv1.3 with this box's certificate" in said(told, "broker")
    assert said(told, "cloud") == "it answers this box's question"
    assert codes(told) == {"catalogue-missing"}


async def test_a_running_box_keeps_its_connection(enrolled):
    birth = Birth("acme", "till-1", lambda: bytes(8), lambda *_: b'{"t":"generation_opened"}')
    journal = Journal(OsFiles(), str(enrolled / "box" / "journal"), birth)

    async with cloud(enrolled / "cloud"):
        told = await look(enrolled)

    journal.close()
    assert told.is_running
    assert "TLSv1.3" in said(told, "broker")
    assert said(told, "cloud").startswith("the box runs and speaks for itself")


async def test_a_silent_cloud_behind_a_good_broker_is_named(enrolled):
    async with cloud(enrolled / "cloud") as running:
        running.send_signal(signal.SIGSTOP)
        try:
            told = await look(enrolled)
        finally:
            running.send_signal(signal.SIGCONT)

    assert "cloud-silent" in codes(told)
    assert "TLSv1.3" in said(told, "broker")


async def test_a_revoked_box_is_told_so(enrolled):
    async with cloud(enrolled / "cloud"):
        await tillbox("fleet", "revoke", "--cloud", str(enrolled / "cloud"), *NAMES)
        until = time.monotonic() + PATIENCE_S
        found: set[str] = set()
        while not found & {"broker-refuses", "certificate-refused"} and time.monotonic() < until:
            found = codes(await look(enrolled))

    assert found & {"broker-refuses", "certificate-refused"}


async def test_a_broker_of_another_name_is_not_believed(enrolled):
    path = enrolled / "box" / "box.json"
    told: dict[str, Any] = json.loads(path.read_text())
    told["broker"]["server_name"] = "broker.example"
    path.write_text(json.dumps(told))

    async with cloud(enrolled / "cloud"):
        found = await look(enrolled)

    assert "broker-tls-refused" in codes(found)
