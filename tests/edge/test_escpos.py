"""Documents become ESC/POS bytes: text that cannot command, tables that fit, lines that fit the paper."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.peripherals import escpos
from edge.peripherals.code_pages import printable, text_bytes
from edge.peripherals.escpos import PaperSettings, render, text_line
from protocol.document import Document
from protocol.errors import CallerError, ConfigError
from protocol.plain_text import columns
from simulators.printer.station import PrinterSim, PrinterSimSettings
from tests.receipt_samples import sample_receipt

PAGES = ("cp858", "gb18030")
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


def test_golden_bytes_of_a_small_receipt() -> None:
    document = Document()
    document.text("Tea 茶", "left", is_bold=True)
    document.columns("Total", "2.50")
    document.rule()
    document.cut()

    lines = render(document, PaperSettings(columns=32))

    assert lines == [
        b"\x1bE\x01Tea \x1c&\xb2\xe8\x1c.\x1bt\x13\x1bE\x00\n",
        b"Total                       2.50\n",
        b"-" * 32 + b"\n",
        b"\x1dVB\x00",
    ]


def test_golden_bytes_of_the_symbols() -> None:
    document = Document()
    document.barcode("A{1")
    document.qr("hi")

    lines = render(document, PaperSettings(columns=48))

    gap = b"\x1bJ\x0c\x1ba\x01"
    assert lines == [
        gap + b"\x1dh\x40\x1dw\x03\x1dH\x02\x1df\x00\x1dkI\x06{BA{{1\n\x1ba\x00",
        gap
        + b"\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1\x1d(k\x05\x001P0hi\x1d(k\x03\x001Q0\n\x1ba\x00",
    ]


@given(ANY_TEXT)
def test_no_text_yields_a_control_byte(text: str) -> None:
    data = b"".join(run for _, run in text_bytes(text, PAGES))

    assert not set(data) & {*range(0x20), 0x7F}


@given(ANY_TEXT)
def test_text_takes_as_many_columns_on_paper_as_we_count(text: str) -> None:
    shown = printable(text, PAGES)

    counted = sum(len(run) for _, run in text_bytes(shown, PAGES))

    assert counted == columns(shown)


@given(
    name=ANY_TEXT,
    amount=st.text("0123456789.", max_size=12),
    wide=st.booleans(),
    width=st.sampled_from((32, 42, 48)),
)
def test_no_line_is_wider_than_the_paper(name: str, amount: str, wide: bool, width: int) -> None:  # noqa: FBT001
    document = Document()
    document.text(name, "center", is_wide=wide)
    document.columns(name, amount, is_wide=wide)
    sim = PrinterSim(PrinterSimSettings(columns=width))

    lines = render(document, PaperSettings(columns=width))
    for line in lines:
        sim.receive(line)

    assert len(sim.machine.paper.parts) == len(lines)  # a line too wide would have become two rows
    assert not sim.machine.notes


def test_what_the_printer_reads_is_what_the_document_says() -> None:
    sim = PrinterSim(PrinterSimSettings(columns=48))
    paper = PaperSettings(columns=48)

    sim.receive(escpos.opening(paper) + b"".join(render(sample_receipt(), paper)))

    text = "\n".join(sim.text())
    for expected in (
        "街角小店",
        "Crème brûlée",
        "龙井茶 Longjing tea 100g",
        "EUR 31.12",
        "谢谢惠顾",
        "[cut]",
    ):
        assert expected in text
    assert "[CODE128 3F8K92MZ1Q]" in text
    assert "[QR https://shop.example/r/3F8K92MZ1Q]" in text


@pytest.mark.parametrize(
    ("text", "pages", "shown"),
    [
        ("Ärger", ("cp437",), "Ärger"),
        ("12 €", ("cp858",), "12 €"),
        ("12 €", ("cp437",), "12 EUR"),
        ("Łódź", ("cp858",), "Lódz"),
        ("“Tea” — 2…", ("cp858", "gb18030"), '"Tea" - 2...'),
        ("茶", ("cp858",), "??"),
        ("Привет", ("cp858", "cp866"), "Привет"),
        ("한국", ("cp858", "gb18030"), "????"),
        ("A\u202eB\u200bC", ("cp437",), "ABC"),
    ],
)
def test_what_the_printer_lacks_is_replaced_readably(text: str, pages: tuple[str, ...], shown: str) -> None:
    assert printable(text, pages).replace("\u200b", "") == shown


def test_the_makers_own_table_numbers_are_used() -> None:
    paper = PaperSettings(code_pages=("cp437", "cp858"), table_numbers=(("cp858", 3),))

    assert text_line("2 €", paper) == b"2 \x1bt\x03\xd5\x1bt\x00"


def test_a_barcode_too_long_for_narrow_paper_becomes_a_qr_code_with_its_text() -> None:
    document = Document()
    document.barcode("0003-G9230-VQVSQ")
    sim = PrinterSim(PrinterSimSettings(columns=32))

    sim.receive(b"".join(render(document, PaperSettings(columns=32))))

    text = "\n".join(sim.text())
    assert "[QR 0003-G9230-VQVSQ]" in text
    assert sim.text()[-1].strip() == "0003-G9230-VQVSQ"


def test_a_symbol_that_cannot_be_drawn_is_printed_as_text() -> None:
    document = Document()
    document.barcode("X" * 60)
    document.qr("茶")

    data = b"".join(render(document, PaperSettings(columns=32)))

    assert b"XXX" in data
    assert b"\x1dk" not in data
    assert b"\x1d(k" not in data


@pytest.mark.parametrize(
    "change", [{"columns": 33}, {"cut": "torn"}, {"code_pages": ("cp9999",)}, {"code_pages": ()}]
)
def test_paper_that_no_printer_has_is_a_configuration_fault(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        PaperSettings(**change)  # type: ignore[arg-type]


def test_golden_bytes_of_an_ean_and_of_a_logo_in_bands() -> None:
    document = Document()
    document.ean("4006381333931")
    document.ean("4006381333932")
    document.image(8, 25, base64.b64encode(bytes(range(25))).decode())

    lines = render(document, PaperSettings(columns=48))

    assert lines == [
        b"\x1bJ\x0c\x1ba\x01\x1dh\x40\x1dw\x03\x1dH\x02\x1df\x00\x1dkC\x0d4006381333931\n\x1ba\x00",
        b"\x1ba\x014006381333932\n\x1ba\x00",
        b"\x1ba\x01\x1dv0\x00\x01\x00\x18\x00" + bytes(range(24)) + b"\x1ba\x00",
        b"\x1ba\x01\x1dv0\x00\x01\x00\x01\x00\x18\x1ba\x00",
    ]


@pytest.mark.parametrize(
    ("width", "height", "dots"), [(7, 1, "AA=="), (392, 1, "AA=="), (8, 161, "AA=="), (8, 9, "AA==")]
)
def test_a_picture_whose_dots_do_not_fill_it_is_never_printed(width: int, height: int, dots: str) -> None:
    with pytest.raises(CallerError) as refused:
        Document().image(width, height, dots)

    assert refused.value.code == "receipt-image-wrong"
