"""A rate that changes from epoch to epoch: as torch has it, folded into the gradient of the loss, and on shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ppc.compiler import Compiled
from ppc.ir.graph import Graph
from ppc.passes.checks.verdict import all_problems
from ppc.plan.rates import rate_of
from ppc.plan.steps import Step
from ppc.plan.wires import Wire
from ppc.protocol import lowered
from ppc.reference import evaluate
from tests.programs import compiled, program
from tests.runtime.joint_runs import Values, given_to, values_of
from tests.runtime.plans import same_as_twin

EPOCHS, TURNS, RATE = 4, 2, 0.05
HEAD = "labels from lab\nmodel to lab\nloss = mse\n"
METHOD = f"sgd(rate={RATE}, batch=3, epochs={EPOCHS}, momentum=0.9, weight_decay=0.01)\n"
SCHEDULES = {"step": "step(factor=0.5, every=1)", "cosine": "cosine(lowest=0.01)"}
FACTS = ("joint", "weights public in -1..1")


def training(schedule: str) -> Compiled:
    lessons = HEAD + METHOD + SCHEDULES[schedule]
    return compiled(program(*FACTS, classes=2, body="dense(5)\ntanh(poly=3)\ndense(2)", lessons=lessons), train=True)


def rates(graph: Graph, iteration: int) -> Values:
    """What the inputs of a graph that are rates have in an iteration."""
    found: Values = {}
    for node in graph.inputs:
        if node.word("role") == "rate":
            attrs = {key: value for key, value in node.attrs.items() if key != "role"}
            step = Step(name=node.name, op="given", attrs=attrs, wire=Wire(form="public", shape=()))
            found[node.name] = np.array(rate_of(step, *divmod(iteration, TURNS)))
    return found


def learned(graph: Graph, values: Values, iterations: int) -> Values:
    """Weights and momenta after clear training."""
    state = {node.name: np.zeros(node.shape) for node in graph.inputs if node.word("role") == "momentum"} | values
    for iteration in range(iterations):
        made = evaluate(graph, {**state, **rates(graph, iteration)})
        state |= {name: value for name, value in made.items() if name in state}
    return state


def with_torch(schedule: str, values: Values) -> Values:
    """The same by torch's optimiser and its scheduler, which steps behind every epoch."""
    names = ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    tensors = {name: torch.tensor(value, requires_grad=name in names) for name, value in values.items()}
    weights = [tensors[name] for name in names]
    optimizer = torch.optim.SGD(weights, lr=RATE, momentum=0.9, weight_decay=0.01)
    scheduler = (
        torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
        if schedule == "step"
        else torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS, eta_min=0.01)
    )
    cubic = _cubic(training(schedule).graph)
    for _ in range(EPOCHS):
        for _ in range(TURNS):
            optimizer.zero_grad()
            hidden = tensors["image"].flatten(1) @ weights[0].T + weights[1]
            hidden = torch.stack([c * hidden**power for power, c in enumerate(cubic)]).sum(0)
            loss = torch.nn.functional.mse_loss(hidden @ weights[2].T + weights[3], tensors["labels"])
            loss.backward()  # pyright: ignore[reportUnknownMemberType] (PyTorch leaves it half annotated)
            optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        scheduler.step()
    return {name: tensors[name].detach().numpy() for name in names}


def _cubic(graph: Graph) -> tuple[float, ...]:
    return next(node.numbers("coefficients") for node in graph.nodes if node.op == "polynomial")


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_is_torchs(schedule: str) -> None:
    """Up to the 16 bits that an epoch's part of the rate has."""
    graph = training(schedule).graph
    values = values_of(graph)
    found, wanted = learned(graph, values, EPOCHS * TURNS), with_torch(schedule, values)

    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_folded_schedule_learns_the_same(schedule: str) -> None:
    """A momentum carries the rate of its epoch, so it changes with it."""
    done = training(schedule)
    graph = lowered(done).graphs[-1].graph
    values = values_of(done.graph)
    found, wanted = (learned(one, values, EPOCHS * TURNS) for one in (graph, done.graph))

    assert {"rate", "rate.change"} <= graph.by_name.keys()
    for node in done.graph.parameters:
        np.testing.assert_allclose(found[node.name], wanted[node.name], rtol=0, atol=2e-6, err_msg=node.name)


@pytest.mark.parametrize(("schedule", "level"), [("step", 0), ("cosine", 2)])
def test_a_schedule_on_shares(schedule: str, level: int) -> None:
    """Bit for bit its twin over the change of epochs, and near to float; no message is longer for it."""
    done = training(schedule)
    plan = lowered(done, level=level).plan
    values = values_of(done.graph)
    wanted = learned(done.graph, values, TURNS + 1)

    def turns(iteration: int) -> dict[str, Any]:
        steps = [step for step in plan.steps() if step.word("what") == "rate"]
        return {step.name: np.array(rate_of(step, *divmod(iteration, TURNS))) for step in steps}

    given = given_to(plan, {**values, **{name: np.array(1.0) for name in ("rate", "rate.change")}})
    transcript = same_as_twin(plan, given, iterations=TURNS + 1, turns=turns, variant="slow")
    found = transcript.outcome.result("lab", "finish")
    for name in (node.name for node in done.graph.parameters):
        assert np.abs(np.asarray(found[name]) - wanted[name]).max() < 2e-3, name
    assert all_problems(plan) == []
