"""All devices of one box, worked by hand over one control socket."""

from __future__ import annotations

import asyncio

import pytest

from protocol.errors import PeerError
from simulators.device_control import tell
from simulators.remote_station import RemoteStation
from simulators.station import Station


@pytest.fixture
async def station(tmp_path):
    station = Station(tmp_path / "box-1")
    await station.start()
    yield station
    await station.stop()


async def test_hand_reaches_every_device_by_its_name(station):
    weighed = await tell(station.control, {"do": "scale.put", "weight_g": 480})
    scanned = await tell(station.control, {"do": "scanner.scan", "text": "4006381333931"})
    carded = await tell(station.control, {"do": "reader.present", "card": "visa"})

    assert [answer["ok"] for answer in (weighed, scanned, carded)] == [True, True, True]


async def test_wrong_action_is_answered_with_the_right_names(station):
    answer = await tell(station.control, {"do": "scale.fly"})

    assert not answer["ok"]
    assert "scale.put" in answer["error"]


async def test_nobody_listening_is_said_by_name(tmp_path):
    with pytest.raises(PeerError) as missing:
        await tell(str(tmp_path / "nobody.sock"), {"do": "scale.put"})

    assert missing.value.code == "device-not-there"


async def test_bindings_name_a_place_for_every_device(station):
    assert sorted(station.bindings) == ["pole", "printer", "reader", "scale", "scanner"]
    assert station.bindings["printer"]["port"] > 0


async def test_shopper_elsewhere_works_the_same_devices_over_the_socket(station):
    hands = RemoteStation(station.control)

    hands.scale.put(480)
    await hands.scanner.scan("4006381333931")
    await hands.reader.present("visa")
    await hands.rest()

    async with asyncio.timeout(5):
        while b"480" not in station.scale.answer().replace(b".", b""):  # noqa: ASYNC110 - the pan settles by the clock
            await asyncio.sleep(0.01)
    with pytest.raises(PeerError) as refused:
        await hands.reader.present("no-such-card")
    assert refused.value.code == "device-refused"
