"""What each ESC/POS command does to the printer: one table from the command's two bytes to its effect.

`SETTERS` have a fixed number of parameter bytes, `VARIABLE` read their own. Pictures and symbols:
`graphics.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.printer.paper import Cut
from simulators.printer.tables import CHARACTER_TABLES, KATAKANA_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from simulators.printer.machine import Machine


def _tabs(machine: Machine) -> Generator[int, bytes, None]:
    stops: list[int] = []
    while (stop := (yield 1)) != b"\x00" and len(stops) < 32:
        stops.append(stop[0] * machine.line.style.cell[0])
    machine.line.tabs = stops


def _cut(machine: Machine) -> Generator[int, bytes, None]:
    mode = (yield 1)[0]
    feed = (yield 1)[0] if mode in (65, 66, 97, 98, 103, 104) else 0
    if machine.line.pieces:
        machine.line.end()
    if feed:
        machine.line.end(advance=feed)
    machine.paper.add(Cut(is_full=mode in (0, 48, 65, 97, 103)))


def _macro(machine: Machine) -> Generator[int, bytes, None]:
    yield from machine.take(3)
    machine.note("macro left out")


def _counter(machine: Machine) -> Generator[int, bytes, None]:
    mode = yield 1
    yield from machine.take(6 if mode == b"1" else 2 if mode in b"02" else 0)
    machine.note("counter left out")


def _print_mode(machine: Machine, data: bytes) -> None:
    mode = data[0]
    machine.line.restyle(
        is_font_b=bool(mode & 0x01),
        is_bold=bool(mode & 0x08),
        high=2 if mode & 0x10 else 1,
        wide=2 if mode & 0x20 else 1,
        underline=1 if mode & 0x80 else 0,
    )


def _size(machine: Machine, data: bytes) -> None:
    machine.line.restyle(wide=(data[0] >> 4 & 7) + 1, high=(data[0] & 7) + 1)


def _chinese_mode(machine: Machine, data: bytes) -> None:
    mode = data[0]
    machine.line.restyle(wide=2 if mode & 0x04 else 1, high=2 if mode & 0x08 else 1)


def _align(machine: Machine, data: bytes) -> None:
    if data[0] % 48 <= 2:
        machine.line.align = data[0] % 48


def _choose_table(machine: Machine, data: bytes) -> None:
    machine.table = data[0]
    if machine.table not in CHARACTER_TABLES and machine.table != KATAKANA_TABLE:
        machine.note(f"character table {machine.table} shown as CP437")


def _lines(machine: Machine, data: bytes) -> None:
    for _ in range(max(1, data[0])):
        machine.line.end()


def _feed(machine: Machine, data: bytes) -> None:
    machine.line.end(advance=data[0])


def _spacing(machine: Machine, data: bytes) -> None:
    machine.line.spacing = data[0]


def _default_spacing(machine: Machine, _data: bytes) -> None:
    machine.line.spacing = 30


def _margin(machine: Machine, data: bytes) -> None:
    machine.line.left_margin = min(int.from_bytes(data, "little"), machine.paper.width // 2)


def _area(machine: Machine, data: bytes) -> None:
    machine.line.area = int.from_bytes(data, "little")


def _absolute(machine: Machine, data: bytes) -> None:
    machine.line.move_to(int.from_bytes(data, "little"))


def _relative(machine: Machine, data: bytes) -> None:
    machine.line.move_to(machine.line.x + int.from_bytes(data, "little", signed=True))


def _identify(machine: Machine, data: bytes) -> None:
    machine.reply(b"_tillbox simulator\x00" if data[0] >= 65 else b"\x02")


def _multi(machine: Machine, *, is_on: bool) -> None:
    machine.is_multi_byte = is_on


def _style(name: str, *, as_number: bool = False) -> Callable[[Machine, bytes], None]:
    """Build a setter of one part of the style from the lowest bits of the parameter."""

    def setter(machine: Machine, data: bytes) -> None:
        value = data[0] & 3 if as_number else bool(data[0] & 1)
        machine.line.restyle(**{name: value})

    return setter


SETTERS: dict[bytes, tuple[int, Callable[[Machine, bytes], None]]] = {
    b"\x1b@": (0, lambda machine, _data: machine.initialize()),
    b"\x1b!": (1, _print_mode),
    b"\x1bE": (1, _style("is_bold")),
    b"\x1bG": (1, _style("is_bold")),
    b"\x1b-": (1, _style("underline", as_number=True)),
    b"\x1b{": (1, _style("is_upside_down")),
    b"\x1bM": (1, _style("is_font_b")),
    b"\x1b ": (1, lambda machine, data: setattr(machine.line, "extra_space", data[0])),
    b"\x1ba": (1, _align),
    b"\x1bt": (1, _choose_table),
    b"\x1bd": (1, _lines),
    b"\x1be": (1, lambda machine, _data: machine.note("reverse feed left out")),
    b"\x1bJ": (1, _feed),
    b"\x1bK": (1, lambda machine, _data: machine.note("reverse feed left out")),
    b"\x1b3": (1, _spacing),
    b"\x1bA": (1, _spacing),
    b"\x1b2": (0, _default_spacing),
    b"\x1b$": (2, _absolute),
    b"\x1b\\": (2, _relative),
    b"\x1bL": (0, lambda machine, _data: machine.note("page mode printed in standard mode")),
    b"\x1bm": (0, lambda machine, _data: machine.paper.add(Cut(is_full=False))),
    b"\x1bi": (0, lambda machine, _data: machine.paper.add(Cut(is_full=True))),
    b"\x1bp": (3, lambda machine, data: machine.kick(data[0] & 1)),
    b"\x1bu": (1, lambda machine, _data: machine.reply(machine.sensors.buffered(2))),
    b"\x1bv": (1, lambda machine, _data: machine.reply(machine.sensors.buffered(1))),
    b"\x1c!": (1, _chinese_mode),
    b"\x1c&": (0, lambda machine, _data: _multi(machine, is_on=True)),
    b"\x1c.": (0, lambda machine, _data: _multi(machine, is_on=False)),
    b"\x1cS": (2, lambda _machine, _data: None),
    b"\x1cp": (2, lambda machine, _data: machine.note("stored picture left out")),
    b"\x1d!": (1, _size),
    b"\x1dB": (1, _style("is_inverted")),
    b"\x1dL": (2, _margin),
    b"\x1dW": (2, _area),
    b"\x1dI": (1, _identify),
    b"\x1da": (1, lambda machine, data: machine.reply(machine.sensors.automatic() if data[0] else b"")),
    b"\x1dr": (1, lambda machine, data: machine.reply(machine.sensors.buffered(data[0]))),
    b"\x1dh": (1, lambda machine, data: machine.graphics.set_barcode(height=data[0])),
    b"\x1dw": (1, lambda machine, data: machine.graphics.set_barcode(module=data[0])),
    b"\x1dH": (1, lambda machine, data: machine.graphics.set_barcode(text_place=data[0] & 3)),
}
VARIABLE: dict[bytes, Callable[[Machine], Generator[int, bytes, None]]] = {
    b"\x1bD": _tabs,
    b"\x1dV": _cut,
    b"\x1d^": _macro,
    b"\x1dC": _counter,
}
