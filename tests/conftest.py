"""What every test may ask for."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.golden import UPDATE, Golden

# How long an example takes says something of the machine, nothing of the code.
settings.register_profile("ppc", deadline=None)
settings.load_profile("ppc")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(UPDATE, action="store_true", help="write the golden files instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files of this test."""
    return Golden.of(request.node.nodeid, update=bool(request.config.getoption(UPDATE)))
