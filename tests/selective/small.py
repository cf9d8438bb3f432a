"""A training of three participants that takes no time."""

from __future__ import annotations

from functools import cache

import torch

from ppc import compiler
from ppc.ir.selective import Selective, Upload
from ppc.learning import Layout, Network
from ppc.selective import ParameterServer, Participant

NET = """
model net(x: real[6] in 0..1) -> real[3] {
    dense(5)
    tanh
    dense(3)
}
"""
FACTS = Selective(model="net", participants=3, upload=Upload(share=1.0, how="largest"), rounds=2, rate=0.5, batch=4)


@cache
def network() -> Network:
    return Network(compiler.compile_program(NET, batch=4).after("infer-shapes"))


def group(facts: Selective) -> tuple[ParameterServer, list[Participant]]:
    coins = torch.Generator().manual_seed(5)
    weights = network().initial(0)
    images = torch.rand((facts.participants, 10, 6), generator=coins)
    labels = torch.randint(3, (facts.participants, 10), generator=coins)
    parties = [
        Participant(one, facts, network(), images[one], labels[one], weights) for one in range(facts.participants)
    ]
    return ParameterServer(Layout.of(network()).vector(weights).numpy().copy(), scale=facts.scale), parties
