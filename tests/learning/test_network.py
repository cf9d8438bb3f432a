"""A graph in PyTorch agrees with the graph in numpy: results, gradients, vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ppc import compiler
from ppc.learning import Layout, Network, batches, loss_of
from ppc.learning.network import as_weights
from ppc.reference import evaluate

NET = """
party hospital, lab
model net(image: real[1, 8, 8] in 0..1) -> real[4] {
    conv2d(3, kernel=3, padding=same)
    batch_norm
    skip = relu(poly=3)
    skip -> conv2d(3, kernel=1) -> add(skip)
    max_pool(2)
    tanh
    dropout(0.5)
    dense(4)
}
"""


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(compiler.compile_program(NET, batch=5).after("infer-shapes"))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).random((5, 1, 8, 8)), dtype=torch.float64)


def test_a_network_computes_what_the_reference_computes(images: torch.Tensor) -> None:
    """Without its batch norm, which inference finds folded into the weights of the convolution."""
    compiled = compiler.compile_program(NET.replace("    batch_norm\n", ""), batch=5)
    network = Network(compiled.after("infer-shapes"))
    weights = {name: tensor.double() for name, tensor in network.initial(3).items()}

    expected = evaluate(compiled.graph, {**as_weights(weights), "image": images.numpy()})["result"]

    np.testing.assert_allclose(network.answers(weights, images).numpy(), expected, atol=1e-12)


def test_gradients_flow_to_every_learned_weight(network: Network, images: torch.Tensor) -> None:
    weights = {name: tensor.double() for name, tensor in network.initial(3).items()}
    learned = [weights[name].requires_grad_() for name in network.learned]

    result = network.forward(weights, {"image": images}, training=True)
    found = torch.autograd.grad(loss_of("softmax_cross_entropy", result, torch.tensor([0, 1, 2, 3, 0])), learned)

    assert all(bool(gradient.abs().sum() > 0) for gradient in found[-2:])
    assert len(found) == len(network.learned)


def test_a_vector_holds_every_learned_weight_once(network: Network) -> None:
    layout, weights = Layout.of(network), network.initial(0)

    back = layout.weights(layout.vector(weights))

    assert layout.size == sum(weights[name].numel() for name in network.learned)
    assert all(torch.equal(back[name], weights[name]) for name in network.learned)


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own() -> None:
    first, second = (torch.cat(list(batches(10, 4, seed=7, epoch=epoch))) for epoch in (0, 1))

    assert sorted(first.tolist()) == list(range(10))
    assert first.tolist() != second.tolist()


def test_classes_and_their_rows_have_the_same_loss() -> None:
    result, classes = torch.tensor([[1.0, 2.0], [0.5, 0.1]]), torch.tensor([1, 0])

    assert torch.equal(loss_of("mse", result, classes), loss_of("mse", result, torch.eye(2)[classes]))
