"""A plan in the clear, with the masks of a run on shares as its coins: every value is the run's, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.errors import InternalError
from ppc.field import to_integers
from ppc.plan.steps import Plan, Step
from ppc.protocol import lowered
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.lazy import Local
from ppc.runtime.session import passes
from ppc.runtime.twin import Record
from ppc.runtime.unshared import DrawnMasks, RecordedMasks, Unshared, rounded
from ppc.runtime.unshared_rules import Compared, Plain, Planes, number
from tests.end_to_end.joint_models import random_program
from tests.plan_runs import given_values, some_values
from tests.runtime.plans import Transcript, run, seeds, unpacked
from tests.sources import CHECKOUT


class Kept(Unshared):
    """Keeps every value as integers, or as reals where they are."""

    found: dict[str, Any]

    def keep(self, step: Step, value: Any) -> None:
        super().keep(step, value)
        if isinstance(value, Planes):
            size = int(np.prod(value.shape))
            self.found[step.name] = unpacked(value.bits, size).reshape(step.wire.shape)
        elif isinstance(value, Plain):
            self.found[step.name] = to_integers(self.local.store(number(self.local, value)), self.plan.modulus_field)
        elif not isinstance(value, Compared):
            self.found[step.name] = value


def same_as_the_run(plan: Plan, given: Mapping[str, Any], *, iterations: int = 1, variant: str = "slow") -> Transcript:
    transcript = run(plan, given, iterations=iterations, seed=1, variant="slow", timeout=120.0)
    coins = dict(zip(plan.parties, map(Coins, seeds(1)[3:]), strict=True))
    clear = Kept(plan, coins, RecordedMasks(transcript), variant=variant)
    for section, iteration in passes(plan, iterations):
        clear.found = {}
        clear.run(section, iteration, given)
        for name, value in clear.found.items():
            wanted = transcript.value(name, section, iteration)
            if plan.wires[name].form in ("clear", "public") and not plan.wires[name].real:
                wanted = to_integers(wanted, plan.modulus_field)
            assert np.array_equal(np.asarray(value).reshape(np.shape(wanted)), wanted), name
    return transcript


@pytest.mark.parametrize("seed", [0, 2, 4, 5, 7, 8, 10, 11])
def test_a_random_model(seed: int) -> None:
    program = random_program(seed).lowered
    values = some_values(program.graphs[-1].graph, np.random.default_rng(seed), weights=0.5)

    same_as_the_run(program.plan, given_values(program.plan, values))


@pytest.mark.parametrize(
    ("name", "level"), [("mlp", 0), ("mlp", 1), ("mlp", 2), ("shallow_train", 2), ("shallow_cubic", 1)]
)
def test_training_of_an_example(name: str, level: int) -> None:
    """One with comparisons, one whose parties shift their own shares; on the fast kernels."""
    compiled = compile_program(CHECKOUT / f"examples/{name}.pnn", train=True, batch=1)
    plan = lowered(compiled, level=level).plan
    values = some_values(compiled.graph, np.random.default_rng(2), weights=0.1)

    same_as_the_run(plan, given_values(plan, values), iterations=2)


def test_other_masks_round_otherwise_by_one_unit_at_most() -> None:
    """Their coins decide up or down, and nothing else."""
    compiled = compile_program(CHECKOUT / "examples/shallow.pnn", batch=2)
    plan = lowered(compiled).plan
    given = given_values(plan, some_values(compiled.graph, np.random.default_rng(2), weights=0.1))
    (truncated, *_) = (step for step in plan.steps() if step.op == "truncate" and step.layer == "conv1")

    found: list[Any] = []
    for secret in (b"1", b"2"):
        clear = Kept(
            plan, masks=DrawnMasks(plan, Local(plan.modulus_field, variant="slow"), Seed(secret)), variant="slow"
        )
        clear.found = {}
        clear.run("setup", 0, given)
        clear.run("each", 0, given)
        found.append(clear.found[truncated.name])
    modulus = plan.modulus_field.modulus
    differences = set(((found[0] - found[1] + 1) % modulus).ravel())

    assert differences == {0, 1, 2}


def test_a_mask_that_rounds_nothing_is_not_drawn() -> None:
    compiled = compile_program(CHECKOUT / "examples/shallow_train.pnn", train=True)
    plan = lowered(compiled).plan

    assert "image.encoded.masked" not in rounded(plan)
    assert {"conv1.3.masked", "dense1.flatten.backward.masked"} <= rounded(plan)


def test_a_run_without_the_coin_that_is_asked_for() -> None:
    plan = lowered(compile_program(CHECKOUT / "examples/shallow.pnn")).plan

    with pytest.raises(InternalError, match="no coin for conv1"):
        RecordedMasks(Record()).mask("each", 0, plan.by_name["conv1.3.masked"])
