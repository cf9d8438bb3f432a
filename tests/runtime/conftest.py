"""Kernels of the tests are kept in a folder of the test run, as those of the kernels' own tests are."""

from tests.runtime.kernels.conftest import kernel_cache

__all__ = ["kernel_cache"]
