"""Says at the end of a test run what was tested on less than it should be."""

from __future__ import annotations

import pytest

WITHOUT = "without network namespaces"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A test that had to do without machines of their own passes, and nobody may overlook it."""
    for report in terminalreporter.getreports("passed"):
        for why in (value for name, value in report.user_properties if name == WITHOUT):
            terminalreporter.section("LESS WAS TESTED THAN COULD BE", sep="!", red=True)
            terminalreporter.line(f"{report.nodeid}: no network namespaces here ({why}).")
            terminalreporter.line("Its machines were addresses 127.0.0.x: one network stack, no latency, no names.")
