"""The documents are true where a machine can tell: links, commands, numbers, names of files and tests, error codes."""

from __future__ import annotations

import importlib
import re
from collections import deque
from typing import TYPE_CHECKING

import pytest

from tests.house import error_codes
from tests.house.command_lines import command_lines, faults_of_command
from tests.house.source import ROOT, files

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
CODE = (".py", ".js", ".sql", ".toml", ".sh")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:protocol|edge|cloud|simulators|tests|docs|deploy)/[\w/.-]+?)(?:::(\w+))?`")
NAMED_PAGE = re.compile(r"\bdocs/[\w/-]+\.(?:md|svg)\b")
# 512 MiB<!-- edge.journal.bounds:QUOTA_BYTES -->
MARK = re.compile(r"([\d,.]+)(?: ?(ms|s|min|h|hours|days|KiB|MiB))?<!-- ([\w.]+):(\w+) -->")
FACTORS = {"": 1, "KiB": 1024, "MiB": 1024**2}
IN_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "hours": 3_600_000, "days": 86_400_000}


def pages() -> list[Path]:
    """Every document of the project, without what others wrote."""
    return [path for path in files() if path.suffix == ".md" and "simulators" not in path.parts]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on display."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def without_code(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[tuple[str, Path, str]]:
    """Relative links of a page: as written, the file it leads to, the anchor in it."""
    found = []
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if "://" not in target and not target.startswith("mailto:"):
            place, _, anchor = target.partition("#")
            found.append((target, (page.parent / place).resolve() if place else page, anchor))
    return found


def link_faults(page: Path) -> list[str]:
    """Links that lead nowhere."""
    faults = []
    for target, place, anchor in links(page):
        if not place.exists():
            faults.append(f"{page.name}: {target}: there is no such file")
        elif anchor and place.suffix == ".md" and anchor not in anchors(place):
            faults.append(f"{page.name}: {target}: there is no such heading")
    return faults


def bound_faults(text: str) -> list[str]:
    """Marked numbers that are not those of the code."""
    faults = []
    for number, unit, module, name in MARK.findall(text):
        value = getattr(importlib.import_module(module), name)
        if re.search(r"_S(_|$)", name):
            value *= IN_MS["s"]
        if float(number.replace(",", "")) * (FACTORS | IN_MS)[unit] != value:
            faults.append(f"{number} {unit} is not {module}.{name}, which is {value}")
    return faults


def name_faults(text: str) -> list[str]:
    """Files and tests that a text names and that are not there."""
    faults = []
    for path, test in NAMED_FILE.findall(text):
        place = ROOT / path
        if not place.exists():
            faults.append(f"there is no {path}")
        elif test and f"def {test}(" not in place.read_text(encoding="utf-8"):
            faults.append(f"there is no {test} in {path}")
    return faults


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    assert link_faults(page) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_would_be_taken(page):
    text = page.read_text(encoding="utf-8")

    found = [fault for line in command_lines(text) for fault in faults_of_command(line)]

    assert found == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_marked_numbers_and_named_files_and_tests_are_those_of_the_code(page):
    text = page.read_text(encoding="utf-8")

    assert bound_faults(text) + name_faults(text) == []


def test_every_page_is_reached_from_the_index():
    reached, waiting = {INDEX}, deque([INDEX])

    while waiting:
        for _, place, _ in links(waiting.popleft()):
            if place.suffix == ".md" and place not in reached and place.exists():
                reached.add(place)
                waiting.append(place)

    assert [page for page in DOCS.rglob("*.md") if page not in reached] == []
    assert INDEX in {place for _, place, _ in links(ROOT / "README.md")}


def test_every_page_that_the_code_names_is_there():
    named = {
        (page, path.relative_to(ROOT).as_posix())
        for path in files()
        if path.suffix in CODE
        for page in NAMED_PAGE.findall(path.read_text(encoding="utf-8"))
    }

    assert [f"{where} names {page}" for page, where in sorted(named) if not (ROOT / page).exists()] == []


def test_the_page_of_error_codes_is_that_of_the_code():
    written = error_codes.PAGE.read_text(encoding="utf-8")

    is_the_same = written == error_codes.page()

    assert is_the_same, "write it anew: .venv/bin/python -m tests.house.error_codes"


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("# One two\n[a](b.md) [b](#one-two) [c](#three) [d](a.md#one-two)\n```\n[e](f.md)\n```\n")

    assert link_faults(page) == [
        "a.md: b.md: there is no such file",
        "a.md: #three: there is no such heading",
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("512 MiB<!-- edge.journal.bounds:QUOTA_BYTES -->", 0),
        ("511 MiB<!-- edge.journal.bounds:QUOTA_BYTES -->", 1),
        ("7 days<!-- edge.journal.bounds:KEEP_MS -->", 0),
        ("20 ms<!-- edge.uplink.uplink:STATE_MS -->", 1),
        ("20 s<!-- edge.uplink.link:KEEPALIVE_S -->", 0),
        ("1,000<!-- protocol.limits:MAX_BASKET_LINES -->", 0),
    ],
)
def test_a_marked_number_that_is_not_the_codes_is_found(text, count):
    assert len(bound_faults(text)) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("`edge/agent.py`", 0),
        ("`edge/nothing.py`", 1),
        ("`tests/house/test_docs.py::test_every_link_leads_somewhere`", 0),
        ("`tests/house/test_docs.py::test_nothing`", 1),
    ],
)
def test_a_named_file_that_is_not_there_is_found(text, count):
    assert len(name_faults(text)) == count


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("tillbox demo --headless --sales 10", 0),
        ("tillbox demo --headles", 1),
        ("tillbox demo --sales 0", 1),
        ("tillbox fleet push FILE --cloud DIR --tenant T", 0),
        ("tillbox fleet push FILE", 1),
        ("tillbox fleet pull", 1),
        ("tillbox cloud --data DIR --init", 0),
        ("tillbox cloud --date DIR", 1),
        ("tillbox cloud repair --data DIR --tenant TENANT", 0),
        ("tillbox cloud repair --data DIR", 1),
        ("tillbox cloud mend --data DIR", 1),
        ("tillbox fleet list [--tenant T] --cloud DIR  what is enrolled", 0),
        ("tillbox sim NAME", 0),
        ("tillbox sim scanner|scale --path PATH", 0),
        ("tillbox sim scanner|scales --path PATH", 1),
        ("./run --screen-port 8080", 0),
        ("./run --port 8080", 1),
        ("./check --fast", 0),
        ("./check --slow", 1),
        ("python -m tests.house.error_codes", 0),
        ("python -m tests.house.nothing", 1),
    ],
)
def test_a_command_line_that_would_be_refused_is_found(line, count):
    assert len(faults_of_command(line)) == count


def test_command_lines_are_found_in_blocks_of_the_shell_and_in_spans():
    text = "```json\n{}\n```\n```\n$ tillbox fleet \\\n  list  tells\nother\n```\nSay `tillbox demo` or `./check`."

    assert command_lines(text) == ["tillbox fleet list  tells", "tillbox demo ...", "./check ..."]
