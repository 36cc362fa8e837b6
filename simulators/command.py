"""`tillbox sim NAME`: one simulated device or channel alone, on its real transport, until it is told to stop.

The first line on standard output is one JSON object that says where it listens. Commands come over `--control`, a Unix
socket, or with `--follow` from standard input: one JSON object a line, {"do": NAME, ...}; a wrong name is answered with
the names that exist. What the devices do lives in their own modules.
"""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from protocol.errors import ConfigError
from simulators.device_control import serve_control, stay, tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulators.device_control import Actions

EXAMPLES = """\
Examples:
  tillbox sim scanner --path ./scanner          then bind a box's scanner to ./scanner
  tillbox sim scanner --path ./scanner --follow and type: {"do": "scan", "text": "4006381333931"}
  tillbox sim scale --path ./scale --control ./scale.sock
  tillbox sim printer --port 9100               a receipt printer that shows text and pictures
  tillbox sim reader --path ./reader --follow   and type: {"do": "present", "card": "visa"}
  tillbox sim acquirer --port 7000 --books ./books.jsonl
  tillbox sim shopper --screen http://127.0.0.1:8080/ --control ./control.sock --visits 3
  tillbox sim tell ./scale.sock put weight_g=480
"""
_LINES = {
    "scanner": "A serial barcode scanner.",
    "scale": "A counter scale that speaks Toledo 8217.",
    "printer": "An ESC/POS receipt printer on TCP or a serial line.",
    "drawer": "A receipt printer with a cash drawer on its kick connector.",
    "display": "A pole display of two lines by twenty characters.",
    "reader": "A card reader with test cards.",
    "acquirer": "An ISO 8583 host that answers by magic amounts and cards.",
    "shopper": "A shopper who buys at a running box, over its page and its devices' control socket.",
    "tell": "Tell a running simulator what to do, over its control socket.",
}
NUMBER_CHARS = 18  # no weight, count or case is longer; what is longer stays text
Wrapped = TypeVar("Wrapped", bound="Callable[..., Any]")


@dataclass(slots=True)
class Running:
    """A simulator that was started: where it listens, what may be done to it, how it ends."""

    listens: dict[str, Any]
    actions: Actions
    stop: Callable[[], Awaitable[None] | None]


class _Listing(click.Group):
    """The simulators in the order of a sale."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every simulator."""
        del ctx
        return [name for name in _LINES if name in self.commands]


@click.group(cls=_Listing, invoke_without_command=True)
@click.pass_context
def sim(ctx: click.Context) -> None:
    """Run one simulated device or channel alone, on its real transport."""
    if ctx.invoked_subcommand is None:
        click.echo(EXAMPLES)
        click.echo(ctx.get_help())


def _controls(command: Wrapped) -> Wrapped:
    command = click.option(
        "--follow", is_flag=True, help="Take commands from standard input and end with it."
    )(command)
    return click.option(
        "--control", default="", metavar="SOCKET", help="Take commands on this Unix socket, made here."
    )(command)


def _path(*, required: bool) -> Callable[[Wrapped], Wrapped]:
    told = "Where the serial line appears, as udev would name it."
    if required:
        return click.option("--path", required=True, help=told)
    return click.option("--path", default="", help=told)


@sim.command(help=_LINES["scanner"])
@_path(required=True)
@click.option("--prefix", type=click.Choice(["none", "stx"]), default="none", show_default=True)
@click.option(
    "--suffix", type=click.Choice(["cr", "lf", "crlf", "tab", "etx", "none"]), default="cr", show_default=True
)
@_controls
def scanner(path: str, prefix: str, suffix: str, control: str, *, follow: bool) -> None:
    """Be a scanner; see `_LINES`."""
    from simulators.scanner import ScannerSim, ScannerSimSettings  # noqa: PLC0415 - each command loads its own device

    async def start() -> Running:
        device = ScannerSim(ScannerSimSettings(path, prefix, suffix))
        device.plug()
        return Running({"path": path}, device.actions(), device.unplug)

    _be("scanner", start, control, is_following=follow)


@sim.command(help=_LINES["scale"])
@_path(required=True)
@click.option("--unit", type=click.Choice(["kg", "lb"]), default="kg", show_default=True)
@click.option("--decimals", type=click.IntRange(0, 4), default=3, show_default=True)
@click.option("--capacity-g", type=click.IntRange(min=1), default=15_000, show_default=True)
@click.option(
    "--settle-ms", type=click.IntRange(min=0), default=700, show_default=True, help="How long the pan moves."
)
@_controls
def scale(  # noqa: PLR0913 - one for each option
    path: str, unit: str, decimals: int, capacity_g: int, settle_ms: int, control: str, *, follow: bool
) -> None:
    """Be a scale; see `_LINES`."""
    from simulators.scale import ScaleSim, ScaleSimSettings  # noqa: PLC0415 - as above

    async def start() -> Running:
        device = ScaleSim(ScaleSimSettings(path, unit, decimals, capacity_g, settle_ms))
        device.plug()
        return Running({"path": path}, device.actions(), device.stop)

    _be("scale", start, control, is_following=follow)


def _printer_options(command: Wrapped) -> Wrapped:
    for option in (
        click.option("--columns", type=click.Choice(["32", "42", "48"]), default="48", show_default=True),
        click.option("--host", default="127.0.0.1", show_default=True),
        click.option(
            "--port", type=click.IntRange(0, 65_535), default=9100, show_default=True, help="0: any free one."
        ),
        _path(required=False),
    ):
        command = option(command)
    return _controls(command)


@sim.command(help=_LINES["printer"] + " With --path it is on a serial line.")
@_printer_options
def printer(path: str, host: str, port: int, columns: str, control: str, *, follow: bool) -> None:
    """Be a printer; see `_LINES`."""
    _be("printer", _printer_with("", path, host, port, columns), control, is_following=follow)


@sim.command(help=_LINES["drawer"] + " The printer's actions are there too.")
@_printer_options
def drawer(path: str, host: str, port: int, columns: str, control: str, *, follow: bool) -> None:
    """Be a printer with a drawer; see `_LINES`."""
    _be("drawer", _printer_with("drawer", path, host, port, columns), control, is_following=follow)


def _printer_with(
    what: str, path: str, host: str, port: int, columns: str
) -> Callable[[], Awaitable[Running]]:
    from simulators.drawer import DrawerSim  # noqa: PLC0415 - as above
    from simulators.printer.station import PrinterSim, PrinterSimSettings  # noqa: PLC0415 - as above

    async def start() -> Running:
        device = PrinterSim(PrinterSimSettings(path, host, port, int(columns)))
        actions = dict(device.actions())
        if what == "drawer":
            actions |= DrawerSim(device).actions()
        await device.start()
        listens = {"path": path} if path else {"host": host, "port": device.port}
        return Running(listens, actions, device.stop)

    return start


@sim.command(help=_LINES["display"])
@_path(required=True)
@click.option(
    "--code-page", default="cp437", show_default=True, help="The character table its switches choose."
)
@_controls
def display(path: str, code_page: str, control: str, *, follow: bool) -> None:
    """Be a display; see `_LINES`."""
    from simulators.display import DisplaySim, DisplaySimSettings  # noqa: PLC0415 - as above

    async def start() -> Running:
        device = DisplaySim(DisplaySimSettings(path, code_page))
        device.plug()
        return Running({"path": path}, device.actions(), device.stop)

    _be("display", start, control, is_following=follow)


@sim.command(help=_LINES["reader"])
@_path(required=True)
@_controls
def reader(path: str, control: str, *, follow: bool) -> None:
    """Be a card reader; see `_LINES`."""
    from simulators.card_reader import CardReaderSettings, CardReaderSim  # noqa: PLC0415 - as above
    from simulators.cards import CARDS  # noqa: PLC0415 - as above

    async def start() -> Running:
        device = CardReaderSim(CardReaderSettings(path))
        device.plug()
        return Running({"path": path, "cards": [card.name for card in CARDS]}, device.actions(), device.close)

    _be("reader", start, control, is_following=follow)


@sim.command(help=_LINES["acquirer"])
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7000, show_default=True, help="0: any free one."
)
@click.option("--books", default="", help="Keep the books in this file, one JSON object a line.")
@click.option(
    "--answer-ms", type=click.IntRange(min=0), default=0, show_default=True, help="How slow every answer is."
)
@click.option(
    "--late-ms",
    type=click.IntRange(min=0),
    default=20_000,
    show_default=True,
    help="How late late cases are.",
)
@_controls
def acquirer(port: int, books: str, answer_ms: int, late_ms: int, control: str, *, follow: bool) -> None:
    """Be an acquirer; see `_LINES`."""
    from simulators.acquirer import main as host  # noqa: PLC0415 - as above
    from simulators.acquirer.books import Books  # noqa: PLC0415 - as above
    from simulators.acquirer.host import Acquirer, HostTimes  # noqa: PLC0415 - as above
    from simulators.cards import host_cases  # noqa: PLC0415 - as above

    async def start() -> Running:
        kept = Books(Path(books) if books else None)
        there = Acquirer(kept, HostTimes(answer_ms=answer_ms, late_ms=late_ms), host_cases())
        bound = await there.start(port=port)

        async def stop() -> None:
            await there.stop()
            kept.close()

        return Running({"host": "127.0.0.1", "port": bound}, host.actions(there), stop)

    _be("acquirer", start, control, is_following=follow)


def _be(name: str, start: Callable[[], Awaitable[Running]], control: str, *, is_following: bool) -> None:
    """Start it, say where it listens, live until a signal or, when following, until standard input ends."""

    async def live() -> None:
        task = asyncio.current_task()
        assert task is not None, "it runs in one"
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        running = await _started(name, start)
        server = None
        try:
            server = await serve_control(control, running.actions) if control else None
            told = {"sim": name, **running.listens, "actions": sorted(running.actions)}
            click.echo(json.dumps({**told, "control": control} if control else told))
            await stay(running.actions, "", follows_input=is_following)
        finally:
            if server is not None:
                server.close()
            ended = running.stop()
            if ended is not None:
                await ended

    with suppress(asyncio.CancelledError):
        asyncio.run(live())


async def _started(name: str, start: Callable[[], Awaitable[Running]]) -> Running:
    try:
        return await start()
    except OSError as error:
        raise ConfigError(
            "sim-not-started", f"{name}: {error.strerror or error}", "Choose another port or path"
        ) from error


@sim.command(name="tell", help=_LINES["tell"])
@click.argument("socket")
@click.argument("action")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
def tell_device(socket: str, action: str, values: tuple[str, ...]) -> None:
    """Send one command; see `_LINES`. A value that is a JSON number, true or false is taken as that."""
    command: dict[str, Any] = {"do": action}
    for value in values:
        name, is_given, text = value.partition("=")
        if not is_given:
            raise ConfigError(
                "value-without-name", f"{value} is not NAME=VALUE", "Write card=visa, for example"
            )
        command[name] = _meant(text)
    answer = asyncio.run(tell(socket, command))
    click.echo(json.dumps(answer, ensure_ascii=False))
    if not answer.get("ok"):
        raise SystemExit(1)


def _meant(text: str) -> Any:
    """The JSON value of a text; one with leading zeros, or too long for a number, is a code and stays text."""
    if text in ("true", "false"):
        return text == "true"
    is_number = text.removeprefix("-").isdecimal() and len(text) < NUMBER_CHARS and str(int(text)) == text
    return int(text) if is_number else text


@sim.command(help=_LINES["shopper"])
@click.option("--screen", required=True, help="The address of the box's page.")
@click.option(
    "--control", required=True, metavar="SOCKET", help="The control socket of all the box's devices."
)
@click.option("--visits", type=click.IntRange(1, 1_000_000), default=1, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses what she does.")
@click.option(
    "--staff", "staff_id", default="anna", show_default=True, help="Who counts cash and checks her age."
)
@click.option(
    "--pin-file", type=click.Path(exists=True, dir_okay=False), help="The PIN of staff; else the demo's."
)
def shopper(screen: str, control: str, visits: int, seed: int, staff_id: str, pin_file: str | None) -> None:
    """Buy; see `_LINES`. One JSON object a visit: what she remembers."""
    from simulators.demo.alone import shop_alone  # noqa: PLC0415 - as above
    from simulators.demo.estate import STAFF_PIN  # noqa: PLC0415 - as above

    pin = Path(pin_file).read_text().strip() if pin_file else STAFF_PIN
    asyncio.run(shop_alone(screen, control, visits, seed, (staff_id, pin), click.echo))
