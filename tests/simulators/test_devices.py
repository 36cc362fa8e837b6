"""Every simulated device runs alone, on its own transport, and obeys a control line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.peripherals.connection import SerialSettings
from edge.peripherals.events import CodeScanned
from edge.peripherals.scanner import Scanner, ScannerSettings
from protocol.errors import CallerError, ConfigError
from simulators.device_control import perform, serve_control
from simulators.display import DisplaySim, DisplaySimSettings, run_display
from simulators.drawer import DrawerSim
from simulators.printer.station import PrinterSim, PrinterSimSettings, run_printer
from simulators.scale import ScaleSim, ScaleSimSettings, run_scale
from simulators.scanner import ScannerSim, ScannerSimSettings, run_scanner
from simulators.serial_line import SerialLine
from tests.device_events import PATIENCE_S, Told, clock, living

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine


@contextlib.asynccontextmanager
async def running(device: Coroutine[Any, Any, None], control: str) -> AsyncIterator[None]:
    """A simulator that runs until the block ends; its control socket is there when the block begins."""
    task = asyncio.create_task(device)
    async with asyncio.timeout(PATIENCE_S):
        while not Path(control).exists():  # noqa: ASYNC110, ASYNC240  (a bounded poll for a file)
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told_by(control: str, **command: object) -> Any:
    reader, writer = await asyncio.open_unix_connection(control, limit=1 << 20)
    writer.write(json.dumps(command).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    return answer


async def test_a_scanner_runs_alone_and_scans_on_command(tmp_path: Path) -> None:
    control, path = f"{tmp_path}/control", f"{tmp_path}/scanner"
    told = Told()
    scanner = Scanner(ScannerSettings(SerialSettings(path)), told, clock)

    async with running(run_scanner(ScannerSimSettings(path, control=control)), control), living(scanner):
        await told.state("ready")
        answer = await told_by(control, do="scan", texts="wrong") or {}
        done = await told_by(control, do="burst", texts=["4006381333931"])
        event = await told.first(CodeScanned)

    assert answer["ok"] is False
    assert done == {"ok": True, "result": None}
    assert event.text == "4006381333931"
    assert not Path(path).exists()  # noqa: ASYNC240  (after the loop's work is done)


async def test_a_printer_runs_alone_and_shows_its_paper(tmp_path: Path) -> None:
    control = f"{tmp_path}/control"
    ports: list[int] = []

    async with running(run_printer(PrinterSimSettings(port=0, control=control), ports.append), control):
        _, writer = await asyncio.open_connection("127.0.0.1", ports[0])
        writer.write(b"Tea 2.50\n\x1dV\x00\x10\x04\x01")
        async with asyncio.timeout(PATIENCE_S):
            while (shown := await told_by(control, do="text"))["result"] != [  # noqa: ASYNC110  (a bounded poll over the socket)
                "Tea 2.50",
                "[cut]",
            ]:
                await asyncio.sleep(0.01)
        saved = await told_by(control, do="save_picture", path=f"{tmp_path}/receipt.png")
        status = await told_by(control, do="status")
        writer.close()

    assert shown["ok"]
    assert saved["ok"]
    assert (tmp_path / "receipt.png").read_bytes().startswith(b"\x89PNG")
    assert status["result"]["offline"] is False


async def test_scale_and_display_run_alone(tmp_path: Path) -> None:
    scale, display = f"{tmp_path}/scale.control", f"{tmp_path}/display.control"

    async with (
        running(run_scale(ScaleSimSettings(f"{tmp_path}/scale", control=scale)), scale),
        running(run_display(DisplaySimSettings(f"{tmp_path}/display", control=display)), display),
    ):
        put = await told_by(scale, do="put", weight_g=500)
        lines = await told_by(display, do="lines")

    assert put["ok"]
    assert lines["result"] == ["", ""]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"not json", "json-"),
        (b"[" * 5_000, "json-"),
        (b"[]", "command-malformed"),
        (b'{"do": 7}', "command-malformed"),
        (b'{"do": "fly"}', "command-unknown"),
        (b'{"do": "add", "c": 1}', "command-arguments-wrong: add takes a, b."),
        (b'{"do": "put"}', "command-arguments-wrong: put takes weight_g (whole number)."),
        (b'{"do": "put", "weight_g": "abc"}', "command-arguments-wrong: put takes"),
        (b'{"do": "put", "weight_g": true}', "command-arguments-wrong: put takes"),
        (b'{"do": "put", "weight_g": null}', "command-arguments-wrong: put takes"),
        (b'{"do": "set", "rows_left": "many"}', "set takes values (true or false or whole number)."),
        (b'{"do": "burst", "texts": "one"}', "burst takes texts (list of texts)."),
        (b'{"do": "raw", "data": "zz"}', "command-value-wrong: raw cannot"),
        (b'{"do": "plug", "now": 1}', "command-arguments-wrong: plug takes nothing more."),
    ],
)
async def test_a_wrong_command_is_an_answer(line: bytes, fault: str) -> None:
    scanner = ScannerSim(ScannerSimSettings("scanner")).actions()
    printer = PrinterSim(PrinterSimSettings()).actions()
    put = ScaleSim(ScaleSimSettings("scale")).actions()["put"]

    answer = await perform(line, {**scanner, **printer, "put": put, "add": lambda a, b: a + b})

    assert answer["ok"] is False
    assert fault in answer["error"]


async def test_a_command_gives_its_result() -> None:
    assert await perform(b'{"do": "add", "a": 1, "b": 2}', {"add": lambda a, b: a + b}) == {
        "ok": True,
        "result": 3,
    }


@pytest.mark.parametrize("text", ['"4011"', "4011"])
async def test_a_short_code_is_scanned_whether_a_shell_made_it_a_number_or_not(
    tmp_path: Path, text: str
) -> None:
    scanner = ScannerSim(ScannerSimSettings(str(tmp_path / "scanner")))
    scanner.plug()

    answer = await perform(b'{"do": "scan", "text": %s}' % text.encode(), scanner.actions())
    with scanner.line.path.open("rb", buffering=0) as far_end:
        scanned = far_end.read(100)

    scanner.unplug()
    assert answer["ok"]
    assert scanned == b"4011\r"


@pytest.mark.parametrize("name", ["gadget", "gadget.new"])
async def test_a_file_where_a_line_should_be_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(ConfigError) as refused:
        SerialLine(tmp_path / "gadget").plug()

    assert refused.value.code == "line-taken"
    assert (tmp_path / name).read_text() == "mine"


async def test_a_line_that_another_took_over_is_not_taken_from_it(tmp_path: Path) -> None:
    first, second = SerialLine(tmp_path / "gadget"), SerialLine(tmp_path / "gadget")
    first.plug()
    second.plug()

    first.unplug()

    assert second.path.is_symlink()
    second.unplug()
    assert not second.path.is_symlink()


async def test_a_file_where_a_control_socket_should_be_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "control").write_text("mine")

    with pytest.raises(ConfigError) as refused:
        await serve_control(str(tmp_path / "control"), {})

    assert refused.value.code == "control-taken"
    assert (tmp_path / "control").read_text() == "mine"


async def test_a_control_socket_is_replaced_only_when_nobody_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    first = await serve_control(path, {"who": lambda: "first"})

    with pytest.raises(ConfigError) as refused:
        await serve_control(path, {})
    first.close()
    await first.wait_closed()
    second = await serve_control(path, {"who": lambda: "second"})
    answer = await told_by(path, do="who")

    second.close()
    assert refused.value.code == "control-taken"
    assert answer["result"] == "second"


async def test_a_line_is_plugged_and_unplugged_at_the_same_path(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "gadget")

    line.plug()
    first = line.path.readlink()
    line.unplug()

    assert str(first).startswith("/dev/")
    assert not line.path.exists()
    with pytest.raises(CallerError):
        await line.write(b"x")
    line.plug()
    line.plug()
    assert line.is_plugged
    line.unplug()


def test_faults_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ScaleSim(ScaleSimSettings(f"{tmp_path}/scale")).fail("sulk")


def test_a_display_reads_over_what_it_does_not_show(tmp_path: Path) -> None:
    display = DisplaySim(DisplaySimSettings(f"{tmp_path}/display"))

    display.receive(b"\x1b*\x04\x1b@\x1bQAupper\r\x1bQBlower\r\x1bQZnowhere\r\x1b\xff!")

    assert display.lines == ["upper", "lower"]
    assert display.unknown == 3


def test_a_drawer_is_opened_by_its_own_connector_only() -> None:
    printer = PrinterSim(PrinterSimSettings())
    drawer = DrawerSim(printer, connector=1)

    printer.receive(b"\x1bp\x00\x19\xfa")
    wrong = drawer.is_open
    printer.receive(b"\x1bp\x01\x19\xfa")

    assert not wrong
    assert drawer.is_open
    assert printer.sensors.is_drawer_high
    drawer.close()
    assert not printer.sensors.is_drawer_high
