"""Labels at the server's command line, whatever becomes of the student."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ppc.cli import labelling
from ppc.errors import PpcError, fail
from tests.collaborative.test_processes import PATE


def test_labels_that_were_paid_for_are_written_though_the_student_diverges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = (np.zeros(6, np.int64), {"epsilon": 1.0})
    monkeypatch.setattr("ppc.collaborative.student.by_counts", Mock(return_value=opened))
    diverges = Mock(side_effect=fail("PPC682", "It diverges.", hint=""))
    monkeypatch.setattr("ppc.collaborative.student.taught", diverges)
    arguments = Namespace(labels=tmp_path / "labels.npz", output=None, seed=None, public=tmp_path)
    task, network = Mock(pate=PATE, asked=Mock(return_value=6)), Mock(data="x", classes=3)

    with pytest.raises(PpcError, match="PPC682"):
        labelling.labels(arguments, task, Mock(), network, torch.zeros(6, 2), None)
    with np.load(tmp_path / "labels.npz") as rows:
        assert rows["labels"].tolist() == [0] * 6
    assert json.loads((tmp_path / "labels.privacy.json").read_text()) == {"epsilon": 1.0}
