"""`tillbox receipt`: a tenant checks a template and looks at what it prints, in every form and on both papers."""

from __future__ import annotations

import io
import json
import re

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from protocol.document import Document
from protocol.document_html import escaped, to_html
from protocol.template.template import read_template, template_hash
from simulators.commandline import tillbox
from simulators.commands.receipt_samples import samples
from simulators.commands.receipt_symbols import svg_of
from simulators.printer.picture import MARGIN
from tests.house.source import ROOT

PAGE = (ROOT / "docs" / "reference" / "receipt-templates.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```\n(.*?)```", PAGE, re.DOTALL)


def run(*arguments, code=0):
    result = CliRunner().invoke(tillbox, ["receipt", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def template(tmp_path):
    assert EXAMPLE is not None
    path = tmp_path / "shop.tpl"
    path.write_text(EXAMPLE[1], encoding="utf-8")
    return path


@pytest.fixture
def logo(tmp_path):
    path = tmp_path / "logo.png"
    Image.new("L", (64, 32), 0).save(path)
    return path


def test_check_names_the_template_by_its_hash(template, logo):
    told = json.loads(run("check", template, "--logo", logo, "--json").output)

    assert re.fullmatch("[0-9a-f]{64}", told["hash"])
    assert told["instructions"] > 30


def test_a_wrong_template_is_refused_with_its_place(tmp_path):
    path = tmp_path / "shop.tpl"
    path.write_text("A\n{{ sale.totl }}\n", encoding="utf-8")

    result = CliRunner().invoke(tillbox, ["receipt", "check", str(path)])

    assert result.exit_code != 0
    assert "line 2, column 4: there is no totl here; did you mean total_minor?" in str(result.exception)


def test_compile_writes_the_document_that_boxes_take(template, tmp_path):
    said = run("compile", template, "--out", tmp_path / "out.json").output.strip()

    document = json.loads((tmp_path / "out.json").read_bytes())

    assert template_hash(document) == said
    assert read_template(document).logo is None


@pytest.mark.parametrize("sample", samples())
@pytest.mark.parametrize("paper", ["58", "80"])
def test_every_sample_is_shown_in_every_form(template, logo, sample, paper):
    shown = ["preview", "--template", template, "--logo", logo, "--sample", sample, "--paper", paper]

    text = run(*shown, "--language", "zh").output
    page = run(*shown, "--format", "html").output
    sent = run(*shown, "--format", "escpos").stdout_bytes
    picture = Image.open(io.BytesIO(run(*shown, "--format", "png").stdout_bytes))

    assert "谢谢惠顾" in text
    assert page.count("<svg") == 3, "logo, EAN and QR code"
    assert sent.startswith(b"\x1b@")
    assert picture.width == {"58": 384, "80": 576}[paper] + 2 * MARGIN


def test_values_of_ones_own_are_shown(tmp_path):
    sale = {"sale": {"order": "X-1", "total_minor": 1234}, "store": {"name": "My shop"}, "currency": "EUR"}
    path = tmp_path / "sale.json"
    path.write_text(json.dumps(sale), encoding="utf-8")

    shown = run("preview", "--sale", path).output

    assert "My shop" in shown
    assert re.search(r"TOTAL +EUR 12.34", shown)


def test_a_file_goes_where_it_is_told(template, tmp_path):
    run("preview", "--template", template, "--format", "png", "--out", tmp_path / "a.png")

    assert Image.open(tmp_path / "a.png").height > 300


def test_samples_are_drawn_for_both_papers_and_languages(tmp_path):
    run("samples", "--out", tmp_path / "pictures")

    assert len(list((tmp_path / "pictures").glob("*.png"))) == 4 * len(samples())


def test_faults_of_files_are_named(tmp_path):
    for arguments, code in (
        (["check", tmp_path / "none.tpl"], "template-file-missing"),
        (["preview", "--sample", "tea"], "receipt-sample-unknown"),
        (["preview", "--sale", tmp_path / "none.json"], "receipt-values-wrong"),
    ):
        result = CliRunner().invoke(tillbox, ["receipt", *map(str, arguments)])

        assert getattr(result.exception, "code", "") == code


@given(st.text(max_size=40))
def test_nothing_of_a_text_becomes_html(text):
    document = Document()
    document.text(text)
    document.columns(text, text, is_bold=True)
    document.qr(text)

    shown = to_html(document, lambda *_: "")

    assert len(re.findall("<", shown)) == 12
    assert escaped("<a href=\"'&") == "&lt;a href=&quot;&#39;&amp;"


def test_symbols_that_cannot_be_drawn_stay_text():
    assert svg_of("ean", "123") == ""
    assert svg_of("barcode", "茶") == ""
    assert svg_of("qr", "茶").startswith("<svg")
    assert "&lt;b>" in svg_of("barcode", "<b>")
