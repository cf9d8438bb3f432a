"""A file of folded weights is a weights file like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.cli import main

ROOT = Path(__file__).parents[2]
PROGRAM = """
party a, b
model net(image: real[1, 28, 28] in 0..1) -> real[4] {
    conv2d(3, kernel=3, bias=false)
    batch_norm
    relu
    dense(4)
}
private net {
    image   from a
    weights from b in -2..2
    result  to   a
    joint
}
"""


def test_a_folded_file_lists_and_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`weights fold` writes what `weights list` and `run` read, and the answer is the same."""
    program, whole, folded = tmp_path / "net.pnn", tmp_path / "w.safetensors", tmp_path / "f.safetensors"
    program.write_text(PROGRAM)
    assert main(["weights", "init", str(program), "-o", str(whole), "--seed", "3"]) == 0
    assert main(["weights", "fold", str(program), str(whole), "-o", str(folded)]) == 0
    capsys.readouterr()

    assert main(["weights", "list", str(program), str(folded)]) == 0
    assert "conv1.bias" in capsys.readouterr().out
    results: list[str] = []
    for weights in (whole, folded):
        images = str(ROOT / "examples" / "images.npz")
        assert main(["run", str(program), "--mode", "clear", "--weights", str(weights), "--input", images]) == 0
        results.append(capsys.readouterr().out)
    assert results[0] == results[1]
