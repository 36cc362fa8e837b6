"""`tillbox box` as a process: what stands in its way is one line, and what need not stop it does not."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.edge.box_process import WAIT_S, running_box, tillbox
from tests.edge.doctor_ward import Ward, codes, said


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


@pytest.mark.parametrize("kind", ["forbidden", "file"])
async def test_a_second_journal_that_cannot_be_used_is_told_while_the_box_sells(ward, tmp_path, kind):
    (tmp_path / "file").write_text("not a directory")
    second = {"forbidden": "/proc/nope", "file": str(tmp_path / "file")}[kind]

    async with running_box(ward.directory, "--second-journal", second) as box:
        log = await box.logs("no second copy")
        view = await box.until(lambda view: view["page"] == "attract")
        told = await told_journal_state(ward)

    assert second in next(line for line in log.splitlines() if "no second copy" in line)
    assert log.count("no second copy") == 1
    assert view["blocked"] == []
    assert "journal-degraded" in codes(told)
    assert second in said(told, "second journal")


async def test_a_second_journal_that_works_again_is_no_trouble_after_the_next_start(ward, tmp_path):
    async with running_box(ward.directory, "--second-journal", "/proc/nope") as box:
        await box.logs("no second copy")
        await told_journal_state(ward)

    async with running_box(ward.directory, "--second-journal", tmp_path / "second") as box:
        await box.until(lambda view: view["page"] == "attract")
        told = await ward.look()

    assert "journal-degraded" not in codes(told)


async def told_journal_state(ward: Ward):
    """What the doctor finds once the running box has written down that a copy is missing."""
    async with asyncio.timeout(WAIT_S):
        while "journal-degraded" not in codes(told := await ward.look()):
            pass
    return told


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('{"thanks_ms": -1}', "tillbox: settings-wrong: settings.json: thanks_ms"),
        ('{"thanks_ms": 1', "tillbox: settings-wrong: settings.json: "),
        ("[]", "tillbox: settings-wrong: settings.json: it holds no object."),
    ],
)
async def test_wrong_settings_beside_the_box_are_corrected_there_for_nothing_can_be_pushed(ward, text, start):
    (ward.directory / "settings.json").write_text(text)

    said = await refusal("--directory", ward.directory)

    assert said.startswith(start)
    assert said.endswith("Correct settings.json, or remove it, and start the box.")
    assert "push" not in said


@pytest.mark.parametrize(("name", "code"), [("active.tbc", "catalogue"), ("overlay.json", "overlay")])
async def test_a_broken_catalogue_has_one_mend(ward, name, code):
    (ward.directory / "catalogue" / name).write_bytes(b"TBC1 and then nothing that fits")

    said = await refusal("--directory", ward.directory)

    assert said.startswith(f"tillbox: {code}-unreadable: {name} cannot be used (")
    assert said.count(". ") == 1
    assert said.split(". ")[1] in ("Put a good image in place.", "Remove or replace overlay.json.")


async def test_a_box_that_salvages_a_damaged_journal_says_so(ward):
    ward.write_records()
    (segment,) = (ward.directory / "journal").glob("*.tbj")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)

    async with running_box(ward.directory) as box:
        await box.until(lambda view: view["page"] == "attract")
        first = box.log
    async with running_box(ward.directory) as box:
        await box.until(lambda view: view["page"] == "attract")
        second = box.log

    (line,) = (line for line in first.splitlines() if "the journal was damaged" in line)
    assert " records from beyond the damage" in line
    assert "the journal was damaged" not in second
