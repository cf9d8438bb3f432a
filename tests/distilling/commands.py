"""A program to distil by commands, and the commands."""

from __future__ import annotations

import pytest

PROGRAM = """model small(image: real[1, 4, 4] in 0..1) -> real[3] {
    dense(12)
    tanh
    dense(3)
}

train small by distilled {
    key file "device.key"
    samples 6
    images learned
    steps 2
    epochs 40
    batch 30
    rate 0.05
    lock 0.1
    require accuracy >= 90%
}
"""
QUICK = PROGRAM.replace("epochs 40", "epochs 1").replace("    require accuracy >= 90%\n", "")

TRAIN = ["train", "small.pnn", "--data", "data.npz", "--test", "test.npz", "-o", "small.secdd"]
DEVICE = ["party", "device", "small.secdd", "--program", "small.pnn"]


def codes(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split()[1] for line in capsys.readouterr().err.splitlines() if line.startswith("-- PPC")]
