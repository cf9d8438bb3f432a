"""Kernels of the tests are kept in a folder of the test run; fields too small for use are there where a test asks."""

from __future__ import annotations

import pytest

from ppc.field import FIELDS
from tests.runtime.kernels.conftest import kernel_cache
from tests.runtime.small import TINY

__all__ = ["kernel_cache"]


@pytest.fixture
def tiny_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in TINY.values():
        monkeypatch.setitem(FIELDS, field.name, field)
