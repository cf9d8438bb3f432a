"""Examples, compiled at every level: the run is its twin to the last bit, and sends what was predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from tests.runtime.plans import same_as_twin

EXAMPLES = Path(__file__).parents[2] / "examples"


def given(plan: Plan) -> dict[str, Any]:
    """Data within its bounds, small weights, one-hot labels."""
    generator = np.random.default_rng(3)
    found: dict[str, Any] = {}
    for step in plan.steps():
        shape, bounds = step.wire.shape, step.wire.bounds
        if step.op != "given" or step.word("what") == "zero":
            continue
        if step.word("what") == "label":
            found[step.name] = np.eye(shape[1])[generator.integers(0, shape[1], shape[0])]
        else:
            assert bounds is not None
            span = 0.1 if step.word("what") == "parameter" else 1.0
            found[step.name] = generator.uniform(bounds.low * span, bounds.high * span, shape)
    return found


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("name", "train"), [("mlp", True), ("shallow", False)])
def test_an_example(name: str, train: bool, level: int) -> None:
    compiled = compile_program(EXAMPLES / f"{name}.pnn", train=train, batch=2)
    plan = lowered(compiled, level=level).plan
    same_as_twin(plan, given(plan), iterations=2 if train else 1)
