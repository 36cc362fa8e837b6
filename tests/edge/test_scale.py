"""The scale: asked when wanted, believed when it stands still, and never a wrong weight."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.peripherals.connection import SerialSettings
from edge.peripherals.events import DeviceStateChanged, WeightRead, WeightRefused
from edge.peripherals.scale import Scale, ScaleSettings
from edge.peripherals.scale_frames import ScaleAnswer, ScaleReader, read_answer, to_grams
from protocol.errors import ConfigError, PeerError
from simulators.scale import ScaleSim, ScaleSimSettings
from tests.device_events import Told, clock, living

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def read(body: bytes, unit: str = "kg", decimals: int = 3) -> ScaleAnswer:
    return read_answer(body, unit=unit, decimals=decimals, capacity_g=15_000)


@pytest.mark.parametrize(
    ("body", "state", "weight_g"),
    [
        (b"01.234", "stable", 1234),
        (b"00.000", "zero", 0),
        (b"15.000", "stable", 15_000),
        (b"15.001", "over", 0),
        (b"?\x41", "moving", 0),
        (b"?\x42", "over", 0),
        (b"?\x43", "over", 0),
        (b"?\x44", "under", 0),
        (b"?\x48", "under", 0),
        (b"?\x50", "zero", 0),
    ],
)
def test_each_answer_has_one_meaning(body: bytes, state: str, weight_g: int) -> None:
    answer = read(body)

    assert (answer.state, answer.weight_g) == (state, weight_g)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"-0.120", "scale-answer-malformed"),
        (b"01.23", "scale-unit-changed"),
        (b"01.234N", "scale-net-weight"),
        (b"?\x60", "scale-net-weight"),
        (b"?\x01", "scale-answer-malformed"),
        (b"1 234", "scale-answer-malformed"),
        (b"01.234LB", "scale-answer-malformed"),
        (b"", "scale-answer-malformed"),
        (b"\xb0\x31.234", "scale-parity"),
    ],
)
def test_what_is_no_weight_is_named(body: bytes, fault: str) -> None:
    with pytest.raises(PeerError) as caught:
        read(body)

    assert caught.value.code == fault


def test_even_parity_that_the_driver_left_in_is_taken_out() -> None:
    body = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in b"01.234")

    assert read(body).weight_g == 1234


@given(st.integers(0, 99_999))
def test_pounds_become_whole_grams_half_up(number: int) -> None:
    exact = Fraction(number, 1000) * Fraction(45_359_237, 100_000)

    assert to_grams(number, unit="lb", decimals=3) == int(exact + Fraction(1, 2))


@given(st.binary(max_size=300))
def test_noise_never_breaks_the_reader_and_the_next_answer_is_found(noise: bytes) -> None:
    reader = ScaleReader()

    reader.feed(noise)
    bodies = reader.feed(b"\x0201.234\r")

    assert bodies[-1] == b"01.234"


@pytest.mark.parametrize("change", [{"unit": "stone"}, {"decimals": 1}])
def test_a_scale_that_does_not_exist_is_a_configuration_fault(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ScaleSettings(**change)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def shop(
    tmp_path: Path, unit: str = "kg", decimals: int = 3, settle_ms: int = 150
) -> AsyncIterator[tuple[ScaleSim, Scale, Told]]:
    path = f"{tmp_path}/scale"
    sim = ScaleSim(ScaleSimSettings(path, unit=unit, decimals=decimals, settle_ms=settle_ms))
    sim.plug()
    told = Told()
    link = SerialSettings(path, data_bits=7, parity="E")
    settings = ScaleSettings(link, unit=unit, decimals=decimals, answer_s=0.2, poll_interval_s=0.02)
    scale = Scale(settings, told, clock)
    try:
        async with living(scale):
            await told.state("ready")
            yield sim, scale, told
    finally:
        await sim.stop()


async def test_a_weight_counts_only_while_it_stands_still(tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.put(1234)
        scale.watch(is_wanted=True)
        await told.first(WeightRead, lambda event: event.state == "stable")
        sim.shake(200)
        await told.until(lambda: [event.state for event in told.of(WeightRead)].count("stable") == 2)

        readings = [(event.state, event.weight_g) for event in told.of(WeightRead)]
        assert readings == [("moving", 0), ("stable", 1234), ("moving", 0), ("stable", 1234)]


async def test_the_scale_is_left_alone_until_a_weight_is_wanted(tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.put(500)
        before = sim.questions

        scale.watch(is_wanted=True)
        await told.first(WeightRead, lambda event: event.weight_g == 500)

        assert before == 0
        assert sim.questions > 0


async def test_a_scale_in_pounds_gives_grams(tmp_path: Path) -> None:
    async with shop(tmp_path, unit="lb", decimals=2) as (sim, scale, told):
        sim.put(1000)
        scale.watch(is_wanted=True)

        event = await told.first(WeightRead, lambda event: event.state == "stable")

        assert event.weight_g == 998  # 2.20 lb


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("negative", "scale-answer-malformed"),
        ("net", "scale-net-weight"),
        ("parity", "scale-parity"),
    ],
)
async def test_a_wrong_answer_clears_the_weight_and_degrades_the_scale(
    fault: str, code: str, tmp_path: Path
) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.put(1234)
        scale.watch(is_wanted=True)
        await told.first(WeightRead, lambda event: event.state == "stable")

        sim.fail(fault)
        refused = await told.first(WeightRefused)
        await told.first(DeviceStateChanged, lambda event: event.reason == code)
        sim.fail("none")
        await told.until(lambda: told.of(WeightRead)[-1].state == "stable" and scale.state.name == "ready")

        assert refused.code == code
        assert ("unknown", 0) in [(event.state, event.weight_g) for event in told.of(WeightRead)]


@pytest.mark.parametrize("fault", ["silent", "garbage", "overlong"])
async def test_a_scale_that_says_nothing_useful_is_degraded_then_reopened(fault: str, tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        scale.watch(is_wanted=True)
        sim.fail(fault)

        await told.first(DeviceStateChanged, lambda event: event.reason == "scale-silent")
        await told.state("opening", after=told.states().index("degraded"))
        sim.put(700)
        sim.fail("none")
        event = await told.first(WeightRead, lambda event: event.weight_g == 700)

        assert event.state == "stable"


async def test_noise_around_an_answer_does_not_hide_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.fail("chatter")
        sim.put(800)
        scale.watch(is_wanted=True)

        event = await told.first(WeightRead, lambda event: event.state == "stable")

        assert event.weight_g == 800


async def test_a_pulled_cable_takes_the_weight_away(tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.put(1234)
        scale.watch(is_wanted=True)
        await told.first(WeightRead, lambda event: event.state == "stable")

        sim.unplug()
        await told.state("absent")

        assert told.of(WeightRead)[-1].state == "unknown"
        sim.plug()
        await told.until(lambda: told.of(WeightRead)[-1].state == "stable")


async def test_a_scale_that_lost_its_zero_says_what_to_do_and_is_mended_by_zeroing(tmp_path: Path) -> None:
    async with shop(tmp_path) as (sim, scale, told):
        sim.is_outside_zero = True
        scale.watch(is_wanted=True)
        await told.first(DeviceStateChanged, lambda event: event.reason == "scale-needs-zero")

        scale.zero()
        event = await told.first(WeightRead, lambda event: event.state == "zero")

        assert event.weight_g == 0
        assert scale.state.name == "ready"
