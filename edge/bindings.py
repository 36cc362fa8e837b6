"""What `devices` of box.json may say: where each device of a box is, and how it was set up.

A table of fields for each device, each with what it may hold; every fault of all devices is reported together.
Nothing is ever guessed or probed. The adapters' own settings come out; `edge/devices.py` builds adapters from them.
The page for people: docs/reference/peripherals.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from edge.peripherals.code_pages import MULTI_BYTE, TABLE_NUMBERS
from edge.peripherals.connection import LinkSettings, SerialSettings, TcpSettings
from edge.peripherals.display import DisplaySettings
from edge.peripherals.drawer import DrawerSettings
from edge.peripherals.escpos import PaperSettings
from edge.peripherals.printer import PrinterSettings
from edge.peripherals.scale import ScaleSettings
from edge.peripherals.scan_frames import PREFIXES, SUFFIXES, ScanRules
from edge.peripherals.scanner import ScannerSettings
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATH_CHARS = 255  # longer is no device of a real system
MAX_HOST_CHARS = 253  # the longest name that the DNS has
MAX_PORT = 65_535  # TCP has no higher one
# What serial devices of a till are set to; anything else is a slip of the pen.
BAUDS = (1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
# A longer window would swallow the second of two equal articles that a shopper scans one after the other.
MAX_DEBOUNCE_MS = 5_000
# USB adapters hold bytes back 16 ms at worst: a shorter gap would cut codes in two. Beyond 2 s nobody waits.
MIN_IDLE_GAP_MS, MAX_IDLE_GAP_MS = 20, 2_000
# From a letter scale to a platform scale that people wheel goods on; a counter scale has 15 kg.
MIN_CAPACITY_G, MAX_CAPACITY_G = 100, 300_000
MAX_TABLE_NUMBER = 255  # one byte behind ESC t


class Rule(NamedTuple):
    """What one field may hold, and the same in words."""

    holds: Callable[[Any], bool]
    words: str


def _one_of(*values: object) -> Rule:
    """One of a few values, of exactly their type: True is no 1."""
    types = {type(value) for value in values}
    return Rule(
        lambda value: type(value) in types and value in values, f"one of {', '.join(map(str, values))}"
    )


def _whole(least: int, most: int) -> Rule:
    return Rule(lambda value: type(value) is int and least <= value <= most, f"{least} to {most}")


def _text(most: int) -> Rule:
    return Rule(
        lambda value: type(value) is str and 0 < len(value) <= most and value.isprintable(),
        f"a text of at most {most} characters",
    )


def _is_list_of_pages(value: object) -> bool:
    known = (*TABLE_NUMBERS, MULTI_BYTE)
    return (
        type(value) is list
        and bool(value)
        and all(type(page) is str and page in known for page in value)
        and len(set(value)) == len(value)
    )


def _is_table_of_numbers(value: object) -> bool:
    return type(value) is dict and all(
        page in TABLE_NUMBERS and type(number) is int and 0 <= number <= MAX_TABLE_NUMBER
        for page, number in value.items()
    )


_PAGES = ", ".join([*TABLE_NUMBERS, MULTI_BYTE])
_SERIAL = {
    "port": _text(MAX_PATH_CHARS),
    "baud": _one_of(*BAUDS),
    "data_bits": _one_of(7, 8),
    "parity": _one_of("N", "E", "O"),
    "stop_bits": _one_of(1, 2),
}
_TCP = {"host": _text(MAX_HOST_CHARS), "port": _whole(1, MAX_PORT)}
# device -> field -> what it may hold, beside the fields of its line. Absent fields have the adapter's values.
_SET_UP: dict[str, dict[str, Rule]] = {
    "scanner": {
        "prefix": _one_of(*PREFIXES),
        "suffix": _one_of(*SUFFIXES),
        "debounce_ms": _whole(0, MAX_DEBOUNCE_MS),
        "idle_gap_ms": _whole(MIN_IDLE_GAP_MS, MAX_IDLE_GAP_MS),
    },
    "scale": {
        "unit": _one_of("kg", "lb"),
        "decimals": _one_of(2, 3),
        "capacity_g": _whole(MIN_CAPACITY_G, MAX_CAPACITY_G),
    },
    "printer": {
        "columns": _one_of(32, 42, 48),
        "cut": _one_of("partial", "full", "none"),
        "code_pages": Rule(_is_list_of_pages, f"a list, each page once, from {_PAGES}"),
        "table_numbers": Rule(
            _is_table_of_numbers, f"an object of page and 0 to {MAX_TABLE_NUMBER}, pages without {MULTI_BYTE}"
        ),
    },
    "drawer": {"connector": _one_of(0, 1), "open_level": _one_of("high", "low")},
    "pole": {"code_page": _one_of(*TABLE_NUMBERS, MULTI_BYTE)},
    "reader": {},
}
DEVICES = tuple(_SET_UP)
# The secure module opens the reader's line and knows only these two.
_READER = {name: _SERIAL[name] for name in ("port", "baud")}


@dataclass(frozen=True, slots=True)
class Bindings:
    """The devices of a box with their settings; None when it has none.

    The reader's line belongs to the secure module. A drawer hangs on the printer and is there with it.
    """

    scanner: ScannerSettings | None = None
    scale: ScaleSettings | None = None
    printer: PrinterSettings | None = None
    drawer: DrawerSettings | None = None
    pole: DisplaySettings | None = None
    reader: SerialSettings | None = None

    @property
    def links(self) -> dict[str, LinkSettings]:
        """The line of each device that has one of its own, by name."""
        bound = {"scanner": self.scanner, "scale": self.scale, "printer": self.printer, "pole": self.pole}
        links: dict[str, LinkSettings] = {name: one.link for name, one in bound.items() if one is not None}
        return links if self.reader is None else {**links, "reader": self.reader}

    @property
    def unbound(self) -> frozenset[str]:
        """The devices that this box was never given."""
        return frozenset(
            name for name in ("scanner", "scale", "printer", "pole", "reader") if getattr(self, name) is None
        )


def read_bindings(devices: object) -> Bindings:
    """Bindings from box.json; ConfigError("devices-wrong") names every fault of every device."""
    if not isinstance(devices, dict):
        raise ConfigError("devices-wrong", "devices is no object", "Bind each device by name.")
    faults = [f"{name} is no device of a box" for name in sorted(set(devices) - set(DEVICES))]
    for name in DEVICES:
        if name in devices:
            faults += _faults(name, devices[name])
    if "drawer" in devices and "printer" not in devices:
        faults.append("drawer needs a printer, which opens it")
    if faults:
        raise ConfigError("devices-wrong", "; ".join(faults), "Correct devices in box.json.")
    return _built(devices)


def _faults(device: str, binding: object) -> list[str]:
    if not isinstance(binding, dict):
        return [f"{device} is no object"]
    rules = _line_rules(device, binding) | _SET_UP[device]
    faults = [f"{device}.{name} is not known here" for name in sorted(set(binding) - set(rules))]
    if device != "drawer" and "port" not in binding:
        either = "" if device == "reader" else ", or host and port (TCP)"
        faults.append(f"{device} needs port (a serial line){either}")
    return faults + [
        f"{device}.{name} is not {rules[name].words}"
        for name, value in binding.items()
        if name in rules and not rules[name].holds(value)
    ]


def _line_rules(device: str, binding: dict[str, Any]) -> dict[str, Rule]:
    if device == "drawer":
        return {}
    if device == "reader":
        return _READER
    return _TCP if "host" in binding else _SERIAL


def _built(devices: dict[str, Any]) -> Bindings:
    """Settings from bindings that were found right."""
    found: dict[str, Any] = {}
    for device, binding in devices.items():
        rules = _line_rules(device, binding)
        line = {name: value for name, value in binding.items() if name in rules}
        found[device] = _settings(device, line, {n: v for n, v in binding.items() if n not in rules})
    return Bindings(**found)


def _settings(device: str, line: dict[str, Any], told: dict[str, Any]) -> object:
    if device == "drawer":
        return DrawerSettings(**told)
    link = TcpSettings(**line) if "host" in line else SerialSettings(line.pop("port"), **line)
    if device == "scanner":
        return ScannerSettings(link, ScanRules(**told))
    if device == "scale":
        return ScaleSettings(link, **told)
    if device == "printer":
        return PrinterSettings(link, _paper(told))
    return DisplaySettings(link, **told) if device == "pole" else link


def _paper(told: dict[str, Any]) -> PaperSettings:
    shaped = dict(told)
    if "code_pages" in told:
        shaped["code_pages"] = tuple(told["code_pages"])
    if "table_numbers" in told:
        shaped["table_numbers"] = tuple(told["table_numbers"].items())
    return PaperSettings(**shaped)
