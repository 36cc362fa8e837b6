"""Every word of the screen exists in every language, and every slug of the box has words."""

from __future__ import annotations

import re

import pytest

from cloud.cardzone.response_codes import DECLINES
from edge.screen.server import STATIC

WORDS = (STATIC / "words.js").read_text(encoding="utf-8")
SCRIPTS = "".join((STATIC / name).read_text(encoding="utf-8") for name in ("pages.js", "staff.js", "page.js"))
# Said as "your bank did not allow it": no more is anyone's business at a till.
SAID_AS_BANK = {
    "call-issuer", "card-withheld", "declined-by-issuer", "purchase-invalid", "amount-invalid", "fraud-suspected",
    "card-restricted", "card-lost", "card-stolen", "security-violation", "reversal-unmatched", "duplicate",
}  # fmt: skip


def table(name: str, language: str) -> dict[str, str]:
    block = re.search(rf"const {name} = \{{(.*?)\n\}};", WORDS, re.DOTALL)
    assert block is not None
    part = re.search(rf"\n  {language}: \{{(.*?)\n  \}},", block[1], re.DOTALL)
    assert part is not None
    return dict(re.findall(r'\n    "?([\w-]+)"?:\s+"(.*?)",', part[1]))


@pytest.mark.parametrize("name", ["WORDS", "NOTICES", "DECLINES", "STAFF"])
def test_both_languages_have_the_same_words_with_the_same_gaps(name):
    english, chinese = table(name, "en"), table(name, "zh")

    assert len(english) > 8
    assert english.keys() == chinese.keys()
    gaps = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert gaps == {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in chinese.items()}
    assert all(re.search(r"[\u4e00-\u9fff]|^[A-Z0-9{]", text) for text in chinese.values())


def test_every_word_that_the_page_asks_for_exists():
    known = table("WORDS", "en").keys() | table("STAFF", "en").keys()

    asked = set(re.findall(r'\bt\("([\w-]+)"', SCRIPTS))

    assert len(asked) > 60
    assert asked <= known


def test_every_word_is_asked_for():
    asked = set(re.findall(r'"([\w-]+)"', SCRIPTS))
    families = (*re.findall(r"`([\w]+-)\$", SCRIPTS), "offline-", "reader-", "staff-")

    unused = [
        key
        for key in table("WORDS", "en") | table("STAFF", "en")
        if key not in asked and not key.startswith(families)
    ]

    assert unused == []


def test_every_reason_of_a_decline_is_said_on_purpose():
    families = dict(
        re.findall(r'"?([\w-]+)"?: "([\w-]+)"', WORDS.split("const DECLINE_FAMILY")[1].split("};")[0])
    )

    assert set(families.values()) <= table("DECLINES", "en").keys()
    assert set(DECLINES.values()) - families.keys() == SAID_AS_BANK & set(DECLINES.values())
    assert not {"card-stolen", "card-lost", "fraud-suspected"} & families.keys()
