"""Workers that share their losses: what the shared number changes, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ppc import compiler
from ppc.collaborative import Worker, train
from ppc.collaborative.student import taught
from ppc.errors import PpcError
from ppc.ir.collaborative import Collaborative
from ppc.learning import Network, batches, loss_of

NET = """
model net(x: real[6] in 0..1) -> real[3] {
    dense(5)
    tanh
    dense(3)
}
"""
FACTS = Collaborative(model="net", workers=3, epochs=2, rate=0.5, batch=4)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(compiler.compile_program(NET, batch=4).after("infer-shapes"))


def group(network: Network, facts: Collaborative) -> list[Worker]:
    coins = torch.Generator().manual_seed(5)
    images = torch.rand((facts.workers, 10, 6), generator=coins)
    labels = torch.randint(3, (facts.workers, 10), generator=coins)
    return [Worker(one, facts, network, images[one], labels[one], network.initial(one)) for one in range(facts.workers)]


def alone(network: Network, worker: Worker, rate: float) -> dict[str, torch.Tensor]:
    """The same worker with nobody else; the last batch of its ten examples is half a batch, and so is its step."""
    weights = {name: tensor.clone().requires_grad_() for name, tensor in network.initial(worker.number).items()}
    for epoch in (1, 2):
        for places in batches(10, 4, seed=worker.number, epoch=epoch):
            result = network.forward(weights, {"x": worker.images[places]})
            loss = loss_of("softmax_cross_entropy", result, worker.labels[places])
            gradients = torch.autograd.grad(loss, list(weights.values()))
            for (name, weight), gradient in zip(list(weights.items()), gradients, strict=True):
                weights[name] = (weight.detach() - rate * len(places) / 4 * gradient).requires_grad_()
    return weights


@pytest.mark.parametrize(("reduce", "rate"), [("sum", 0.5), ("mean", 0.5 / 3)])
def test_without_feedback_every_worker_learns_as_if_alone_bit_for_bit(
    network: Network, reduce: str, rate: float
) -> None:
    facts = replace(FACTS, reduce=reduce)  # pyright: ignore[reportArgumentType]
    workers = group(network, facts)

    list(train(facts, workers))

    for worker in workers:
        expected = alone(network, worker, rate)
        assert all(torch.equal(worker.weights[name], expected[name]) for name in network.learned)


def test_every_example_of_an_epoch_weighs_the_same(network: Network) -> None:
    """A last batch of one makes a fourth of a whole batch's step; who has less than a batch in all makes whole ones."""
    worker, few = (replace(one) for one in group(network, replace(FACTS, workers=2)))
    worker.images, worker.labels = worker.images[:9], worker.labels[:9]
    few.images, few.labels = few.images[:1], few.labels[:1]

    moved = [_moved(worker) for _ in range(3)]

    assert moved == pytest.approx([0.5, 0.5, 0.125])
    assert _moved(few) == pytest.approx(0.5)


def _moved(worker: Worker) -> float:
    """By how much of its gradient a step moved the weights."""
    before = {name: worker.weights[name].clone() for name in worker.network.learned}
    worker.ahead()
    worker.step(None)
    name, gradient = worker.network.learned[0], worker.gradients[0]
    return float((before[name] - worker.weights[name]).norm() / gradient.norm())


def test_feedback_scales_the_steps(network: Network) -> None:
    facts = replace(FACTS, feedback="ratio")
    workers = group(network, facts)

    list(train(facts, workers))

    expected = alone(network, workers[0], 0.5)
    assert not torch.equal(workers[0].weights["dense1.weight"], expected["dense1.weight"])


def test_a_model_that_diverged_is_refused(network: Network) -> None:
    """A worker's own, and a student's behind the votes."""
    (worker,) = group(network, replace(FACTS, workers=1))
    worker.check_numbers()
    worker.weights["dense1.bias"] = worker.weights["dense1.bias"] * torch.inf

    with pytest.raises(PpcError, match="PPC682"):
        worker.check_numbers()
    with pytest.raises(PpcError, match="PPC682"):
        taught(replace(FACTS, rate=1e38, epochs=9), network, worker.images, worker.labels.numpy(), network.initial(1))


def test_a_round_carries_as_many_bytes_whatever_the_model(network: Network) -> None:
    seen = list(train(FACTS, group(network, FACTS)))

    assert {one.bytes for one in seen} == {8 * (3 * 2 + 3)}
    assert [one.epoch for one in seen] == [0, 0, 0, 1, 1, 1]


def test_workers_may_learn_different_models(network: Network) -> None:
    other = Network(compiler.compile_program(NET.replace("dense(5)", "dense(7)"), batch=4).after("infer-shapes"))
    workers = group(network, FACTS)
    workers[1] = replace(workers[1], network=other, weights=other.initial(1))

    opened = [one.opened for one in train(FACTS, workers)]

    assert all(0 < value < 30 for value in opened)
