"""What `devices` of box.json may say: a table of fields for each device of a box, each with what it may hold.

The cloud looks before it enrols a box, the box before it opens a line; both ask here. What the fields do stands in
docs/reference/peripherals.md; the box's `bindings` makes the adapters' settings from them.
"""

from protocol.plain_text import is_plain
from protocol.schema import Kind

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

# Names only: what is sent for them is the adapters' own.
PREFIXES = ("none", "stx")
SUFFIXES = ("cr", "lf", "crlf", "tab", "etx", "none")
SINGLE_BYTE_PAGES = ("cp437", "cp850", "cp1252", "cp866", "cp852", "cp858")
PAGES = SINGLE_BYTE_PAGES + ("gb18030",)  # noqa: RUF005 - unpacking into a tuple is missing on MicroPython
DEVICES = ("scanner", "scale", "printer", "drawer", "pole", "reader")


def device_faults(devices: object) -> list[str]:
    """Every fault of every device in words; none means that a box may have these devices.

    >>> device_faults({"scanner": {"port": "/dev/ttyS0", "baud": 9601}, "toaster": {}})[0]
    'toaster is no device of a box'
    """
    if type(devices) is not dict:
        return ["devices is no object"]
    faults = [name + " is no device of a box" for name in sorted(devices) if name not in DEVICES]
    for name in DEVICES:
        if name in devices:
            faults += _faults(name, devices[name])
    if "drawer" in devices and "printer" not in devices:
        faults.append("drawer needs a printer, which opens it")
    return faults


def line_fields(device: str, binding: dict[str, object]) -> list[str]:
    """Return the names of the fields that say where a device is; the others say how it is set up."""
    return [name for name, _kind in _line_of(device, binding)]


def _faults(device: str, binding: object) -> list[str]:
    if type(binding) is not dict:
        return [device + " is no object"]
    fields = _line_of(device, binding) + _set_up_of(device)
    known = [name for name, _kind in fields]
    faults = [f"{device}.{name} is not known here" for name in sorted(binding) if name not in known]
    if device != "drawer" and "port" not in binding:
        either = "" if device == "reader" else ", or host and port (TCP)"
        faults.append(f"{device} needs port (a serial line){either}")
    for name, kind in fields:
        if name in binding and not kind.test(binding[name]):
            faults.append(f"{device}.{name} is not {kind.says}")
    return faults


def _line_of(device: str, binding: dict[str, object]) -> tuple[tuple[str, Kind], ...]:
    if device == "drawer":
        return ()
    if device == "reader":
        return _READER
    return _TCP if "host" in binding else _SERIAL


def _set_up_of(device: str) -> tuple[tuple[str, Kind], ...]:
    return _SET_UP.get(device, ())


def _one_of(*values: object) -> Kind:
    """One of a few values, of exactly their type: True is no 1."""
    words = ", ".join([str(value) for value in values])
    kind = type(values[0])
    return Kind(kind, "one of " + words, lambda value: type(value) is kind and value in values)


def _whole(least: int, most: int) -> Kind:
    return Kind(int, f"{least} to {most}", lambda value: type(value) is int and least <= value <= most)


def _text(most: int) -> Kind:
    def test(value: object) -> bool:
        return type(value) is str and 0 < len(value) <= most and is_plain(value)

    return Kind(str, f"a text of at most {most} characters", test)


def _is_list_of_pages(value: object) -> bool:
    return (
        type(value) is list
        and bool(value)
        and all(type(page) is str and page in PAGES for page in value)
        and len(set(value)) == len(value)
    )


def _is_table_of_numbers(value: object) -> bool:
    return type(value) is dict and all(
        page in SINGLE_BYTE_PAGES and type(value[page]) is int and 0 <= value[page] <= MAX_TABLE_NUMBER
        for page in value
    )


_SERIAL: tuple[tuple[str, Kind], ...] = (
    ("port", _text(MAX_PATH_CHARS)),
    ("baud", _one_of(*BAUDS)),
    ("data_bits", _one_of(7, 8)),
    ("parity", _one_of("N", "E", "O")),
    ("stop_bits", _one_of(1, 2)),
)
_TCP: tuple[tuple[str, Kind], ...] = (("host", _text(MAX_HOST_CHARS)), ("port", _whole(1, MAX_PORT)))
# The secure module opens the reader's line and knows only these two.
_READER: tuple[tuple[str, Kind], ...] = _SERIAL[:2]
# device -> its fields beside those of its line, as pairs: faults are named in this order, and a dict has none on
# MicroPython. Absent fields have the adapter's values.
_SET_UP: dict[str, tuple[tuple[str, Kind], ...]] = {
    "scanner": (
        ("prefix", _one_of(*PREFIXES)),
        ("suffix", _one_of(*SUFFIXES)),
        ("debounce_ms", _whole(0, MAX_DEBOUNCE_MS)),
        ("idle_gap_ms", _whole(MIN_IDLE_GAP_MS, MAX_IDLE_GAP_MS)),
    ),
    "scale": (
        ("unit", _one_of("kg", "lb")),
        ("decimals", _one_of(2, 3)),
        ("capacity_g", _whole(MIN_CAPACITY_G, MAX_CAPACITY_G)),
    ),
    "printer": (
        ("columns", _one_of(32, 42, 48)),
        ("cut", _one_of("partial", "full", "none")),
        ("code_pages", Kind(list, "a list, each page once, from " + ", ".join(PAGES), _is_list_of_pages)),
        (
            "table_numbers",
            Kind(
                dict,
                f"an object of page and 0 to {MAX_TABLE_NUMBER}, pages without {PAGES[-1]}",
                _is_table_of_numbers,
            ),
        ),
    ),
    "drawer": (("connector", _one_of(0, 1)), ("open_level", _one_of("high", "low"))),
    "pole": (("code_page", _one_of(*PAGES)),),
}
