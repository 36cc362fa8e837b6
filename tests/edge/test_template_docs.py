"""The page of templates says what the code takes: its example compiles, its tables name everything there is."""

from __future__ import annotations

import re

from protocol.receipt_labels import ENGLISH
from protocol.template.filters import FILTERS
from protocol.template.lines import STYLES, TAGS
from protocol.template.names import kinds_of, objects
from protocol.template.template import compile_template, read_template
from tests.house.source import ROOT

PAGE = (ROOT / "docs" / "reference" / "receipt-templates.md").read_text(encoding="utf-8")


def test_the_example_compiles():
    source = re.search(r"```\n(.*?)```", PAGE, re.DOTALL)

    assert source is not None
    assert read_template(compile_template(source[1])).program.code


def test_every_name_filter_tag_style_and_word_is_on_the_page():
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    told = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", prose))))
    names = {field for name in objects() for field in kinds_of(name)}

    missing = (names | set(FILTERS) | set(TAGS) | set(STYLES) | set(ENGLISH)) - told

    assert missing == set()
