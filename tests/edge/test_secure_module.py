"""The secure module as a real process: what comes out of it, what never does, and what it survives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest

from cloud.cardzone.card_blob import Binding
from edge.events import CardPresented, CardRemoved, DeviceChanged
from protocol.errors import DeviceError
from protocol.packets import PacketReader, encode_packet
from simulators.cards import BY_NAME, CARDS
from tests.edge.secure_running import ROOT, WAIT_S, secure_stage

READABLE = [card for card in CARDS if card.behaviour in {"stays", "noisy"}]


@pytest.mark.parametrize(
    "name", ["visa", "visa-contactless", "stripe-only", "unionpay-nineteen", "noisy-line"]
)
async def test_a_presented_card_is_told_masked_and_sealed_for_the_zone_alone(tmp_path, name):
    card = BY_NAME[name]
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present(card)

        (presented,) = await stage.seen(CardPresented)
        digest, masked, brand = await stage.client.seal(77, 1250, "EUR")
        blob = b64decode(await stage.client.stored(77))

        opened = stage.zone.open_card(Binding("acme", "box-1", "77", 1250, "EUR"), blob)
        assert (presented.masked, presented.brand, presented.entry) == (card.masked, card.brand, card.entry)
        assert (masked, brand) == (card.masked, card.brand)
        assert len(masked) == len(card.pan)
        assert digest == sha256(blob).hexdigest()
        assert (opened.pan, opened.track2, opened.emv) == (card.pan, card.track2, card.emv)


async def test_sealing_again_for_the_same_attempt_gives_the_same_blob_and_for_another_amount_nothing(
    tmp_path,
):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)
        first = await stage.client.seal(77, 1250, "EUR")

        again = await stage.client.seal(77, 1250, "EUR")
        with pytest.raises(DeviceError, match="not-possible"):
            await stage.client.seal(77, 1251, "EUR")

        assert again == first


async def test_a_card_that_left_before_the_seal_is_gone(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("removed-early")
        await stage.seen(CardRemoved)

        with pytest.raises(DeviceError, match="card-missing"):
            await stage.client.seal(77, 1250, "EUR")

        assert not list((tmp_path / "cards").iterdir())


async def test_a_card_that_leaves_after_the_seal_is_told_and_the_blob_stays(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)
        await stage.client.seal(77, 1250, "EUR")
        await stage.reader.remove()
        await stage.seen(CardRemoved)

        assert await stage.client.kept() == [77]


async def test_a_card_nobody_asked_for_is_not_read_and_is_read_once_it_is_wanted(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.reader.present("visa")
        with pytest.raises(DeviceError, match="card-missing"):
            await stage.client.seal(77, 1250, "EUR")

        await stage.client.arm(1250, "EUR")
        (presented,) = await stage.seen(CardPresented)

        assert presented.brand == "visa"


async def test_disarming_forgets_the_card(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)

        await stage.client.disarm()

        with pytest.raises(DeviceError, match="card-missing"):
            await stage.client.seal(77, 1250, "EUR")


async def test_a_card_that_cannot_be_read_ends_in_a_seal_that_cannot_be_made(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("bad-read")

        (presented,) = await stage.seen(CardPresented)

        assert (presented.masked, presented.brand) == ("", "")
        with pytest.raises(DeviceError, match="card-missing"):
            await stage.client.seal(77, 1250, "EUR")


async def test_half_a_frame_and_noise_do_not_hide_the_next_card(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("half-read")
        await stage.reader.noise(3)
        await stage.reader_was("degraded", "line-noise")
        await stage.reader_is("ready")
        await stage.reader.present("mastercard")

        (presented,) = await stage.seen(CardPresented)

        assert presented.brand == "mastercard"


async def test_pulling_the_reader_out_is_an_event_and_it_is_armed_again_when_it_is_back(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)

        stage.reader.unplug()
        await stage.seen(CardRemoved)
        await stage.reader_is("absent", "device-absent")
        stage.reader.plug()
        await stage.reader_is("ready")
        await stage.reader.present("mastercard")

        found = await stage.seen(CardPresented, 2)
        assert found[1].brand == "mastercard"


async def test_a_reader_that_hangs_is_failed_until_it_answers(tmp_path):
    async with secure_stage(tmp_path) as stage:
        stage.reader.is_silent = True
        await stage.reader_is("failed", "no-answer")

        stage.reader.is_silent = False
        await stage.reader_is("ready")

        assert isinstance(stage.events[-1], DeviceChanged)


async def test_a_killed_module_comes_back_with_its_sealed_cards_and_without_the_card_in_memory(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)
        await stage.client.seal(77, 1250, "EUR")
        blob = await stage.client.stored(77)

        os.kill(stage.client.pid, signal.SIGKILL)
        await stage.reader_is("failed", "secure-module-lost")
        await stage.reader_is("ready")

        assert await stage.client.kept() == [77]
        assert await stage.client.stored(77) == blob
        with pytest.raises(DeviceError, match="card-missing"):
            await stage.client.seal(78, 1250, "EUR")


async def test_calls_while_the_module_is_away_fail_by_name(tmp_path):
    async with secure_stage(tmp_path) as stage:
        os.kill(stage.client.pid, signal.SIGSTOP)
        waiting = asyncio.create_task(stage.client.kept())
        await asyncio.wait([waiting], timeout=0.05)
        os.kill(stage.client.pid, signal.SIGKILL)

        with pytest.raises(DeviceError, match="secure-module-lost"):
            await waiting


async def test_a_forgotten_blob_is_gone_for_good_and_forgetting_may_be_repeated(tmp_path):
    async with secure_stage(tmp_path) as stage:
        await stage.client.arm(1250, "EUR")
        await stage.reader.present("visa")
        await stage.seen(CardPresented)
        await stage.client.seal(77, 1250, "EUR")
        (path,) = (tmp_path / "cards").iterdir()
        mode = stat.S_IMODE(path.stat().st_mode)

        for _ in range(2):
            await stage.client.forget(77)

        assert mode == 0o600
        assert not list((tmp_path / "cards").iterdir())
        with pytest.raises(DeviceError, match="card-blob-gone"):
            await stage.client.stored(77)


async def test_the_process_leaves_no_core_and_cannot_be_traced(tmp_path):
    async with secure_stage(tmp_path) as stage:
        core, owner = core_limit_and_owner(stage.client.pid)

        assert core == ["0", "0"]
        assert owner == 0, "a process that is not dumpable belongs to root in /proc"


def core_limit_and_owner(pid: int) -> tuple[list[str], int]:
    """The soft and hard bound of core files, and who owns the process's memory file."""
    limits = Path(f"/proc/{pid}/limits")
    if not limits.exists():
        pytest.skip("needs /proc")
    line = next(line for line in limits.read_text().splitlines() if line.startswith("Max core file size"))
    return line.split()[4:6], Path(f"/proc/{pid}/mem").stat().st_uid


# What an agent must not say, and that the answer never tells more than this.
BAD_PACKETS = [
    {"do": "seal", "attempt": "77", "amount_minor": 0, "currency": "EUR", "tenant": "acme", "box": "b"},
    {"do": "seal", "attempt": "../../x", "amount_minor": 1, "currency": "EUR", "tenant": "acme", "box": "b"},
    {"do": "seal", "attempt": "77", "amount_minor": 1, "currency": "eur", "tenant": "acme", "box": "b"},
    {"do": "seal", "attempt": "77", "amount_minor": 1, "currency": "EUR", "tenant": "a\u0000b", "box": "b"},
    {"do": "arm", "amount_minor": "12", "currency": "EUR"},
    {"do": "stored", "attempt": 77},
    {"do": "forget", "attempt": "/etc/passwd"},
    {"do": "read_card"},
    {},
]


async def test_whatever_the_agent_asks_wrongly_gets_the_same_refusal(tmp_path):
    async with secure_stage(tmp_path) as stage:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220 - started once, talked to over the socket
                [
                    sys.executable,
                    "-m",
                    "edge.secure.main",
                    "--config",
                    str(stage.config),
                    "--fd",
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        packets = PacketReader()

        writer.writelines(encode_packet(packet) for packet in BAD_PACKETS)
        answers: list[dict[str, object]] = []
        async with asyncio.timeout(WAIT_S):
            while len(answers) < len(BAD_PACKETS):
                said = packets.feed(await reader.read(4096))
                answers += [one for one in said if isinstance(one, dict) and "event" not in one]
        writer.close()
        await asyncio.to_thread(process.wait)

        assert {(answer["did"], answer["reason"]) for answer in answers} == {("refused", "not-possible")}
        assert process.returncode == 0


def test_wrong_settings_are_all_named(tmp_path):
    config = tmp_path / "secure.json"
    config.write_text('{"v": 2, "reader": "", "store": "x", "baud": 7, "extra": 1}')

    ended = subprocess.run(
        [sys.executable, "-m", "edge.secure.main", "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=WAIT_S,
    )  # fmt: skip

    assert ended.returncode == 2
    for name in ("v is not 1", "reader", "card_zone_key", "baud", "extra"):
        assert name in ended.stderr


def test_every_readable_card_of_the_wallet_has_a_brand_of_its_scheme():
    assert {card.brand for card in READABLE} >= {"visa", "mastercard", "amex", "unionpay", "jcb", "discover"}
