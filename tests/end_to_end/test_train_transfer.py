"""The shipped example of a transfer: public convolutions, private dense layers, and what comes out is used at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ppc.data import examples
from ppc.weights.stored import stored
from tests.end_to_end.machines import ppc
from tests.sources import CHECKOUT

STEPS = 3


def test_the_example_trains_within_its_bounds(tmp_path: Path) -> None:
    """More steps than it takes for weights that begin at a bound to leave it."""
    text = (CHECKOUT / "examples" / "transfer.pnn").read_text("utf-8")
    (tmp_path / "transfer.pnn").write_text(text.replace("epochs=8", "epochs=1"), "utf-8")
    few = examples(f"digits28:{32 * STEPS}")
    assert few.labels is not None
    np.savez(tmp_path / "few.npz", images=few.images, labels=few.labels % 5)
    data = ("--data", "few.npz", "--test", "few.npz", "--seed", 1)
    done = ppc("train", "transfer.pnn", *data, "-o", "model.safetensors", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["predicted"] == facts["measured"]
    assert len(facts["loss"]) == STEPS
    with stored(tmp_path / "model.safetensors") as arrays:
        found = {array.name: array.read() for array in arrays}
    assert len(found) == 8
    assert np.abs(found["dense1.weight"]).max() < 0.1
    run = ("run", "transfer.pnn", "--mode", "clear", "--weights", "model.safetensors", "--input", "few.npz")
    assert ppc(*run, "-o", "answers.npz", "-q", cwd=tmp_path).returncode == 0
