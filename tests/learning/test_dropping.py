"""What dropout drops in trainings of many: told by seed and step, so that engines, and those that go on, agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ppc import compiler
from ppc.collaborative import Worker
from ppc.ir.collaborative import Collaborative
from ppc.ir.selective import Selective, Upload
from ppc.learning import Network, dropping
from ppc.selective import Participant

NET = """
model net(x: real[6] in 0..1) -> real[3] {
    dense(40)
    tanh
    dropout(50%)
    dense(3)
}
"""
SELECTIVE = Selective(model="net", participants=3, upload=Upload(share=1.0, how="largest"), rounds=2, batch=4)
COLLABORATIVE = Collaborative(model="net", workers=3, epochs=2, batch=4)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(compiler.compile_program(NET, batch=4).after("infer-shapes"))


def participant(network: Network, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    own = Participant(1, SELECTIVE, network, images, labels, network.initial(0), seed=7)
    own.learn()
    return own.weights


def worker(network: Network, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    own = Worker(1, COLLABORATIVE, network, images, labels, network.initial(0), seed=7)
    for _ in range(own.rounds):
        own.ahead()
        own.step(None)
    return own.weights


@pytest.mark.parametrize("learn", [participant, worker])
def test_two_trainings_drop_the_same(network: Network, learn: Callable[..., dict[str, torch.Tensor]]) -> None:
    """Whatever else draws from PyTorch's generator in the same process, which is left as it was."""
    coins = torch.Generator().manual_seed(3)
    given = torch.rand((10, 6), generator=coins), torch.randint(3, (10,), generator=coins)

    first = learn(network, *given)
    torch.rand(5)
    state = torch.random.get_rng_state()
    second = learn(network, *given)

    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(state, torch.random.get_rng_state())


def test_each_step_drops_others() -> None:
    def dropped(step: int) -> torch.Tensor:
        with dropping(7, 1, step):
            return torch.nn.functional.dropout(torch.ones(64), 0.5, training=True)

    assert torch.equal(dropped(1), dropped(1))
    assert not torch.equal(dropped(1), dropped(2))
