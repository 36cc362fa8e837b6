"""`tillbox box` as a process: what stands in its way is one line, and what need not stop it does not."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.edge.box_process import running_box, tillbox
from tests.edge.doctor_ward import Ward, codes


@pytest.fixture
def ward(tmp_path):
    made = Ward(tmp_path, time.time_ns() // 1_000_000)
    made.provision()
    return made


async def refusal(*arguments: object) -> str:
    """What a box that cannot start says, which is all that it says."""
    code, out, err = await tillbox("box", *arguments)
    assert (code, out) == (1, ""), err
    (line,) = err.splitlines()
    return line


async def test_a_taken_screen_port_is_one_line(ward):
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]

    said = await refusal("--directory", ward.directory, "--screen-port", port)

    other.close()
    assert said.startswith(f"tillbox: screen-port-taken: Another program has port {port}.")


async def test_a_journal_that_another_box_has_is_one_line(ward):
    async with running_box(ward.directory):
        said = await refusal("--directory", ward.directory, "--screen-port", 0)

    assert said.startswith("tillbox: journal-in-use: ")


@pytest.mark.parametrize("name", ["box.key.pem", "box.cert.pem", "ca.pem"])
async def test_a_bad_certificate_keeps_the_link_down_and_nothing_else(ward, name):
    (ward.directory / name).write_text("nonsense\n")

    async with running_box(ward.directory) as box:
        view = await box.until(lambda view: "link" in view["troubles"])
        log = await box.logs("certificate-unusable")
        told = await ward.look()

    assert view["page"] == "attract"
    assert view["blocked"] == []
    assert not view["is_linked"]
    assert name in next(line for line in log.splitlines() if "no link to the cloud" in line)
    assert log.count("no link to the cloud") == 1
    assert "Traceback" not in log
    assert "certificate-unusable" in codes(told)


async def test_a_mended_certificate_is_taken_without_a_restart(ward):
    key = (ward.directory / "box.key.pem").read_bytes()
    (ward.directory / "box.key.pem").write_text("nonsense\n")

    async with running_box(ward.directory) as box:
        await box.until(lambda view: "link" in view["troubles"])
        (ward.directory / "box.key.pem").write_bytes(key)
        view = await box.until(lambda view: "link" not in view["troubles"])

    assert view["page"] == "attract"
    assert "Traceback" not in box.log


async def test_a_bad_certificate_is_in_the_journal_for_the_cloud_to_read_later(ward):
    (ward.directory / "box.key.pem").write_text("nonsense\n")

    async with running_box(ward.directory) as box:
        await box.until(lambda view: "link" in view["troubles"])
    journal = ward.open_journal()
    records = [json.loads(stored.body) for stored in journal.records()]
    journal.close()

    changes = [(r["device"], r["state"], r["reason"]) for r in records if r["t"] == "device_changed"]
    assert changes == [("link", "failed", "certificate-unusable")]
