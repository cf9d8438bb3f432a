"""Certificates of three parties, made once; tests that change a folder make their own."""

from __future__ import annotations

import pytest

from ppc.runtime.keyring import Keyring
from tests.runtime.kernels.conftest import kernel_cache
from tests.wire.ends import keyrings

__all__ = ["kernel_cache"]


@pytest.fixture(scope="session")
def rings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Keyring]:
    return keyrings(tmp_path_factory.mktemp("rings"))
