"""Configuration from a person's command to a box and back, over a real cloud process and real brokers."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloud.fleet.configuration import check_settings
from edge.config import read_box
from edge.configuration import SOAK_MS
from edge.settings import read_settings
from edge.uplink.identity import Identity
from edge.uplink.link import Link
from edge.uplink.tls import client_context
from protocol.configuration import decode_document, unpack
from protocol.messages import encode_config_answer, offline_state
from protocol.pricing.tax import read_tax_table
from tests.brokers import eventually
from tests.cloud.test_main_process import ROOT, make_directory, tillbox
from tests.conftest import find_program
from tests.edge.configured_box import ConfiguredBox

pytestmark = pytest.mark.slow


@pytest.fixture(params=["nats", "mosquitto"])
def kind(request):
    if request.param == "mosquitto":
        find_program("mosquitto")
    return request.param


@asynccontextmanager
async def running_cloud(directory):
    with (directory / "cloud.log").open("ab") as log:
        cloud = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloud.main", "--config", str(directory / "cloud.json")),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert cloud.stdout is not None
        assert await asyncio.wait_for(cloud.stdout.readline(), 60), (directory / "cloud.log").read_text()
        yield
    finally:
        cloud.terminate()
        await asyncio.wait_for(cloud.wait(), 20)


class BoxOnLine:
    """A box's link and configuration, without the rest of the box; its trials are over at once."""

    def __init__(self, directory):
        config = read_box(directory)
        names = {name: getattr(config, name) for name in ("shard", "tenant", "store", "box")}
        self.identity = Identity(**names, up_key=config.up_key, down_key=config.down_key)
        self.box = ConfiguredBox(signer=config.configuration_signer)
        self.box.cloud_ms = time.time_ns() // 1_000_000
        tls = client_context(*config.certificate, config.broker.server_name)
        self.link = Link(
            host=config.broker.host,
            port=config.broker.port,
            tls=lambda: tls,
            client_id=config.client_id,
            subscription=self.identity.subscription,
            last_will=self.identity.seal("state", offline_state()),
            on_message=self.heard,
            on_change=lambda _: None,
        )

    def heard(self, lane, sealed):
        assert lane == "cfg"
        self.box.receive(self.identity.open(lane, sealed))
        self.box.pass_ms(SOAK_MS)
        while self.box.answers:
            self.link.publish(*self.identity.seal("cfg", encode_config_answer(self.box.answers.pop(0))))

    @asynccontextmanager
    async def connected(self):
        task = asyncio.create_task(self.link.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def scalar(directory, sql) -> Any:
    """One value of the cloud's database, None while there is no row."""
    with sqlite3.connect(directory / "cloud.db") as connection:
        row = connection.execute(sql).fetchone()
    connection.close()
    return row[0] if row else None


def settings_in(site, version):
    """The settings of the first box's document, as they were signed."""
    payload = scalar(site, f"SELECT payload FROM configuration_document WHERE version = {version}")
    return decode_document(unpack(payload)[1])["settings"]


async def test_a_push_reaches_a_box_that_was_away_and_one_that_waits(tmp_path, kind):
    site, names = tmp_path / "cloud", ("--cloud", tmp_path / "cloud", "--tenant", "acme")
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text(json.dumps({"store_name": f"Shop {number}"}))
    await make_directory(site, kind)

    async with running_cloud(site):
        place = ("--store", "north", "--box", "till-1", "--out", tmp_path / "box")
        enrolled = await tillbox("fleet", "enroll", *names, *place)
        away = await tillbox("fleet", "push", tmp_path / "1.json", *names, "--box", "till-1", "--json")
        await eventually(lambda: scalar(site, "SELECT sent_ms FROM configuration_desired"), "the publishing")
        async with BoxOnLine(tmp_path / "box").connected() as box:
            applied = "SELECT 1 FROM configuration_document WHERE state = 'applied'"
            await eventually(lambda: scalar(site, applied), "the answer")
            after_return = box.box.settings.store_name
            waited = ("--wait", "--patience", "30", "--json")
            live = await tillbox("fleet", "push", tmp_path / "2.json", *names, "--group", "north", *waited)
            leap = (*names, "--group", "all", "--above", 1_000_000, *waited)
            wrong = await tillbox("fleet", "push", tmp_path / "2.json", *leap)
            standings = await tillbox("fleet", "configuration", *names, "--json")

    assert enrolled[0] == 0, enrolled[2]
    assert (away[0], json.loads(away[1])["boxes"][0]["state"]) == (0, "sent")
    assert after_return == "Shop 1"
    assert live[0] == 0, live[2]
    assert json.loads(live[1])["boxes"][0]["state"] == "applied"
    assert "till-1 2: applied" in live[2]
    assert box.box.settings.store_name == "Shop 2"
    assert wrong[0] == 1
    assert json.loads(wrong[1])["boxes"][0]["reason"].startswith("fast-forward")
    assert [(row["desired"], row["state"]) for row in json.loads(standings[1])] == [(1_000_001, "refused")]


async def test_the_cloud_has_the_taxes_that_a_push_brings_to_a_box_before_the_box_sells_by_them(tmp_path):
    site, names = tmp_path / "cloud", ("--cloud", tmp_path / "cloud", "--tenant", "acme")
    taxes = {"v": 1, "mode": "excluded", "rounding": "total", "rates": {"A": 77_000}}
    (tmp_path / "taxed.json").write_text(json.dumps({"taxes": taxes, "staff": []}))
    (tmp_path / "bare.json").write_text('{"store_name": "Corner Shop"}')
    await make_directory(site)
    place = ("--store", "north", "--box", "till-1", "--out", tmp_path / "box")
    await tillbox("fleet", "enroll", *names, *place)

    pushed = [
        await tillbox("fleet", "push", tmp_path / file, *names, "--group", "all")
        for file in ("taxed.json", "bare.json")
    ]

    signed = [settings_in(site, version) for version in (1, 2)]
    assert signed[0]["taxes"] == taxes
    for settings in signed:
        table = read_settings(settings).taxes
        shelf = [read_tax_table(json.loads(path.read_text())) for path in (site / "catalogue").iterdir()]
        assert table.hash in [other.hash for other in shelf]
    assert "taxes" not in pushed[0][2]
    assert "as the software comes" in pushed[1][2]
    assert "staff" in pushed[1][2]
    assert "taxes" in pushed[1][2]


async def test_settings_that_no_box_takes_are_refused_before_they_are_signed(tmp_path):
    site, names = tmp_path / "cloud", ("--cloud", tmp_path / "cloud", "--tenant", "acme")
    (tmp_path / "wrong.json").write_text('{"thanks_ms": 0, "colour": "red", "taxes": {}}')
    await make_directory(site)
    place = ("--store", "north", "--box", "till-1", "--out", tmp_path / "box")
    await tillbox("fleet", "enroll", *names, *place)

    ended, out, err = await tillbox("fleet", "push", tmp_path / "wrong.json", *names, "--group", "all")

    assert (ended, out) == (1, "")
    for fault in (
        "settings-wrong",
        "colour: unknown setting",
        "thanks_ms: must be",
        "taxes: tax-table-wrong",
    ):
        assert fault in err
    assert scalar(site, "SELECT version FROM configuration_document") is None
    assert list((site / "catalogue").iterdir()) == []


def test_the_example_of_the_page_is_one_that_a_box_takes():
    page = (ROOT / "docs/how-to/push-configuration.md").read_text("utf-8")
    example = json.loads(page.split("```json\n")[1].split("```")[0])

    assert check_settings(example).settings == example
    assert set(example) >= {"taxes", "staff"}


async def test_a_push_that_cannot_be_made_is_a_named_error(tmp_path):
    site, names = tmp_path / "cloud", ("--cloud", tmp_path / "cloud", "--tenant", "acme")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "good.json").write_text("{}")
    await make_directory(site)

    for file, target, code in (
        ("list.json", ("--box", "a"), "push-file-wrong"),
        ("absent.json", ("--box", "a"), "push-file-wrong"),
        ("good.json", ("--box", "a"), "box-unknown"),
        ("good.json", ("--group", "a"), "group-empty"),
        ("good.json", (), "push-without-box"),
    ):
        ended, out, err = await tillbox("fleet", "push", tmp_path / file, *names, *target)

        assert (ended, out) == (1, "")
        assert code in err
        assert "Traceback" not in err


async def test_a_group_is_kept_by_command(tmp_path):
    site, names = tmp_path / "cloud", ("--cloud", tmp_path / "cloud", "--tenant", "acme")
    await make_directory(site)
    for box in ("till-1", "till-2"):
        await tillbox("fleet", "enroll", *names, "--store", "north", "--box", box, "--out", tmp_path / box)

    await tillbox("fleet", "group", "pilot", *names, "--add", "till-1", "--add", "till-2")
    _, out, _ = await tillbox("fleet", "group", "pilot", *names, "--remove", "till-1", "--json")
    unknown, _, err = await tillbox("fleet", "group", "pilot", *names, "--add", "till-9")

    assert json.loads(out) == {"tenant": "acme", "group": "pilot", "boxes": ["till-2"]}
    assert unknown == 1
    assert "box-unknown" in err
