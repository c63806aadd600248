"""What all tests share. With SAHUT_REQUIRE_ALL=1 (as in .ci/run) a skipped test is a failed test."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ["tests.databases"]

REQUIRE_ALL = os.environ.get("SAHUT_REQUIRE_ALL") == "1"

# No test may depend on the settings of whoever runs it.
for name in [name for name in os.environ if name.startswith("SAHUT_") and name != "SAHUT_REQUIRE_ALL"]:
    del os.environ[name]

# A busy machine is no failure; a counter-example found once is found again.
settings.register_profile("sahut", deadline=None, derandomize=True, database=None, max_examples=30)
settings.register_profile("long", deadline=None, derandomize=True, database=None, max_examples=300)
settings.load_profile("sahut")


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def judged(report: Report) -> Report:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which SAHUT_REQUIRE_ALL=1 forbids: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return judged((yield))


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """For who calls `logs.setup`: what it changes is the whole process's."""
    root, own = logging.getLogger(), logging.getLogger("sahut_bot")
    before = root.handlers[:], root.level, own.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])
    structlog.reset_defaults()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A test that needed its second try (see tests/browser) passed, but not without a word."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, said in getattr(report, "user_properties", ()):
                if name == "retried" and report.when == "call":
                    terminalreporter.write_line(f"RETRIED {said}")
