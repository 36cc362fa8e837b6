"""Enrolment by command, in one data directory."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from edge.config import read_box
from protocol.errors import TillboxError
from simulators.commandline import tillbox


class TestCommands:
    """As an operator types it."""

    @pytest.fixture
    def run(self, tmp_path):
        def run(*args):
            result = CliRunner().invoke(tillbox, [str(arg) for arg in args])
            if isinstance(result.exception, TillboxError):
                return result.exit_code, result.exception.code
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            return result.exit_code, json.loads(result.stdout)

        run("cloud", "--data", tmp_path / "cloud", "--init", "--port", 18_883, "--json")
        self.names = ("--cloud", tmp_path / "cloud", "--tenant", "acme", "--box", "till-1")
        return run

    def enroll(self, run, tmp_path, *more):
        return run(
            "fleet", "enroll", *self.names, "--store", "north", "--out", tmp_path / "b", "--json", *more
        )

    def test_a_box_is_enrolled_listed_shown_and_revoked(self, run, tmp_path):
        code, made = self.enroll(run, tmp_path, "--devices", '{"scanner": {"port": "/dev/ttyS0"}}')
        _, listed = run("fleet", "list", *self.names[:2], "--json")
        _, shown = run("fleet", "show", *self.names, "--json")
        run("fleet", "revoke", *self.names, "--json")
        _, after = run("fleet", "show", *self.names, "--json")

        assert code == 0
        assert made["box_number"] == 1
        assert [row["box"] for row in listed] == ["till-1"]
        assert shown["status"] == "serving"
        assert after["status"] == "revoked"
        box = read_box(tmp_path / "b")
        assert (box.broker.port, box.broker.server_name) == (18_883, "localhost")
        assert "key" not in json.dumps(shown)

    def test_the_key_that_cards_are_sealed_to_is_the_card_zones(self, run, tmp_path):
        self.enroll(run, tmp_path)

        box = read_box(tmp_path / "b")

        scalar = (tmp_path / "cloud" / "cardzone" / "keys" / "card-zone.key").read_text().strip()
        assert len(box.card_zone_key) == 130
        assert scalar not in (tmp_path / "b" / "box.json").read_text()

    @pytest.mark.parametrize(
        ("devices", "code"), [("{", "devices-wrong"), ("[]", "devices-wrong"), ("@/nowhere", "devices-wrong")]
    )
    def test_wrong_devices_are_named(self, run, tmp_path, devices, code):
        assert self.enroll(run, tmp_path, "--devices", devices) == (1, code)

    @pytest.mark.parametrize(
        "url", ["mqtt://a:1883", "http://a", "mqtts://", "mqtts://u@a", "mqtts://a:99999"]
    )
    def test_a_broker_that_speaks_in_clear_is_refused(self, run, tmp_path, url):
        assert self.enroll(run, tmp_path, "--broker", url) == (1, "broker-url-wrong")

    def test_a_name_in_service_needs_replace(self, run, tmp_path):
        self.enroll(run, tmp_path)
        again = ("--out", tmp_path / "c")

        refused = self.enroll(run, tmp_path, *again)
        code, made = self.enroll(run, tmp_path, *again, "--replace")

        assert refused == (1, "box-in-service")
        assert (code, made["box_number"]) == (0, 2)

    def test_an_unknown_box_is_named(self, run, tmp_path):
        self.enroll(run, tmp_path)

        assert run("fleet", "show", *self.names[:4], "--box", "till-9") == (1, "box-unknown")

    def test_a_tenant_or_store_that_nobody_knows_is_named_and_not_told_as_empty(self, run, tmp_path):
        self.enroll(run, tmp_path)
        place, tenant = self.names[:2], self.names[2:4]

        assert run("fleet", "list", *place, "--tenant", "nosuch") == (1, "tenant-unknown")
        assert run("fleet", "list", *place, *tenant, "--store", "south") == (1, "store-unknown")
        assert run("fleet", "list", *place, "--store", "south") == (1, "store-unknown")
        assert run("fleet", "configuration", *place, "--tenant", "nosuch") == (1, "tenant-unknown")
        assert [row["box"] for row in run("fleet", "list", *place, *tenant, "--json")[1]] == ["till-1"]

    @pytest.mark.parametrize(
        ("name", "change", "code"),
        [
            ("all", "--add", "group-reserved"),
            ("all", "--remove", "group-reserved"),
            ("north", "--add", "group-reserved"),
            ("pilot", "--add", "box-unknown"),
            ("pilot", "--remove", "box-unknown"),
        ],
    )
    def test_a_group_that_means_boxes_already_gets_no_members(self, run, tmp_path, name, change, code):
        self.enroll(run, tmp_path)
        box = "till-9" if code == "box-unknown" else "till-1"

        assert run("fleet", "group", name, *self.names[:4], change, box) == (1, code)

    def test_a_group_shows_the_boxes_that_a_push_to_it_reaches(self, run, tmp_path):
        self.enroll(run, tmp_path)

        shown = [
            run("fleet", "group", name, *self.names[:4], "--json")[1]["boxes"]
            for name in ("all", "north", "x")
        ]

        assert shown == [["till-1"], ["till-1"], []]

    def test_looking_before_there_is_a_database_makes_none(self, run, tmp_path):
        assert run("fleet", "show", *self.names, "--json") == (1, "database-missing")
        assert not (tmp_path / "cloud" / "cloud.db").exists()
