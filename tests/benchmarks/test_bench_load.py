"""The bench under load: a backlog beside payments. No test here looks at a clock's verdict."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from edge.config import read_box
from edge.main import Options, open_journal
from protocol.catalogue import build
from protocol.pricing.tax import read_tax_table
from simulators.bench import acknowledged, backlog, backlog_journal, connected, replay
from simulators.demo.estate import taxes
from tests.builders import ITEMS
from tests.edge.doctor_ward import Ward

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for the sockets below it; tmp_path is too long for them."""
    with TemporaryDirectory(prefix="tillbox-") as short:
        yield Path(short)


@pytest.mark.slow
async def test_a_backlog_is_booked_while_both_boxes_take_cards(monkeypatch, short_path):
    monkeypatch.setattr(backlog, "SALES", 300)
    monkeypatch.setattr(backlog, "QUIET_SALES", 3)
    monkeypatch.setattr(replay, "FLOOR_LINES", 800)

    rows = {row.name: row.as_json() for row in await backlog.measure(short_path)}

    assert list(rows) == [
        "backlog-records",
        "backlog-live-p50",
        "backlog-live-p99",
        "backlog-live-same-box-p99",
        "backlog-live-other-box-p99",
        "backlog-live-payments",
    ]
    assert (rows["backlog-records"]["bar"], rows["backlog-live-p99"]["bar"]) == (1_500, 100)
    assert rows["backlog-records"]["floor"] > rows["backlog-records"]["value"] > 0
    assert rows["backlog-live-payments"]["value"] >= 2


def test_a_filled_journal_is_one_that_the_box_itself_continues(tmp_path):
    ward = Ward(tmp_path, 1_795_348_800_000)
    ward.provision()
    config, options = read_box(ward.directory), Options(ward.directory)

    written = backlog_journal.fill(
        config, options, build(ITEMS, "GBP"), read_tax_table(json.loads(json.dumps(taxes()))), 12
    )
    journal = open_journal(config, options, "00000002")

    assert written == 12 * 9
    assert journal.opened_because == ""
    assert journal.synced_through == written + 1
    journal.close()


@pytest.mark.slow
async def test_boxes_are_connected_heard_and_answered_and_broker_and_consumer_are_weighed(
    monkeypatch, short_path
):
    monkeypatch.setattr(connected, "BOXES", 6)
    monkeypatch.setattr(connected, "STEADY_S", 7)

    rows = {row.name: row.as_json() for row in await connected.measure(short_path)}

    assert rows["connected-boxes"]["value"] == 6
    assert rows["connected-refused"]["met"]
    assert rows["connected-heartbeat-p99"]["value"] > 0
    assert rows["connected-memory"]["bar"] == 200
    assert rows["connected-memory"]["value"] > rows["connected-broker"]["value"]
    assert rows["connected-memory"]["floor"] > 0


@pytest.mark.slow
async def test_acknowledged_records_are_counted_and_none_of_ours_is_lost(monkeypatch, mosquitto, short_path):
    assert mosquitto
    for name, value in {"ROUNDS": 2, "RECORDS_A_ROUND": 40, "KILLS": 2, "SALES": 400}.items():
        monkeypatch.setattr(acknowledged, name, value)

    rows = {row.name: row.as_json() for row in await acknowledged.measure(short_path)}

    assert list(rows) == [
        "acknowledged-by-puback-of-nats",
        "acknowledged-by-our-receipts-behind-nats",
        "acknowledged-by-puback-of-mosquitto",
        "acknowledged-by-our-receipts-behind-mosquitto",
    ]
    assert all(row["floor"] > 0 for row in rows.values())
    for kind in ("nats", "mosquitto"):
        ours = rows[f"acknowledged-by-our-receipts-behind-{kind}"]
        assert (ours["value"], ours["bar"]) == (0, 0)
        assert ours["floor"] >= 400 * 9
    assert rows["acknowledged-by-puback-of-mosquitto"]["value"] > 0
