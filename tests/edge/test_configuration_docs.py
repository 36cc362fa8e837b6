"""The reference of the configuration says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from edge import configuration, configuration_check
from edge.settings import Settings
from protocol import limits
from protocol.settings import BOUNDS, SETTINGS

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/configuration.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_setting_stands_in_the_table_with_its_bounds_and_default():
    table = {row[0].strip("`"): row for row in rows("Settings")}
    defaults = Settings()

    assert set(table) == set(SETTINGS)
    assert {entry.name for entry in fields(Settings)} == set(SETTINGS)
    for name, (least, most) in BOUNDS.items():
        assert table[name][1:4] == [str(least), str(most), str(getattr(defaults, name))]
    for entry in fields(Settings):
        assert (table[entry.name][1] != "") == (entry.name in BOUNDS)


def test_every_reason_stands_in_the_table():
    table = {row[0].strip("`") for row in rows("Answers")}
    named = {
        value
        for module in (configuration, configuration_check)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", value)
    }

    assert named <= table
    assert table - named == {
        "unsigned",
        "incomplete",
        "too-large",
        "settings-wrong",
        "config-write-failed",
        "slot-damaged",
    }


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert limits.MAX_CONFIGURATION_BYTES == 64 * 1024
    assert limits.MAX_CONFIGURATION_VERSION == 2**30 - 1
    assert limits.MAX_CONFIGURATION_STEP == 10_000
    assert limits.MAX_CONFIGURATION_VALIDITY_MS == 366 * 24 * 3_600_000
    assert (configuration.SOAK_MS, configuration.SICK_MS, configuration.TRIAL_MS) == (15_000, 10_000, 600_000)
