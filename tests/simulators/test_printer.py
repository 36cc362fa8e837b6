"""The printer simulator digests what other people's software sends, and stays small whatever it is sent."""

from __future__ import annotations

import re
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from protocol.errors import ConfigError, PeerError
from simulators.printer import fonts, picture, symbols
from simulators.printer.paper import MAX_BITMAP_BYTES, MAX_ROWS, Bitmap, Cut, Row
from simulators.printer.station import PrinterSim, PrinterSimSettings
from tests.shared_data import shared

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = "data/escpos_streams/streams"
SCRIPTS = "data/escpos_streams/kunif/EscPosEncode/SampleScripts"


def fed(data: bytes, columns: int = 48, piece: int = 0) -> PrinterSim:
    sim = PrinterSim(PrinterSimSettings(columns=columns))
    for at in range(0, len(data), piece or max(1, len(data))):
        sim.receive(data[at : at + (piece or len(data))])
    return sim


@pytest.mark.parametrize(
    ("name", "words", "cuts"),
    [
        ("demo", ["Hello world", "[CODE39 9876]", "[QR Testing 123]", "(not available on all printers)"], 14),
        ("character-tables", ["Table 0: CP437", "Table 34: CP855"], 1),
        ("character-encodings", ["Árvíztűrő tükörfúrógép.", "чащах юга жил бы цитрус?", "ｲﾛﾊﾆﾎﾍﾄ"], 1),
    ],
)
def test_streams_of_other_software_are_read_and_drawn(
    name: str, words: list[str], cuts: int, tmp_path: Path
) -> None:
    sim = fed(shared(f"{STREAMS}/{name}.bin").read_bytes())

    sim.save_picture(tmp_path / "receipt.png")

    text = "\n".join(sim.text())
    assert [word for word in words if word not in text] == []
    assert sum(isinstance(part, Cut) for part in sim.machine.paper.parts) == cuts
    assert [note for note in sim.machine.notes if note.startswith(("command", "control"))] == []
    with Image.open(tmp_path / "receipt.png") as drawn:
        assert drawn.width == 48 * 12 + 2 * picture.MARGIN
        tones = drawn.histogram()
        assert sum(tones[: picture.BLACK + 1]) > 0
        assert tones[picture.WHITE] > sum(tones) // 2


@pytest.mark.parametrize("name", ["demo", "character-encodings"])
def test_the_size_of_the_pieces_changes_nothing(name: str) -> None:
    data = shared(f"{STREAMS}/{name}.bin").read_bytes()

    whole, pieces = fed(data), fed(data, piece=7)

    assert list(whole.machine.paper.parts) == list(pieces.machine.paper.parts)


@pytest.mark.parametrize(
    "script", ["SimpleReceipt", "PaperCut", "Label", "ReceiptWithBarcode", "PagemodePrint"]
)
def test_scripts_of_another_encoder_print_their_words(script: str) -> None:
    source = shared(f"{SCRIPTS}/{script}.txt").read_text("utf-8-sig")

    sim = fed(encoded(source))

    text = "\n".join(sim.text())
    said = [
        word
        for line in re.findall(r'^enc\.Printables\("(.*?)"', source, re.MULTILINE)
        for word in words_of(line)
    ]
    assert said
    assert [word for word in said if word not in text] == []
    assert sim.machine.notes.keys() <= {"picture larger than the paper"}


def test_every_file_of_the_samples_may_be_sent_to_the_printer_as_it_is(tmp_path: Path) -> None:
    files = [path for path in sorted(shared("data/escpos_streams").rglob("*")) if path.is_file()]

    sims = [fed(path.read_bytes(), columns=32) for path in files]

    assert len(sims) >= 10
    for number, sim in enumerate(sims):
        sim.save_picture(tmp_path / f"{number}.png")
        assert sim._waiting == b""


def words_of(line: str) -> list[str]:
    return [word for word in re.split(r"\\x0[aA9]|\s+", line) if word.isascii() and word.isalnum()]


def encoded(source: str) -> bytes:
    """The bytes of the printing statements of a script (its pictures, layout and page mode are left out)."""
    out = bytearray()
    for name, rest in re.findall(r"^enc\.(\w+)(.*)$", source, re.MULTILINE):
        out += STATEMENTS.get(name, lambda _rest: b"")(rest)
    return bytes(out)


def _text(rest: str) -> bytes:
    found = re.search(r'"(.*)"', rest)
    text = found.group(1) if found else ""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code.group(1), 16)), text).encode(
        "cp437", "replace"
    )


def _scale(rest: str) -> bytes:
    wide = re.search(r"width = (\d)", rest)
    high = re.search(r"height = (\d)", rest)
    assert wide
    assert high
    return b"\x1d!" + bytes([(int(wide.group(1)) - 1) << 4 | int(high.group(1)) - 1])


def _feed(rest: str) -> bytes:
    count = int(re.findall(r"\d+", rest)[-1])
    return (b"\x1bJ" if "Dots" in rest else b"\x1bd") + bytes([count])


def _barcode(rest: str) -> bytes:
    found = re.search(r'GetBytes\("(.*?)"\)', rest)
    data = found.group(1).encode() if found else b"0"
    return b"\x1dk\x45" + bytes([len(data)]) + data + b"\n"


STATEMENTS = {
    "Initialize": lambda _rest: b"\x1b@",
    "Printables": _text,
    "CharScale": _scale,
    "PrintAndFeed": _feed,
    "Justification": lambda rest: (
        b"\x1ba" + bytes([("Left", "Center", "Right").index(rest.split(".")[-1].rstrip(";\r "))])
    ),
    "Emphasis": lambda rest: b"\x1bE\x01" if "true" in rest else b"\x1bE\x00",
    "CutPaper": lambda _rest: b"\x1dVB\x14",
    "GeneratePule": lambda _rest: b"\x1bp\x00\x02\x14",
    "D1BarcodeHeight": lambda rest: b"\x1dh" + bytes([int(re.findall(r"\d+", rest)[0])]),
    "D1BarcodeData": _barcode,
}


def test_the_pictures_of_another_encoder_are_drawn_dot_by_dot() -> None:
    source = shared(f"{SCRIPTS}/ReceiptWithBarcode.txt").read_text("utf-8-sig")
    block = source[source.index("new byte[] {") : source.index("}", source.index("new byte[] {"))]
    dots = bytes(int(number, 16) for number in re.findall(r"0x([0-9A-F]{2})", block))

    sim = fed(b"\x1dv0\x00" + (30).to_bytes(2, "little") + (40).to_bytes(2, "little") + dots)

    (row,) = [part for part in sim.machine.paper.parts if isinstance(part, Row)]
    assert row.pieces == (Bitmap(0, 240, 40, dots, "picture 240x40"),)
    drawn = picture.draw_paper(sim.machine.paper)
    left, top = picture.MARGIN, picture.MARGIN
    assert drawn.getpixel((left, top)) == picture.BLACK
    assert drawn.getpixel((left + 20, top + 4)) == picture.WHITE
    assert drawn.getpixel((left + 239, top + 39)) == picture.BLACK


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_the_machine(data: bytes) -> None:
    sim = fed(data)

    sim.text()
    sim.machine.clear()
    sim.machine.initialize()
    before = len(sim.machine.paper.parts)
    sim.receive(b"\x1b@well\n")

    assert sim.text()[-1] == "well"
    assert len(sim.machine.paper.parts) == before + 1


@pytest.mark.parametrize(
    ("bomb", "blocks"),
    [
        (b"\x1dv0\x00\xff\xff\xff\xff", 60),  # a raster that claims 4 GB
        (b"\x1b*\x21\xff\xff", 2),
        (b"\x1d8L\xff\xff\xff\xff0p0", 60),
        (b"\x1dv0\x03\x48\x00\xff\xff", 60),
    ],
)
def test_a_raster_bomb_takes_no_memory(bomb: bytes, blocks: int) -> None:
    sim = PrinterSim(PrinterSimSettings())
    tracemalloc.start()

    sim.receive(bomb)
    for _ in range(blocks):
        sim.receive(b"\xaa" * 65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * MAX_BITMAP_BYTES


def test_endless_paper_loses_its_oldest_rows() -> None:
    sim = fed(b"x\n" * (MAX_ROWS + 100))

    assert len(sim.machine.paper.parts) == MAX_ROWS
    assert sim.machine.paper.rows_lost == 100


def test_chinese_text_needs_its_mode() -> None:
    assert fed(b"\x1c&" + "街角小店".encode("gb18030") + b"\n").text() == ["街角小店"]
    assert "街" not in fed("街角小店".encode("gb18030") + b"\n").text()[0]


def test_real_time_questions_are_answered_while_the_printer_stands_still() -> None:
    sim = PrinterSim(PrinterSimSettings())
    said: list[bytes] = []
    sim._send = said.append
    sim.set_sensors(is_cover_open=True)

    sim.receive(b"waiting\n\x10\x04\x02\x1dr\x01")
    sim.set_sensors(is_cover_open=False)

    assert said == [b"\x16", b"\x00"]
    assert sim.text() == ["waiting"]


def test_wrong_fault_and_sensor_names_are_refused() -> None:
    sim = PrinterSim(PrinterSimSettings())

    with pytest.raises(ConfigError):
        sim.fail("sulk")
    with pytest.raises(ConfigError):
        sim.set_sensors(is_happy=True)


def test_a_barcode_is_drawn_as_its_symbology_says() -> None:
    modules = symbols.bars("EAN13", b"4006381333931")

    assert "".join("1" if dot else "0" for dot in modules) == (
        "101" + "0001101" + "0100111" + "0101111" + "0111101" + "0001001" + "0110011"
        + "01010" + "1000010" + "1000010" + "1000010" + "1110100" + "1000010" + "1100110" + "101"
    )  # fmt: skip


def test_code_128_has_the_check_symbol_of_the_standard() -> None:
    plain = symbols.bars("CODE128", b"{BPJJ123C")

    assert len(plain) == 11 * 9 + 13
    check = "".join("1" if dot else "0" for dot in plain[11 * 8 : 11 * 9])
    assert check == "11101000110"  # value 55


def test_symbols_that_do_not_exist_are_named() -> None:
    with pytest.raises(PeerError):
        symbols.bars("EAN13", b"40063x")
    with pytest.raises(PeerError):
        symbols.qr(b"", "M", 3)


def test_a_qr_code_has_its_finder_patterns_in_three_corners() -> None:
    size, dots = symbols.qr(b"https://shop.example/r/1", "M", 1)
    stride = (size + 7) // 8

    top = dots[0]
    bottom = dots[(size - 1) * stride]

    assert (top & 0xFE, bottom & 0xFE) == (0b11111110, 0b11111110)


def test_missing_fonts_are_named() -> None:
    assert all("no " in lack for lack in fonts.missing())
