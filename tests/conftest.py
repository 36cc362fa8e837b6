"""What every test may ask for, and the rule about skipping: by name, loudly, and never when CI=true."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, TypeVar

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

NOTHING_MAY_BE_SKIPPED = os.environ.get("CI") == "true"
# Debian puts servers where a user's PATH does not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/opt/homebrew/sbin"])
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Speed is measured in benchmarks; a machine with other things to do must not fail a property.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")


def find_program(*names: str) -> str:
    """Return the path of the first of `names` that is installed; skip the asking test when none is."""
    for name in names:
        found = shutil.which(name, path=SEARCH_PATH)
        if found is not None:
            return found
    pytest.skip(f"needs {names[0]}, which is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium for Playwright."""
    return find_program(*BROWSERS)


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """The path of the mosquitto broker."""
    return find_program("mosquitto")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure when nothing may be skipped."""
    report = yield
    return refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file into a failure when nothing may be skipped."""
    report = yield
    return refuse_skip(report)


def refuse_skip(report: Report) -> Report:
    """Return the report, failed if it was a skip that is not allowed."""
    if NOTHING_MAY_BE_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI=true and yet skipped: {reason_of(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped, by name and with the reason."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"SKIPPED, NOT TESTED HERE: {len(skipped)}")
    for report in skipped:
        terminalreporter.write_line(f"{report.nodeid}: {reason_of(report)}")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason that was given for a skip."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr)
