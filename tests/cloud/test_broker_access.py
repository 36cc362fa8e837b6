"""The access that is generated from enrolment, and the choice of the broker's program."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.broker.access import Admitted, box_grant, cloud_grant, mosquitto_acl, nats_users
from cloud.broker.supervisor import find_broker
from cloud.child import Child
from cloud.config import read_config
from protocol.errors import ConfigError
from tests.brokers import eventually

GRANTS = [cloud_grant("cloud"), box_grant(Admitted("acme_1_aa", "3e", "acme", "north", "till-1"))]
ROOT = Path(__file__).resolve().parents[2]


def test_mosquitto_lets_a_box_write_its_own_up_and_read_its_own_down():
    assert mosquitto_acl(GRANTS) == (
        "user cloud\ntopic write tb1/+/+/+/+/down/#\ntopic read tb1/+/+/+/+/up/#\n\n"
        "user acme_1_aa\ntopic write tb1/3e/acme/north/till-1/up/#\ntopic read tb1/3e/acme/north/till-1/down/#\n"
    )


def test_nats_names_the_certificate_and_shuts_its_own_protocol():
    users = nats_users(GRANTS)

    assert users.count('allowed_connection_types: ["MQTT"]') == 2
    assert 'user: "CN=acme_1_aa"' in users
    assert 'publish: { allow: ["tb1.3e.acme.north.till-1.up.>", "tb1.3e.acme.north.till-1.up"] }' in users
    assert 'subscribe: { allow: ["tb1.*.*.*.*.up.>", "tb1.*.*.*.*.up"] }' in users


def test_without_mosquitto_the_server_that_comes_with_us_is_taken():
    kind, program = find_broker("nats")

    assert kind == "nats"
    assert Path(program).name == "nats-server"


async def test_a_child_that_ends_is_started_again_after_a_while(tmp_path):
    child = Child(name="short", command=[sys.executable, "-c", "print('lived')"], log=tmp_path / "log")
    running = asyncio.create_task(child.run())

    await eventually(lambda: child.starts == 3, "the third start")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (tmp_path / "log").read_text().count("lived") >= 2


async def test_a_child_that_ignores_the_signal_is_killed_at_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.child.STOP_TIMEOUT_S", 0.3)
    code = "import signal,time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = Child(name="deaf", command=[sys.executable, "-c", code], log=tmp_path / "log")
    running = asyncio.create_task(child.run())
    await eventually(
        lambda: (tmp_path / "log").exists() and "deaf" in (tmp_path / "log").read_text(), "the start"
    )

    running.cancel()
    await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 10)

    assert child.pid is None


async def test_a_program_that_is_missing_is_tried_again_and_named(tmp_path, caplog):
    child = Child(name="missing", command=[str(tmp_path / "nothing")], log=tmp_path / "log")
    running = asyncio.create_task(child.run())

    await eventually(lambda: caplog.text.count("missing cannot be started") == 2, "two tries")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert child.starts == 0


async def test_a_child_that_ends_is_told_with_its_last_words_and_its_log(tmp_path, caplog):
    for name in ("wrong", "mute"):
        (tmp_path / f"{name}.log").write_text("words of an earlier run\n")
    codes = {
        "wrong": "print('a'); print('settings are wrong'); raise SystemExit(2)",
        "mute": "raise SystemExit(3)",
    }
    running = [
        asyncio.create_task(
            Child(name=name, command=[sys.executable, "-c", code], log=tmp_path / f"{name}.log").run()
        )
        for name, code in codes.items()
    ]

    await eventually(lambda: "mute ended" in caplog.text and "wrong ended" in caplog.text, "the end of both")
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)

    told = f"wrong ended with code 2; it said last: settings are wrong; see {tmp_path / 'wrong.log'}"
    assert told in caplog.text
    assert f"mute ended with code 3; it said last: nothing; see {tmp_path / 'mute.log'}" in caplog.text
    assert "earlier run" not in caplog.text


async def test_a_log_that_grew_is_cut_while_the_child_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.child.MAX_LOG_BYTES", 1000)
    monkeypatch.setattr("cloud.child.LOG_LOOK_S", 0.05)
    code = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.002)"
    child = Child(name="chatty", command=[sys.executable, "-c", code], log=tmp_path / "log")
    sizes = []
    running = asyncio.create_task(child.run())

    def was_cut():
        sizes.append((tmp_path / "log").stat().st_size if (tmp_path / "log").exists() else 0)
        return len(sizes) > 1 and sizes[-1] < max(sizes)

    await eventually(was_cut, "the cut")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert child.starts == 1


def test_a_guard_ends_its_command_when_its_parent_is_gone():
    code = "import os,time; print(os.getpid(), flush=True); time.sleep(60)"
    guard = subprocess.Popen(
        [sys.executable, "-m", "cloud.guard", sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert guard.stdout is not None
    pid = int(guard.stdout.readline())

    guard.communicate(timeout=10)

    assert guard.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is no JSON: "),
        ("{oops", "is no JSON: "),
        ("[]", "is no object"),
        ('{"v": 1}', "broker is missing"),
        (
            '{"v": 1, "broker": {"run": "emqx", "url": "mqtts://a", "server_name": "a"}}',
            "broker.run is none of",
        ),
        (
            '{"v": 1, "broker": {"run": "none", "url": "mqtt://a", "server_name": ""}}',
            "broker.url: The broker is not",
        ),
        (
            '{"v": 1, "acceptors": {"a b/c": {}, "a/b": {}, "a/c": {"merchant": "", "terminal": 1}}}',
            "is not TENANT/BOX",
        ),
        ('{"v": 1, "acceptors": {"a/b": {}}}', "a/b has not exactly merchant and terminal"),
        ('{"v": 1, "card_zone": {"run": 1}}', "card_zone has not exactly run"),
    ],
)
def test_a_wrong_configuration_names_its_faults(tmp_path, text, fault):
    (tmp_path / "cloud.json").write_text(text)

    with pytest.raises(ConfigError) as refusal:
        read_config(tmp_path / "cloud.json")

    assert refusal.value.code == "cloud-config-wrong"
    assert fault in refusal.value.what


def test_the_settings_file_that_is_missing_is_made_and_one_that_is_broken_is_corrected(tmp_path):
    (tmp_path / "cloud.json").write_text("{oops")
    (tmp_path / "directory").mkdir()

    with pytest.raises(ConfigError) as absent:
        read_config(tmp_path / "none.json")
    with pytest.raises(ConfigError) as broken:
        read_config(tmp_path / "cloud.json")
    with pytest.raises(ConfigError) as odd:
        read_config(tmp_path / "directory")

    assert "--init" in absent.value.action
    assert broken.value.action == "Correct the file"
    assert "directory cannot be read: Is a directory" in odd.value.what
