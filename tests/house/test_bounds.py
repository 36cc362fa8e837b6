"""The page of bounds is that of the code, every bound has a reason and a decided end, and every named test exists."""

from __future__ import annotations

import pytest

from tests.house.bounds import PAGE, TOLD, bounds, bounds_of, gone, page, untold
from tests.house.source import ROOT, Source


def test_the_page_of_bounds_is_that_of_the_code():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: .venv/bin/python -m tests.house.bounds"


def test_of_every_bound_it_is_told_what_happens_there():
    found = bounds()

    assert untold(found) == [], "say in tests/house/bounds.json what happens there, and which test proves it"
    assert gone(found) == [], "take it out of tests/house/bounds.json"


def test_every_bound_stands_beside_its_reason():
    assert [bound.full_name for bound in bounds() if not bound.reason] == []


def test_every_test_that_proves_a_bound_is_there():
    told = [told["test"] for group in TOLD["groups"] for told in group["bounds"]]
    told += [told["test"] for told in TOLD["modules"].values()]

    missing = []
    for test in told:
        path, _, name = test.partition("::")
        place = ROOT / path
        if not place.exists() or (name and f"def {name}(" not in place.read_text(encoding="utf-8")):
            missing.append(test)

    assert missing == []


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("TRIES = 3  # a fourth helps nobody", ["a fourth helps nobody"]),
        ("# A fourth helps\n# nobody.\nTRIES = 3", ["A fourth helps nobody"]),
        ("TRIES = (\n    3  # a fourth helps nobody\n)", ["a fourth helps nobody"]),
        ("TRIES = 3", [""]),
        (
            "# A fourth helps nobody.\nDELAY_S = 1\nTRIES = 3",
            ["A fourth helps nobody", "A fourth helps nobody"],
        ),
        ("KEY_BYTES = 32", []),
        ("ENGINE = 1", []),
        ("TRIES = int('3')", []),
    ],
)
def test_a_bound_and_its_reason_are_read_from_the_code(text, reasons, monkeypatch):
    monkeypatch.setattr("tests.house.bounds.importlib.import_module", lambda _: Constants)

    assert [bound.reason for bound in bounds_of(Source("edge/agent.py", text))] == reasons


class Constants:
    TRIES = 3
    DELAY_S = 1
