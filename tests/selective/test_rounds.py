"""Whole trainings in one process: what they agree with, and that they can be repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ppc import compiler
from ppc.ir.selective import Selective, Upload
from ppc.learning import Layout, Network, batches, loss_of
from ppc.selective import ParameterServer, Participant, train

NET = """
model net(x: real[6] in 0..1) -> real[3] {
    dense(5)
    tanh
    dense(3)
}
"""
FACTS = Selective(model="net", participants=3, upload=Upload(share=1.0, how="largest"), rounds=2, rate=0.5, batch=4)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(compiler.compile_program(NET, batch=4).after("infer-shapes"))


def group(network: Network, facts: Selective) -> tuple[ParameterServer, list[Participant]]:
    coins = torch.Generator().manual_seed(5)
    weights = network.initial(0)
    images = torch.rand((facts.participants, 10, 6), generator=coins)
    labels = torch.randint(3, (facts.participants, 10), generator=coins)
    parties = [Participant(one, facts, network, images[one], labels[one], weights) for one in range(facts.participants)]
    return ParameterServer(Layout.of(network).vector(weights).numpy().copy(), scale=facts.scale), parties


def test_one_participant_that_sends_everything_is_plain_gradient_descent(network: Network) -> None:
    facts = replace(FACTS, participants=1)
    server, (one,) = group(network, facts)
    weights = {name: tensor.clone().requires_grad_() for name, tensor in network.initial(0).items()}
    optimizer = torch.optim.SGD(weights.values(), lr=facts.rate)
    for epoch in (1, 2):
        for places in batches(10, facts.batch, seed=0, epoch=epoch):
            optimizer.zero_grad()
            loss_of(facts.loss, network.forward(weights, {"x": one.images[places]}), one.labels[places]).backward()
            optimizer.step()

    list(train(facts, server, [one]))

    expected = Layout.of(network).vector(weights).detach().numpy()
    np.testing.assert_allclose(server.vector, expected, atol=1e-6)


@pytest.mark.parametrize("order", ["round_robin", "random", "asynchronous"])
def test_a_training_can_be_repeated(network: Network, order: str) -> None:
    facts = replace(FACTS, order=order, exchange=1 if order == "asynchronous" else 0)  # pyright: ignore[reportArgumentType]
    found = []
    for _ in range(2):
        server, parties = group(network, facts)
        found.append((list(train(facts, server, parties, seed=3)), server.vector.tolist()))

    assert found[0] == found[1]


def test_an_asynchronous_participant_works_with_what_is_no_longer_new(network: Network) -> None:
    facts = replace(FACTS, order="asynchronous", exchange=1)
    server, parties = group(network, facts)

    seen = list(train(facts, server, parties))

    assert max(one.staleness for one in seen) >= 1
    assert {one.participant for one in seen} == {0, 1, 2}


def test_what_is_sent_has_the_predicted_length(network: Network) -> None:
    facts = replace(FACTS, upload=Upload(share=0.1, how="largest"), download=0.5)
    server, parties = group(network, facts)
    size = Layout.of(network).size

    seen = list(train(facts, server, parties))

    assert {(one.bytes_up, one.bytes_down) for one in seen} == {(24 + 8 * (size // 10), 24 + 8 * (size // 2))}
