"""The serial scanner: frames, noise, repeats, and a cable that comes and goes."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.peripherals.connection import SerialSettings
from edge.peripherals.events import CodeRefused, CodeRepeated, CodeScanned
from edge.peripherals.scan_frames import MAX_CODE_BYTES, PREFIXES, SUFFIXES, ScanReader, ScanRules
from edge.peripherals.scanner import Scanner, ScannerSettings
from protocol.errors import ConfigError
from simulators.scanner import ScannerSim, ScannerSimSettings
from tests.device_events import Told, clock, living

if TYPE_CHECKING:
    from pathlib import Path

CODE = "4006381333931"
OTHER = "5000112637922"


def read(chunks: list[bytes], **rules: object) -> list[object]:
    reader = ScanReader(ScanRules(**rules))  # type: ignore[arg-type]
    return [event for at_ms, chunk in enumerate(chunks) for event in reader.feed(chunk, at_ms)]


def texts(events: list[object]) -> list[str]:
    return [event.text for event in events if isinstance(event, CodeScanned)]


def faults(events: list[object]) -> list[str]:
    return [event.code for event in events if isinstance(event, CodeRefused)]


@pytest.mark.parametrize("suffix", [name for name in SUFFIXES if name != "none"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_frame_that_can_be_set_up_is_read(prefix: str, suffix: str) -> None:
    frame = PREFIXES[prefix] + CODE.encode() + SUFFIXES[suffix]

    events = read([frame], prefix=prefix, suffix=suffix)

    assert texts(events) == [CODE]
    assert faults(events) == []


@given(
    cuts=st.lists(st.integers(0, 60), max_size=8), suffix=st.sampled_from(["cr", "lf", "crlf", "tab", "etx"])
)
def test_splitting_and_merging_reads_changes_nothing(cuts: list[int], suffix: str) -> None:
    stream = b"".join(code.encode() + SUFFIXES[suffix] for code in (CODE, OTHER, "96385074"))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    events = read([stream[start:end] for start, end in pairwise(edges)], suffix=suffix)

    assert texts(events) == [CODE, OTHER, "96385074"]


@given(noise=st.binary(max_size=2000))
def test_no_bytes_break_the_reader_and_a_framed_code_is_found_after_them(noise: bytes) -> None:
    reader = ScanReader(ScanRules(prefix="stx", suffix="etx"))

    reader.feed(noise, 0)
    reader.idle(200)
    events = reader.feed(b"\x02" + CODE.encode() + b"\x03", 1000)

    assert texts(list(events)) == [CODE]
    assert not reader.pending


def test_a_code_without_suffix_ends_by_the_pause() -> None:
    reader = ScanReader(ScanRules(suffix="none"))

    reader.feed(CODE[:5].encode(), 0)
    reader.feed(CODE[5:].encode(), 10)
    events = reader.idle(160)

    assert texts(list(events)) == [CODE]


def test_a_code_that_lost_its_end_never_becomes_two_shorter_ones() -> None:
    reader = ScanReader(ScanRules())

    first = reader.feed(b"96385074", 0) + reader.idle(150)
    rest = reader.feed(b"1333931\r", 200)
    again = reader.feed(CODE.encode() + b"\r", 1500)

    assert faults(list(first)) == ["code-incomplete"]
    assert texts(list(rest)) == []
    assert texts(list(again)) == [CODE]


def test_a_double_scan_counts_once_and_is_told() -> None:
    reader = ScanReader(ScanRules(debounce_ms=700))
    frame = CODE.encode() + b"\r"

    kinds = [type(reader.feed(frame, at_ms)[0]) for at_ms in (0, 300, 900, 1700)]

    assert kinds == [CodeScanned, CodeRepeated, CodeRepeated, CodeScanned]


def test_two_items_in_view_count_once_each() -> None:
    events = read([f"{CODE}\r{OTHER}\r".encode(), f"{CODE}\r".encode(), f"{OTHER}\r".encode()])

    assert texts(events) == [CODE, OTHER]
    assert sum(isinstance(event, CodeRepeated) for event in events) == 2


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"\x1b[18~", "code-has-control-bytes"),  # a keyboard's F7
        (b"40063813\x0033931", "code-has-control-bytes"),
        (b"\xff" * 13, "code-not-text"),
        ("收".encode(), "code-not-text"),
        (b"9" * (MAX_CODE_BYTES + 1), "code-overlong"),
        (b"TillBox:maintenance", "code-is-administrative"),
    ],
)
def test_what_is_no_code_is_named(body: bytes, fault: str) -> None:
    assert faults(read([body + b"\r"])) == [fault]


@pytest.mark.parametrize("prefix", ["tillbox:", "setup-"])
def test_a_code_that_would_command_is_refused_and_the_next_code_is_read(prefix: str) -> None:
    chunks = [f"{prefix}MODE\r".encode(), f"{CODE}\r".encode()]

    events = read(chunks, admin_prefixes=("tillbox:", "setup-"))

    assert faults(events) == ["code-is-administrative"]
    assert texts(events) == [CODE]


def test_a_gs1_element_string_keeps_its_separators() -> None:
    assert texts(read([b"]C10104006381333931\x1d10LOT\r"])) == ["]C10104006381333931\x1d10LOT"]


def test_a_storm_is_refused_with_a_count_and_in_bounded_memory() -> None:
    reader = ScanReader(ScanRules())

    events = [event for at_ms in range(2000) for event in reader.feed(b"\xff" * 4096 + b"\r", at_ms)]

    assert len(events) == 8
    assert "more before" in str(events[-1])
    assert len(reader._buffer) == 0


def test_an_endless_code_takes_no_memory_and_the_next_one_is_read() -> None:
    reader = ScanReader(ScanRules())

    for _ in range(1000):
        assert reader.feed(b"7" * 4096, 0) == []
    events = reader.feed(b"\r" + CODE.encode() + b"\r", 1)

    assert faults(list(events)) == ["code-overlong"]
    assert texts(list(events)) == [CODE]


def test_a_frame_that_no_scanner_has_is_a_configuration_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        ScanRules(suffix="semicolon")

    assert caught.value.code == "scanner-frame-unknown"


def test_a_wallet_code_is_not_in_the_text_of_an_event() -> None:
    event = read([b"281234567890123456\r"])[0]

    assert "2812" not in repr(event)


async def test_a_scan_over_a_real_line_is_one_code(tmp_path: Path) -> None:
    sim, told, scanner = shop(tmp_path)

    async with living(scanner):
        await told.state("ready")
        await sim.scan(CODE)
        event = await told.first(CodeScanned)

    assert event.text == CODE


async def test_a_pulled_cable_is_told_and_the_scanner_works_again_when_it_is_back(tmp_path: Path) -> None:
    sim, told, scanner = shop(tmp_path)

    async with living(scanner):
        await told.state("ready")
        sim.unplug()
        await told.state("absent")
        sim.plug()
        await told.state("ready", after=told.states().index("absent"))
        await sim.scan(OTHER)
        event = await told.first(CodeScanned)

    assert event.text == OTHER


async def test_a_code_split_by_a_slow_line_is_one_code_and_a_stuck_one_is_refused(tmp_path: Path) -> None:
    sim, told, scanner = shop(tmp_path, ScanRules(idle_gap_ms=1_000))  # a loaded machine may stand still

    async with living(scanner):
        await told.state("ready")
        await sim.send_pieces([b"40063", b"81333", b"931\r"], pause_s=0.02)
        scanned = await told.first(CodeScanned)
        await sim.send_pieces([b"40063"])
        refused = await told.first(CodeRefused)

    assert scanned.text == CODE
    assert refused.code == "code-incomplete"


async def test_noise_degrades_the_scanner_and_a_good_code_heals_it(tmp_path: Path) -> None:
    sim, told, scanner = shop(tmp_path)

    async with living(scanner):
        await told.state("ready")
        storm = asyncio.create_task(sim.send_pieces([b"\xff\xfe\xff\r"] * 1000, pause_s=0.02))
        await told.state("degraded")
        storm.cancel()
        while not told.of(CodeScanned):  # as a shopper does: scan until it beeps
            seen = len(told.events)
            await sim.scan(CODE)
            await told.until(partial(told.has_more_than, seen))
        await told.state("ready", after=told.states().index("degraded"))

    assert told.states()[-1] == "ready"


def shop(tmp_path: Path, rules: ScanRules | None = None) -> tuple[ScannerSim, Told, Scanner]:
    sim = ScannerSim(ScannerSimSettings(path=f"{tmp_path}/scanner"))
    sim.plug()
    told = Told()
    settings = ScannerSettings(SerialSettings(f"{tmp_path}/scanner"), rules or ScanRules())
    return sim, told, Scanner(settings, told, clock)
