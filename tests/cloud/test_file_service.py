"""Boxes fetch versions by hash from the cloud's file service, with their own certificate, and only their tenant's."""

from __future__ import annotations

import asyncio
import hashlib
import ssl

import pytest

from cloud.catalogue import store
from cloud.catalogue.file_service import CONNECTIONS_MAX, FileService, server_tls
from cloud.fleet import store as fleet_store
from cloud.fleet.authority import Authority
from cloud.fleet.enrolment import Enrolment, Surroundings
from cloud.fleet.rules import NewBox
from cloud.installation import Wishes, make_installation
from edge.config import read_box
from edge.uplink.tls import client_context
from edge.versions.fetching import HttpsFetch
from protocol.errors import DeviceError, PeerError
from tests.brokers import real_world

AROUND = Surroundings("localhost", 8883, "localhost", "04" + "ab" * 64, "cd" * 32)
DATA = bytes(range(256)) * 1_000
DIGEST = hashlib.sha256(DATA).hexdigest()


class Place:
    """An installation that serves files, with boxes that fetch."""

    def __init__(self, directory, database):
        world = real_world()
        self.directory, self.database = directory, database
        self.there = make_installation(directory / "cloud", Wishes(), world)
        authority = Authority(self.there.authority, now_ms=world.now_ms, random_bytes=world.random_bytes)
        self.enrolment = Enrolment(
            database=database,
            authority=authority,
            lock=self.there.lock,
            now_ms=world.now_ms,
            random_bytes=world.random_bytes,
        )
        tls = server_tls(
            self.there.authority / "root.cert.pem",
            self.there.broker / "server.cert.pem",
            self.there.broker / "server.key.pem",
        )
        self.service = FileService(database=database, shelf=self.there.catalogue, tls=tls)
        self.port = 0

    async def enroll(self, tenant="acme", box="till-1"):
        directory = self.directory / f"{tenant}-{box}"
        new = NewBox(tenant, "north", box)
        await self.enrolment.enroll(new, surroundings=AROUND, currency="GBP", devices={}, directory=directory)
        config = read_box(directory)
        return HttpsFetch(lambda: client_context(*config.certificate, config.broker.server_name))

    async def put(self, tenant="acme", data=DATA):
        digest = hashlib.sha256(data).hexdigest()
        (self.there.catalogue / f"{digest}.overlay.json").write_bytes(data)
        async with self.database.transaction() as tx:
            publication = (tenant, 1, "north", "07", b"", "[]", 0, 0, "", "")
            await store.publish(tx, publication, [(tenant, digest, "overlay", "07", len(data))])
        return digest

    async def fetch(self, box, digest=DIGEST, offset=0):
        return b"".join([chunk async for chunk in box(f"https://localhost:{self.port}", digest, offset)])


@pytest.fixture
async def place(tmp_path, sqlite):
    made = Place(tmp_path, sqlite)
    server = await made.service.listen("127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def test_a_box_fetches_a_version_whole_or_from_where_it_ended(place):
    box = await place.enroll()
    await place.put()

    assert await place.fetch(box) == DATA
    assert await place.fetch(box, offset=255_999) == DATA[-1:]
    assert await place.fetch(box, offset=256_000) == b""


async def test_a_version_of_another_tenant_is_not_there(place):
    await place.enroll()
    stranger = await place.enroll("rival")
    await place.put()

    with pytest.raises(PeerError, match="versions-absent"):
        await place.fetch(stranger)


async def test_what_was_never_published_is_not_there_whatever_lies_on_the_shelf(place):
    box = await place.enroll()
    (place.there.catalogue / f"{DIGEST}.overlay.json").write_bytes(DATA)

    for digest in (DIGEST, "0" * 64):
        with pytest.raises(PeerError, match="versions-absent"):
            await place.fetch(box, digest)


async def test_a_revoked_box_gets_nothing(place):
    box = await place.enroll()
    await place.put()
    async with place.database.transaction() as tx:
        await fleet_store.revoke(tx, "acme", "till-1", "lost", 1)

    with pytest.raises(DeviceError, match="403"):
        await place.fetch(box)


async def test_the_certificate_of_an_enrolment_that_ended_gets_nothing(place):
    box = await place.enroll()
    await place.put()
    async with place.database.transaction() as tx:
        await fleet_store.end(tx, "acme", "till-1", 1)

    with pytest.raises(DeviceError, match="403"):
        await place.fetch(box)


async def test_whoever_has_no_certificate_of_ours_gets_no_answer(place):
    context = ssl.create_default_context(cafile=str(place.there.authority / "root.cert.pem"))

    def bare():
        return context

    await place.put()

    with pytest.raises(DeviceError, match="versions-unreachable"):
        await place.fetch(HttpsFetch(bare))


async def test_the_clouds_own_certificate_is_no_boxs(place):
    await place.put()
    root, client = place.there.authority / "root.cert.pem", place.there.client
    cloud = HttpsFetch(
        lambda: client_context(root, client / "cloud.cert.pem", client / "cloud.key.pem", "localhost")
    )

    with pytest.raises(DeviceError, match="403"):
        await place.fetch(cloud)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /versions/" + "0" * 64 + " HTTP/1.1", "404"),
        ("GET /versions/../cloud.json HTTP/1.1", "404"),
        ("GET /versions/%2e%2e%2f HTTP/1.1", "404"),
        ("GET /" + "0" * 64 + " HTTP/1.1", "404"),
        ("POST /versions/" + "0" * 64 + " HTTP/1.1", "400"),
        ("GET /versions/" + "0" * 64, "400"),
        ("", "400"),
        ("\x00\xff", "400"),
        ("GET /versions/" + DIGEST + " HTTP/1.1\r\nRange: bytes=0-5", "416"),
        ("GET /versions/" + DIGEST + " HTTP/1.1\r\nRange: bytes=-5", "416"),
        ("GET /versions/" + DIGEST + " HTTP/1.1\r\nRange: bytes=9999999999999-", "416"),
    ],
)
async def test_a_wrong_request_gets_a_status_and_nothing_else(place, request_line, status):
    await place.enroll()
    await place.put()
    config = read_box(place.directory / "acme-till-1")
    tls = client_context(*config.certificate, "localhost")
    reader, writer = await asyncio.open_connection("localhost", place.port, ssl=tls)

    writer.write(request_line.encode("latin-1") + b"\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.endswith(b"\r\n\r\n")


async def test_a_head_without_an_end_is_cut_off(place):
    await place.enroll()
    config = read_box(place.directory / "acme-till-1")
    tls = client_context(*config.certificate, "localhost")
    reader, writer = await asyncio.open_connection("localhost", place.port, ssl=tls)

    writer.write(b"GET /" + b"x" * 20_000)
    answer = await reader.read()
    writer.close()

    assert answer == b""


async def test_too_many_at_once_are_asked_to_come_again(place):
    box = await place.enroll()
    await place.put()
    place.service._open = CONNECTIONS_MAX

    with pytest.raises(DeviceError, match="503"):
        await place.fetch(box)
    place.service._open = 0

    assert await place.fetch(box) == DATA
