"""The device's steps in PyTorch are those of the graph, for every layer, and their gradient is the true one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ppc.distilled import first_weights
from ppc.distilled.device import steps as at_device
from ppc.distilling.trials import parts_of
from ppc.distilling.unroll import Parts, after, result, steps
from ppc.ir.policy import LOSSES, Loss
from ppc.learning import Network
from ppc.learning.network import Tensors, as_tensors
from ppc.learning.table import RULES
from tests.distilled.made import DENSE, KEY, samples, target
from tests.distilling.made import EVERY, GLOBAL, STRIDED, doubled

RATES = (0.2, 0.1, 0.4)


def parts(of_double: Parts) -> Parts:
    return Parts(images=of_double.images.double(), labels=of_double.labels.double(), rates=of_double.rates.double())


BODIES = pytest.mark.parametrize(
    "body", [DENSE, EVERY, GLOBAL, STRIDED], ids=["dense", "every layer", "global", "strided"]
)
# Classes have no gradient (PPC220 refuses them); signals come from a private block, which a distilled training has not.
WITHOUT = {"argmax", "resize", "signal_planes", "uncomplement"}


def test_the_models_have_every_layer_that_there_is() -> None:
    used = {node.op for body in (EVERY, GLOBAL) for node in target(body).graph.nodes}

    assert used - {"input", "parameter"} == RULES.keys() - WITHOUT


@pytest.mark.parametrize("loss", LOSSES)
@BODIES
def test_torch_and_the_graph_make_the_same_steps(body: str, loss: Loss) -> None:
    """In double precision to 1e-10; the sizes of steps are float32 at both sides."""
    small = target(body, loss=loss)
    travelling = samples(small, rates=RATES).halved()
    start = first_weights(KEY, small)
    network = Network(small.typed(1))
    ours = list(at_device(small, travelling, start))
    theirs = list(steps(network, doubled(as_tensors(start)), parts(parts_of(travelling)), loss))

    assert len(ours) == len(theirs) == len(RATES)
    for one, other in zip(ours, theirs, strict=True):
        for name in one:
            np.testing.assert_allclose(one[name], other[name].numpy(), atol=1e-10, err_msg=name)


def test_single_precision_is_near_enough() -> None:
    """What the owner computes with: 1e-5, where weights are of the size of 1."""
    small = target(EVERY)
    travelling = samples(small, rates=RATES).halved()
    start = first_weights(KEY, small)
    *_, ours = at_device(small, travelling, start)
    theirs = after(Network(small.typed(1)), as_tensors(start), parts_of(travelling), small.loss)

    assert max(float(np.abs(ours[name] - theirs[name].numpy()).max()) for name in ours) < 1e-5


@BODIES
def test_the_gradient_is_that_of_finite_differences(body: str) -> None:
    """Of the outer loss by images, labels and rates, through two steps, in double precision."""
    small = target(body)
    network = Network(small.typed(1))
    start = doubled(as_tensors(first_weights(KEY, small)))
    given = parts(parts_of(samples(small, count=4, rates=(0.2, 0.1))))
    seen = torch.rand(3, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    def outer(images: torch.Tensor, labels: torch.Tensor, rates: torch.Tensor) -> torch.Tensor:
        taken = Parts(images=images, labels=labels, rates=rates)
        end: Tensors = after(network, start, taken, small.loss, differentiable=True)
        return (result(network, end, seen) ** 2).mean()

    inputs = tuple(values.detach().requires_grad_() for values in (given.images, given.labels, given.rates))

    assert torch.autograd.gradcheck(outer, inputs, eps=1e-6, atol=1e-6)
