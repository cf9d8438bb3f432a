"""Kernels of the tests are kept in a folder of the test run, shared by its processes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    before = os.environ.get("PPC_KERNEL_CACHE")
    os.environ["PPC_KERNEL_CACHE"] = str(run / "kernels")
    yield
    if before is None:
        del os.environ["PPC_KERNEL_CACHE"]
    else:
        os.environ["PPC_KERNEL_CACHE"] = before
