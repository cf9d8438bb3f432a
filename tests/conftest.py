"""What every test may ask for."""

from __future__ import annotations

import pytest

from tests.golden import Golden


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files in place of comparing them")


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Golden:
    """Compare a text with a file of tests/golden."""
    return Golden(update=bool(pytestconfig.getoption("--update-golden")))
