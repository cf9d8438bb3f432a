"""Whole trainings in one process: what they agree with, and that they can be repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from ppc.ir.selective import Noise, Upload
from ppc.learning import Layout, batches, loss_of
from ppc.selective import train
from tests.selective.small import FACTS, group, network


def test_one_participant_that_sends_everything_is_plain_gradient_descent() -> None:
    facts = replace(FACTS, participants=1)
    server, (one,) = group(facts)
    weights = {name: tensor.clone().requires_grad_() for name, tensor in network().initial(0).items()}
    optimizer = torch.optim.SGD(weights.values(), lr=facts.rate)
    for epoch in (1, 2):
        for places in batches(10, facts.batch, seed=0, epoch=epoch):
            optimizer.zero_grad()
            loss_of(facts.loss, network().forward(weights, {"x": one.images[places]}), one.labels[places]).backward()
            optimizer.step()

    list(train(facts, server, [one]))

    expected = Layout.of(network()).vector(weights).detach().numpy()
    np.testing.assert_allclose(server.vector, expected, atol=1e-6)


@pytest.mark.parametrize("order", ["round_robin", "random", "asynchronous"])
def test_a_training_can_be_repeated(order: str) -> None:
    facts = replace(FACTS, order=order, exchange=1 if order == "asynchronous" else 0)  # pyright: ignore[reportArgumentType]
    found = []
    for _ in range(2):
        server, parties = group(facts)
        found.append((list(train(facts, server, parties, seed=3)), server.vector.tolist()))

    assert found[0] == found[1]


def test_an_asynchronous_participant_works_with_what_is_no_longer_new() -> None:
    facts = replace(FACTS, order="asynchronous", exchange=1)
    server, parties = group(facts)

    seen = list(train(facts, server, parties))

    assert max(one.staleness for one in seen) >= 1
    assert {one.participant for one in seen} == {0, 1, 2}


def test_what_is_sent_has_the_predicted_length() -> None:
    facts = replace(FACTS, upload=Upload(share=0.1, how="largest"), download=0.5)
    server, parties = group(facts)
    size = Layout.of(network()).size

    seen = list(train(facts, server, parties))

    assert {(one.bytes_up, one.bytes_down) for one in seen} == {(24 + 8 * (size // 10), 24 + 8 * (size // 2))}


@pytest.mark.parametrize(("kind", "bare"), [("none", True), ("gaussian", False), ("sparse_vector", False)])
def test_it_is_said_whether_the_server_sees_examples(
    kind: Literal["none", "gaussian", "sparse_vector"], bare: bool
) -> None:
    (said,) = (
        line for line in replace(FACTS, noise=Noise(kind=kind)).sentences() if line.startswith("the server sees")
    )

    assert said.endswith("a batch of one shows its example exactly") == bare
    assert ("with its noise" in said) != bare


@pytest.mark.parametrize(
    ("order", "exchange", "scale", "rate", "warned"),
    [
        ("round_robin", 0, 1.0, 0.5, False),
        ("asynchronous", 1, 1.0, 0.01, False),
        ("asynchronous", 1, 1.0, 0.05, True),
        ("asynchronous", 1, 0.5, 0.05, False),
        ("asynchronous", 1, 2.0, 0.01, True),
        ("asynchronous", 10, 1.0, 0.01, True),
        ("asynchronous", 10, 0.3, 0.01, False),
        ("asynchronous", 0, 1.0, 0.01, True),
        ("asynchronous", 0, 0.3, 0.01, False),
        ("asynchronous", 2, 0.5, 0.01, True),
    ],
)
def test_an_order_that_may_diverge_is_warned_of(
    order: Literal["round_robin", "asynchronous"], exchange: int, scale: float, rate: float, warned: bool
) -> None:
    facts = replace(FACTS, order=order, exchange=exchange, scale=scale, rate=rate)

    assert any(line.startswith("warning: asynchronous") for line in facts.sentences()) == warned
