"""A training as the private one computes it, at one party: the same plan, integers and roundings, without the shares.

For further seeds of a measurement: tests hold every value of such a run to that of a run on shares, to the last bit
(`tests/runtime/test_unshared.py`), and it takes a tenth of the time. Called by bench.training_accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from bench.training_programs import Course, learned, tensors
from ppc import bundling
from ppc.data import Examples
from ppc.field import to_integers
from ppc.learning import Network
from ppc.plan.kept import kept
from ppc.plan.steps import Plan
from ppc.runtime.roles.lessons import drawn
from ppc.runtime.unshared import Unshared


def in_field(course: Course, seed: int) -> Iterator[float]:
    """Accuracy behind each epoch, of the weights that the integers stand for."""
    (made,) = bundling.at_batches(course.text(), train=True)
    network = Network(learned(course.text()))
    party, rows = Unshared(made.plan), _rows(made.plan, course.sets[0])
    first = {f"{name}.first": value.numpy().astype(float) for name, value in network.initial(seed).items()}
    party.run("setup", 0, first)
    tests, answers = tensors(network, course.sets[1])
    order, each = sha256(f"ppc/v1|order|{seed}".encode()).digest(), course.images // course.batch
    for epoch in range(course.epochs):
        places = drawn(order, epoch, course.images)
        for turn in range(each):
            chosen = places[turn * course.batch : (turn + 1) * course.batch]
            party.run("each", epoch * each + turn, {name: values[chosen] for name, values in rows.items()})
        yield network.accuracy(_weights(made.plan, party), tests, answers)


def _rows(plan: Plan, found: Examples) -> dict[str, Any]:
    """Inputs and labels under the plan's names."""
    assert found.labels is not None
    wanted = {step.word("what"): step for step in plan.section("each").steps if step.op == "given"}
    shape = wanted["data"].wire.shape[1:]
    classes = wanted["label"].wire.shape[1]
    images = found.scaled().reshape(len(found), *shape)
    return {wanted["data"].name: images, wanted["label"].name: np.eye(classes)[found.labels]}


def _weights(plan: Plan, party: Unshared) -> dict[str, torch.Tensor]:
    field = plan.modulus_field
    found: dict[str, torch.Tensor] = {}
    for name, wire in kept(plan).items():
        numbers = to_integers(party.local.store(party.values.carried[name].value), field)
        signed = np.where(numbers > field.modulus // 2, numbers - field.modulus, numbers)
        found[name] = torch.tensor((signed / 2.0 ** (wire.scale or 0)).astype(float)).float()
    return found
