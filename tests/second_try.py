"""A pytest plugin: a test in a browser that fails is run once more, and both are told.

What it said at first is printed at the end, and the summary counts it. Not loaded by itself:
``make test ARGS="-p tests.second_try"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol  # as pytest-rerunfailures does

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

AGAIN = "second try"
BROWSER = "tests/browser/"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test of the browser, twice if need be."""
    if not item.nodeid.startswith(BROWSER):
        return None
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failed = [report for report in reports if report.failed]
    if failed:
        reports = [*failed, *runtestprotocol(item, log=False, nextitem=nextitem)]
        for report in failed:
            report.outcome = AGAIN  # type: ignore[assignment] # told by the hooks below
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Name the outcome of a first try that failed."""
    return (AGAIN, "R", AGAIN.upper()) if report.outcome == AGAIN else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print what first tries said."""
    reports = terminalreporter.getreports(AGAIN)
    if reports:
        terminalreporter.section("failed at first")
    for report in reports:
        terminalreporter.section(report.nodeid, sep="_")
        report.toterminal(terminalreporter._tw)
        for title, content in report.sections:
            terminalreporter.section(title, sep="-")
            terminalreporter.line(content)
