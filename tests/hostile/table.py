"""Makes docs/reference/hostile-cases.md: `python -m tests.hostile.table` runs every test that names a row and counts.

An attempt is one test case, or as many as a test says it made. A failed test counts as wrongly accepted. The page's
list of rows is held to the collected tests by `test_table.py`.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.hostile.rows import LATER, ROWS, TRIED, Row, rows_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "hostile-cases.md"
PLACES = ("tests/hostile", "tests/cloud", "tests/edge")

HEAD = """# Hostile cases

What a thief, a broken device or a bad day could send, what must be observed, and how often it was tried. Each row is
tried by tests that name it, most of them under `tests/hostile/`; everything real runs there: serial lines, sockets,
brokers, databases, processes. An attempt is one test case, or one of the many that a test makes. *Wrong* counts what
was accepted though it must not be; it must be 0. Whole sales with processes killed at every fault point are under
`tests/journeys/`, real processes under every fault under `tests/torture/`: the [five counters](five-counters.md)
judge them, they are not counted here.

This page is made by `python -m tests.hostile.table`, which runs those tests; a test holds its rows to them.
"""


class Count:
    """Counts outcomes by row: give it to pytest as a plugin."""

    def __init__(self) -> None:
        self.attempts: Counter[int] = Counter()
        self.wrong: Counter[int] = Counter()
        self.skipped: Counter[int] = Counter()
        self.files: defaultdict[int, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave only what names a row."""
        wanted = [item for item in items if rows_of(item.nodeid)]
        for item in wanted:
            for row in rows_of(item.nodeid):
                self.files[row].add(item.nodeid.partition("::")[0])
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one test's outcome."""
        for row in rows_of(report.nodeid):
            if report.when == "call" and report.passed:
                self.attempts[row] += int(str(dict(report.user_properties).get(TRIED, 1)))
            elif report.failed:
                self.attempts[row] += report.when == "call"
                self.wrong[row] += 1
            elif report.skipped:
                self.skipped[row] += 1


def page(count: Count) -> str:
    """The page as text."""
    lines = [HEAD]
    section = ""
    for row in ROWS:
        if row.section != section:
            section = row.section
            lines += [f"\n## {section}\n", "| # | attack | must be observed | attempts | wrong | tests |"]
            lines.append("|---|---|---|---:|---:|---|")
        lines.append(_line(row, count))
    total, wrong = sum(count.attempts.values()), sum(count.wrong.values())
    lines.append(f"\nAttempts in all: {total:,}; accepted wrongly: {wrong}.\n")
    lines += ["\n## Later\n", "These rows attack what does not exist yet.\n", "| # | with |", "|---|---|"]
    lines += [f"| {number} | {reason} |" for number, reason in sorted(LATER.items())]
    return "\n".join(lines) + "\n"


def rows_on(text: str) -> tuple[set[int], set[int]]:
    """The numbers of rows that a page shows as tried, and as later."""
    tried, _, later = text.partition("## Later")
    return _numbers(tried), _numbers(later)


def _numbers(text: str) -> set[int]:
    first = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return {int(word) for word in first if word.isdigit()}


def _line(row: Row, count: Count) -> str:
    files = ", ".join(f"`{path}`" for path in sorted(count.files[row.number]))
    attack, observed = row.attack.replace("|", "\\|"), row.observed
    tried, wrong = count.attempts[row.number], count.wrong[row.number]
    return f"| {row.number} | {attack} | {observed} | {tried:,} | {wrong} | {files} |"


def main() -> int:
    """Run, count and write the page; 1 when anything was accepted wrongly or not tried at all."""
    count = Count()
    places = [str(ROOT / place) for place in PLACES if (ROOT / place).is_dir()]
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *places], plugins=[count])
    PAGE.write_text(page(count))
    untried = [row.number for row in ROWS if not count.attempts[row.number]]
    sys.stderr.write(
        f"rows not tried: {untried}; skipped: {dict(count.skipped)}; wrong: {dict(count.wrong)}\n"
    )
    return 1 if untried or count.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
