"""Counts skips: with TOOLKIT_CI=1 a test that skips fails the run, and is named.

A machine of CI has all that the tests need; what skips there is not tested by anybody. `soak` is
excepted: those tests run by `make soak`. Registered with `-p tests.ci_skips`.
"""

from __future__ import annotations

import os

import pytest

EXPECTED = "soak"


class Skips:
    """The skips of one run."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test; an expected failure is no skip."""
        if report.skipped and not hasattr(report, "wasxfail") and EXPECTED not in report.keywords:
            self.found[report.nodeid] = reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A whole file."""
        if report.skipped:
            self.found[report.nodeid] = reason(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would have passed."""
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name them."""
        if self.found:
            terminalreporter.section(f"{len(self.found)} skipped, and none may skip here", red=True)
            for test, why in self.found.items():
                terminalreporter.write_line(f"{test}: {why}")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it skipped, in its own words."""
    where = report.longrepr
    return str(where[2] if isinstance(where, tuple) else where).removeprefix("Skipped: ")


def pytest_configure(config: pytest.Config) -> None:
    """Count on a machine of CI only."""
    if os.environ.get("TOOLKIT_CI") == "1":
        config.pluginmanager.register(Skips(), "skips")
