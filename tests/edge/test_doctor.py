"""`tillbox doctor` finds each trouble by its name, says how to mend it, and disturbs nothing."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from edge.config_slots import ConfigSlots
from edge.diagnosis import ground
from edge.diagnosis.history import PROBE_NAME, is_held
from edge.doctor import doctor
from edge.journal.files import OsFiles
from edge.versions.shelf import VersionSet, VersionShelf
from protocol.catalogue import Catalogue
from simulators.printer.station import PrinterSim, PrinterSimSettings
from simulators.serial_line import SerialLine
from tests.edge.doctor_ward import Ward, codes, said

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    made = Ward(tmp_path, NOW_MS)
    made.provision()
    made.write_records()
    return made


def fingerprint(directory: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in directory.rglob("*")
            if path.is_file()}  # fmt: skip


async def test_a_healthy_box_has_nothing_to_mend_and_nothing_is_changed(ward):
    before = fingerprint(ward.directory)

    told = await ward.look()

    assert codes(told) == set()
    assert codes(told, "warning") == {"no-devices"}
    assert told.broken == 0
    assert not told.is_running
    assert said(told, "journal").startswith("1 generation(s), 6 records, the last is 6")
    assert "valid until" in said(told, "certificate")
    assert "5 items" in said(told, "catalogue")
    assert fingerprint(ward.directory) == before


async def test_a_box_that_never_started_is_no_trouble(tmp_path):
    ward = Ward(tmp_path, NOW_MS)
    ward.provision()

    told = await ward.look()

    assert told.broken == 0
    assert said(told, "journal") == "empty: the box has not sold yet"


async def test_a_running_box_is_in_use_and_looked_at_from_outside(ward):
    line = SerialLine(ward.directory / "scanner")
    line.plug()
    ward.change(
        devices={"scanner": {"port": str(line.path)}, "scale": {"port": str(ward.directory / "none")}}
    )
    journal = ward.open_journal()
    before = fingerprint(ward.directory / "journal")

    told = await ward.look()
    after = fingerprint(ward.directory / "journal")
    journal.append(ward.record("device_changed", device="scanner", state="ready", reason=""))
    journal.sync()
    again = await ward.look()

    journal.close()
    line.unplug()
    assert told.is_running
    assert after == before
    assert codes(told) == {"device-failed"}
    assert "in use by the box, failed (n4)" in said(told, "device scanner")
    assert said(again, "device scanner") == "in use by the box, ready"
    assert "has not told its state" in said(told, "device scale")
    assert said(again, "journal").startswith("1 generation(s), 7 records")


def test_the_lock_of_a_running_box_is_seen_and_none_is_made(ward, tmp_path):
    journal = ward.open_journal()

    while_open = is_held(ward.directory / "journal")
    journal.close()

    assert while_open
    assert not is_held(ward.directory / "journal")
    assert not is_held(tmp_path / "nowhere")
    ward.open_journal().close()


async def test_damage_in_the_journal_is_told_with_what_can_be_saved(ward):
    (file,) = (ward.directory / "journal").glob("*.tbj")
    data = bytearray(file.read_bytes())
    data[400] ^= 1
    file.write_bytes(bytes(data))

    told = await ward.look()

    assert codes(told) == {"journal-damaged"}
    (found,) = [found for found in told.findings if found.code == "journal-damaged"]
    assert "records beyond it can be saved" in found.mend


async def test_a_journal_of_another_box_is_named(tmp_path):
    ward = Ward(tmp_path, NOW_MS)
    ward.provision()
    ward.open_journal("till-2").close()

    assert codes(await ward.look()) == {"journal-of-another-box"}


async def test_records_without_a_receipt_for_days_are_a_warning(tmp_path):
    ward = Ward(tmp_path, NOW_MS - 3 * DAY_MS)
    ward.provision()
    ward.write_records()

    told = await ward.look()

    assert "replica-behind" in codes(told, "warning")
    assert "6 records without a noted receipt, the oldest 3 days old" in said(told, "replica")


async def test_confirmed_records_are_told_as_confirmed(ward):
    journal = ward.open_journal()
    span = journal.spans()[-1]
    journal.prune(span.generation, span.synced_through, span.synced_chain, NOW_MS)
    journal.close()

    assert said(await ward.look(), "replica") == "the cloud has confirmed every record"


@pytest.mark.parametrize(
    ("made_days_ago", "code", "state"),
    [
        (3651, "certificate-expired", "broken"),
        (3620, "certificate-ends-soon", "warning"),
        (-3, "certificate-not-yet", "broken"),
    ],
)
async def test_a_certificate_out_of_its_time_is_named(tmp_path, made_days_ago, code, state):
    ward = Ward(tmp_path, NOW_MS - made_days_ago * DAY_MS)
    ward.provision()

    assert code in codes(await ward.look(), state)


async def test_a_certificate_of_another_box_and_a_foreign_key_are_named(ward, tmp_path):
    ward.change(client_id="acme_north_till-9")
    of_another = codes(await ward.look())
    other = Ward(tmp_path / "other", NOW_MS)
    other.provision()
    (ward.directory / "box.key.pem").write_bytes((other.directory / "box.key.pem").read_bytes())
    foreign = codes(await ward.look())

    assert of_another == {"certificate-of-another-box"}
    assert foreign == {"certificate-unusable"}


@pytest.mark.parametrize(
    ("now_ms", "last_ms", "code"),
    [(1_000_000, 0, "clock-not-set"), (NOW_MS, NOW_MS + 2 * DAY_MS, "clock-behind"), (NOW_MS, NOW_MS, "")],
    ids=["not-set", "behind", "right"],
)
def test_a_clock_that_cannot_be_right_is_named(now_ms, last_ms, code):
    (found,) = ground.check_clock(now_ms, last_ms)

    assert found.code == code


def test_a_slow_disk_is_a_warning_and_a_missing_one_is_broken(tmp_path):
    ticks = iter([0, 500])

    (slow,) = ground.check_disk(tmp_path, ground.Instruments(NOW_MS, lambda: next(ticks)))
    (missing,) = ground.check_disk(tmp_path / "none", ground.Instruments(NOW_MS, lambda: 0))

    assert (slow.code, missing.code) == ("disk-slow", "work-missing")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_file_is_broken(tmp_path):
    (tmp_path / PROBE_NAME).mkdir()

    (found,) = ground.check_disk(tmp_path, ground.Instruments(NOW_MS, lambda: 0))

    assert found.code == "disk-not-writable"


async def test_published_versions_in_force_are_what_is_looked_at(ward):
    shelf = VersionShelf(OsFiles(), str(ward.directory / "versions"))
    image = (ward.directory / "catalogue" / "active.tbc").read_bytes()
    versions = VersionSet(7, 0, Catalogue(image).hash.hex())
    path = ward.directory / "versions" / f"{versions.catalogue}.tbc"
    path.write_bytes(image)
    shelf.put_in_force(versions)

    whole = await ward.look()
    path.write_bytes(image[:-1] + bytes([image[-1] ^ 1]))
    damaged = await ward.look()

    assert said(whole, "catalogue").startswith("publication 7, 5 items, hash ")
    assert codes(damaged) == {"versions-damaged"}


async def test_a_changed_bit_in_the_catalogue_is_found(ward):
    image = ward.directory / "catalogue" / "active.tbc"
    data = bytearray(image.read_bytes())
    data[-3] ^= 1
    image.write_bytes(bytes(data))

    changed = codes(await ward.look())
    image.unlink()

    assert changed == {"catalogue-hash-wrong"}
    assert codes(await ward.look()) == {"catalogue-missing"}


async def test_keys_that_others_may_read_are_a_warning(ward):
    os.chmod(ward.directory / "message_keys.json", 0o644)  # noqa: PTH101 - as a hand would

    assert "keys-readable" in codes(await ward.look(), "warning")


async def test_every_fault_of_the_provisioning_is_told_and_the_rest_is_still_looked_at(ward):
    ward.change(currency=5, shard="zz!")

    told = await ward.look()

    assert codes(told) == {"box-config-wrong"}
    assert "currency" in said(told, "provisioning")
    assert "free" in said(told, "disk")


async def test_wrong_settings_and_a_damaged_slot_are_named(ward):
    slots = ConfigSlots(OsFiles(), str(ward.directory / "config"))
    slots.stage(3, b'{"v": 1}')
    slots.promote()
    slots.confirm()
    in_force = said(await ward.look(), "settings")
    next(
        path for path in (ward.directory / "config").iterdir() if path.name in "ab" and path.stat().st_size
    ).write_bytes(b"x")
    before = fingerprint(ward.directory)
    damaged = await ward.look()
    (ward.directory / "settings.json").write_text('{"odd": 1}')

    assert in_force == "version 3 in force"
    assert codes(damaged) == {"slot-damaged"}
    assert fingerprint(ward.directory).items() >= before.items()
    assert "settings-wrong" in codes(await ward.look())


async def test_each_device_is_opened_and_an_absent_one_is_named(ward):
    line, printer = SerialLine(ward.directory / "scanner"), PrinterSim(PrinterSimSettings(port=0))
    line.plug()
    await printer.start()
    ward.change(
        devices={
            "scanner": {"port": str(line.path)},
            "printer": {"host": "127.0.0.1", "port": printer.port},
            "scale": {"port": str(ward.directory / "unplugged")},
        }
    )

    told = await ward.look()

    line.unplug()
    await printer.stop()
    assert codes(told) == {"device-absent"}
    assert said(told, "device scanner") == f"opens at {line.path}"
    assert said(told, "device printer") == f"opens at 127.0.0.1:{printer.port}"
    assert said(told, "device scale") == "scale is not there"


async def test_a_taken_screen_port_is_named(ward):
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]

    told = await ward.look(screen_port=port)

    taken.close()
    assert codes(told) == {"screen-port-taken"}


async def test_a_second_journal_on_the_same_device_protects_from_nothing(ward):
    (ward.directory / "second").mkdir()

    same = await ward.look(second_journal=str(ward.directory / "second"))
    missing = await ward.look(second_journal=str(ward.directory / "not-mounted"))

    assert codes(same) == {"second-journal-same-device"}
    assert codes(missing) == {"second-journal-missing"}


async def test_a_second_journal_that_takes_no_file_is_named(ward):
    told = await ward.look(second_journal="/proc/self")

    assert codes(told) == {"second-journal-not-writable"}


async def test_an_absent_broker_is_named_and_the_cloud_is_not_asked(ward):
    told = await ward.look(is_offline=False)

    assert codes(told) == {"broker-absent"}
    assert said(told, "cloud") == "not asked: the broker comes first"


async def test_a_port_without_tls_is_no_broker(ward):
    def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ward.change(broker={"host": "127.0.0.1", "port": port, "server_name": "localhost"})

    told = await ward.look(is_offline=False)

    server.close()
    assert codes(told) == {"broker-tls-refused"}


def test_the_command_prints_a_table_or_json_and_fails_when_something_is_broken(ward):
    arguments = ["--directory", str(ward.directory), "--offline", "--screen-port", "1"]
    whole = CliRunner().invoke(doctor, arguments)
    (ward.directory / "catalogue" / "active.tbc").unlink()
    table = CliRunner().invoke(doctor, arguments)
    as_json = CliRunner().invoke(doctor, [*arguments, "--json"])

    assert (whole.exit_code, table.exit_code, as_json.exit_code) == (0, 1, 1)
    assert "\x1b[" not in table.output
    assert "-> Build one with `tillbox catalogue`." in table.output
    assert "[catalogue-missing]" in table.output
    told = json.loads(as_json.stdout)
    assert told["broken"] == 1
    assert told["box"] == "acme/north/till-1"
    assert {check["code"] for check in told["checks"] if check["state"] == "broken"} == {"catalogue-missing"}
