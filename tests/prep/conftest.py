"""Kernels of the tests are kept in a folder of the test run."""

from __future__ import annotations

from tests.runtime.kernels.conftest import kernel_cache

__all__ = ["kernel_cache"]
