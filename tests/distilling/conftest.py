"""A folder to distil in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppc.cli import main
from tests.distilling.commands import PROGRAM
from tests.distilling.made import corners


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a program, a key and data."""
    (tmp_path / "small.pnn").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["key", "new", "device.key"]) == 0
    for name, seed in (("data", 1), ("test", 2)):
        found = corners(60, seed=seed)
        np.savez(f"{name}.npz", image=np.clip(found.images.numpy(), 0, 1), labels=found.classes.numpy())
    return tmp_path
