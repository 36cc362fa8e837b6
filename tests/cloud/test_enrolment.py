"""Enrolment: numbers that are never used twice, keys that nobody else has, and a directory that a box can read."""

from __future__ import annotations

import asyncio
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cloud.database import open_database
from cloud.fleet import store
from cloud.fleet.authority import Authority
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.rules import MAX_BOX_NUMBER, NewBox, number_box
from cloud.fleet.watch import FleetWatch
from cloud.installation import Wishes, make_installation
from cloud.intake_boxes import BoxTable
from edge.config import read_box
from protocol.errors import CallerError, ConfigError, PeerError, TillboxError
from tests.brokers import real_world

AROUND = Surroundings("broker.example", 8883, "localhost", "04" + "ab" * 64, "cd" * 32)


class Place:
    """An installation with its database, and a shorthand to enrol."""

    def __init__(self, directory, database, there, world):
        self.directory, self.database, self.there = directory, database, there
        self.authority = Authority(there.authority, now_ms=world.now_ms, random_bytes=world.random_bytes)
        self.enrolment = Enrolment(
            database=database,
            authority=self.authority,
            lock=there.lock,
            now_ms=world.now_ms,
            random_bytes=world.random_bytes,
        )
        self.count = 0

    async def enroll(self, box="till-1", tenant="acme", shop="north", shard="", **changed):
        self.count += 1
        directory = changed.get("directory", self.directory / f"box-{self.count}")
        numbered = await self.enrolment.enroll(
            NewBox(tenant, shop, box, shard, changed.get("replaces", False)),
            surroundings=AROUND,
            currency=changed.get("currency", "GBP"),
            devices=changed.get("devices", {"scanner": {"port": "/dev/ttyS0"}}),
            directory=directory,
        )
        return numbered, directory

    async def standing(self):
        """What an enrolment that fails must leave as it was."""
        revoked = self.authority.revocations()
        rows = await self.database.fetch("SELECT * FROM enrolment ORDER BY tenant, box_number")
        return rows, await store.boxes(self.database), revoked


@pytest.fixture
async def place(tmp_path, database):
    world = real_world()
    return Place(tmp_path, database, make_installation(tmp_path / "cloud", Wishes(), world), world)


async def test_the_directory_that_enrolment_writes_is_the_one_that_a_box_reads(place):
    numbered, directory = await place.enroll()

    box = read_box(directory)

    assert (box.tenant, box.store, box.box, box.box_number) == ("acme", "north", "till-1", 1)
    assert (box.shard, box.client_id) == (numbered.shard, numbered.client_id)
    assert box.broker.host == "broker.example"
    assert box.devices.scanner is not None
    assert box.configuration_signer == bytes.fromhex("cd" * 32)


async def test_the_cloud_finds_the_box_with_the_keys_that_the_box_was_given(place):
    _, directory = await place.enroll()
    given = read_box(directory)

    found = await BoxTable(place.database).find("acme", "till-1")
    assert found is not None

    assert (found.up_key, found.down_key) == (given.up_key, given.down_key)
    assert given.up_key != given.down_key
    assert found.status == "serving"


async def test_every_file_with_a_secret_is_for_its_owner_alone(place):
    _, directory = await place.enroll()

    files = [
        path for root in (directory, place.there.directory) for path in root.rglob("*") if path.is_file()
    ]

    assert len(files) > 15
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.suffix != ".db"} == {0o600}
    assert stat.S_IMODE(place.there.directory.stat().st_mode) == 0o700


async def test_a_certificate_names_the_client_id_and_descends_from_the_tenant(place):
    numbered, directory = await place.enroll()

    box, tenant = x509.load_pem_x509_certificates((directory / "box.cert.pem").read_bytes())
    root = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())

    assert box.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == numbered.client_id
    box.verify_directly_issued_by(tenant)
    tenant.verify_directly_issued_by(root)
    assert box.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert tenant.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    purposes = box.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [purpose.dotted_string for purpose in purposes] == ["1.3.6.1.5.5.7.3.2"]


async def test_numbers_rise_within_a_tenant_and_begin_anew_in_another(place):
    numbers = [
        (await place.enroll(box, tenant))[0].box_number
        for box, tenant in [("till-1", "acme"), ("till-2", "acme"), ("till-1", "other"), ("till-3", "acme")]
    ]

    assert numbers == [1, 2, 1, 3]


async def test_replacing_a_box_gives_a_new_number_and_new_keys_and_revokes_the_old_certificate(place):
    first, former = await place.enroll()
    second, latter = await place.enroll(replaces=True)

    admitted = await store.admitted(place.database)
    certificate = x509.load_pem_x509_certificates((former / "box.cert.pem").read_bytes())[0]
    revoked = x509.load_pem_x509_crl(
        (place.there.authority / "tenants" / "acme" / "authority.crl.pem").read_bytes()
    )

    assert (first.box_number, second.box_number) == (1, 2)
    assert read_box(former).up_key != read_box(latter).up_key
    assert [box.client_id for box in admitted] == [second.client_id]
    assert revoked.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


async def test_a_number_is_not_used_again_after_the_last_box_was_revoked(place):
    await place.enroll()
    await place.enrolment.revoke("acme", "till-1", "stolen")

    numbered, _ = await place.enroll("till-2")

    assert numbered.box_number == 2


async def test_a_revoked_box_is_found_as_revoked_and_not_admitted(place):
    await place.enroll()

    await place.enrolment.revoke("acme", "till-1", "stolen")

    found = await BoxTable(place.database).find("acme", "till-1")
    assert found is not None
    assert found.status == "revoked"
    assert await store.admitted(place.database) == []
    with pytest.raises(CallerError) as refusal:
        await place.enrolment.revoke("acme", "till-1", "again")
    assert refusal.value.code == "box-unknown"


async def test_a_directory_that_is_a_box_already_is_refused_and_costs_no_number(place):
    _, directory = await place.enroll()

    with pytest.raises(ConfigError) as refusal:
        await place.enrolment.enroll(
            NewBox("acme", "north", "till-2"),
            surroundings=AROUND,
            currency="GBP",
            devices={},
            directory=directory,
        )

    assert refusal.value.code == "box-directory-taken"
    assert (await place.enroll("till-3"))[0].box_number == 2


async def test_a_name_in_service_is_refused_and_its_box_stays_as_it_was(place):
    await place.enroll()
    before = await place.standing()

    with pytest.raises(CallerError) as refusal:
        await place.enroll()

    assert refusal.value.code == "box-in-service"
    assert await place.standing() == before
    assert not (place.directory / "box-2").exists()


async def test_a_name_that_was_revoked_may_be_enrolled_without_more(place):
    await place.enroll()
    await place.enrolment.revoke("acme", "till-1", "stolen")

    numbered, _ = await place.enroll()

    assert numbered.box_number == 2


async def test_a_directory_that_cannot_be_made_changes_nothing_even_when_a_box_is_to_be_replaced(place):
    await place.enroll()
    (place.directory / "file").write_text("not a directory")
    before = await place.standing()

    for directory in (place.directory / "file", place.directory / "file" / "below", Path("/proc/x")):
        with pytest.raises(ConfigError) as refusal:
            await place.enroll(replaces=True, directory=directory)

        assert refusal.value.code == "box-directory-not-writable"
    assert await place.standing() == before
    assert (place.directory / "file").read_text() == "not a directory"


async def test_a_disk_that_fails_while_the_files_are_written_changes_nothing(place):
    await place.enroll()
    before = await place.standing()
    directory = place.directory / "half"
    directory.mkdir()
    (directory / "box.key.pem").mkdir()

    with pytest.raises(ConfigError) as refusal:
        await place.enroll(replaces=True, directory=directory)

    assert refusal.value.code == "box-directory-not-writable"
    assert await place.standing() == before


async def test_a_database_that_fails_leaves_no_key_behind(place, tmp_path):
    async with place.database.transaction() as tx:
        await tx.execute("ALTER TABLE box RENAME TO box_away")

    with pytest.raises(Exception, match="box"):
        await place.enroll(directory=tmp_path / "third")

    assert not (tmp_path / "third").exists()
    assert await place.database.fetch("SELECT * FROM enrolment") == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"currency": "ZZZ"}, "currency-unknown"),
        ({"currency": ""}, "currency-unknown"),
        ({"devices": {"toaster": {}}}, "devices-wrong"),
        ({"devices": {"scanner": {"port": "/dev/ttyS0", "baud": 9601}}}, "devices-wrong"),
        ({"shard": "zz"}, "topic-shard-wrong"),
        ({"shard": "7"}, "topic-shard-wrong"),
    ],
)
async def test_what_a_box_would_refuse_at_its_start_is_refused_here(place, changed, code):
    await place.enroll()
    before = await place.standing()

    with pytest.raises(TillboxError) as refusal:
        await place.enroll(**{"replaces": True, **changed})

    assert refusal.value.code == code
    assert await place.standing() == before
    assert not (place.directory / "box-2").exists()


@pytest.mark.parametrize("name", ["", "Till", "a" * 33, "a/b", "a.b", "a_b", "till 1", "ü", "#", "+"])
async def test_a_name_that_is_no_level_of_a_topic_is_refused(place, name):
    for names in ((name, "north", "till-1"), ("acme", name, "till-1"), ("acme", "north", name)):
        with pytest.raises(PeerError) as refusal:
            await place.enroll(names[2], names[0], names[1])

        assert refusal.value.code == "topic-name-wrong"


def test_the_numbers_of_a_tenant_end_before_those_of_the_cloud():
    def number(last):
        return number_box(NewBox("acme", "north", "till-1"), last, "", bytes).box_number

    assert number(MAX_BOX_NUMBER - 1) == 65_023
    with pytest.raises(CallerError) as refusal:
        number(MAX_BOX_NUMBER)
    assert refusal.value.code == "box-numbers-used-up"


async def test_a_tenant_keeps_its_assigned_shard(place):
    first, _ = await place.enroll(shard="07")
    second, _ = await place.enroll("till-2")

    with pytest.raises(CallerError) as refusal:
        await place.enroll("till-3", shard="08")

    assert (first.shard, second.shard) == ("07", "07")
    assert refusal.value.code == "shard-differs"


async def test_the_longest_names_fit_a_certificate(place):
    numbered, directory = await place.enroll("b" * 32, "t" * 32, "s" * 32)

    certificate = x509.load_pem_x509_certificates((directory / "box.cert.pem").read_bytes())[0]

    assert certificate.subject.rfc4514_string() == f"CN={numbered.client_id}"


async def test_the_watch_tells_of_changes_of_another_process_once(place, database_url):
    told = []

    async def on_change():
        told.append(len(await store.admitted(place.database)))

    class Clock:
        now_ms = staticmethod(real_world().now_ms)

    directory = BoxTable(place.database)
    watch = FleetWatch(database=place.database, directory=directory, clock=Clock(), on_change=on_change)
    await watch.look()
    await place.enroll()
    before = await directory.find("acme", "till-1")
    await watch.look()
    other = await open_database(database_url)
    place.enrolment._database = other
    await place.enroll(replaces=True)
    await other.close()

    changes = [await watch.look(), await watch.look()]

    assert told == [1, 1]
    assert changes == [1, 0]
    after = await directory.find("acme", "till-1")
    assert before is not None
    assert after is not None
    assert after.box_number == before.box_number + 1


async def test_two_enrolments_at_once_get_two_numbers(place):
    both = await asyncio.gather(place.enroll("till-1"), place.enroll("till-2"))

    assert {numbered.box_number for numbered, _ in both} == {1, 2}


def test_making_an_installation_twice_keeps_every_key(tmp_path):
    there = make_installation(tmp_path, Wishes(), real_world())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    make_installation(tmp_path, Wishes(port=1234), real_world())

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    ssl.create_default_context(cafile=str(there.authority / "root.cert.pem"))


def test_a_directory_too_deep_for_the_card_zones_socket_is_refused_before_anything_is_made(tmp_path):
    deep = tmp_path / ("d" * 100)

    with pytest.raises(ConfigError) as refusal:
        make_installation(deep, Wishes(), real_world())

    assert refusal.value.code == "directory-path-too-long"
    assert not deep.exists()


def test_a_data_directory_that_cannot_be_made_is_a_named_error(tmp_path):
    (tmp_path / "file").write_text("")

    for directory in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/x")):
        with pytest.raises(ConfigError) as refusal:
            make_installation(directory, Wishes(), real_world())

        assert refusal.value.code == "cloud-directory-not-writable"
