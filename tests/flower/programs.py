"""A training that takes no time, and what it gives in one process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppc.flower.settings import Settings
from ppc.flower.subject import subject
from ppc.learning import Layout
from ppc.selective import ParameterServer, Participant, train
from ppc.selective.members import fresh, labelled, part

PROGRAM = """\
model digits(image: real[1, 8, 8] in 0..1) -> real[10] {
    dense(10)
}

train digits by selective {
    participants 2
    upload 10% largest
    order random
    rounds 2
    least 1
    rate 0.1
    batch 5
}
"""
SPARSE = PROGRAM.replace("10% largest\n    order random", "10% random\n    aggregate additive\n    clip 0.5").replace(
    "least 1", "least 2"
)
DATA, TEST, SEED = "digits:100,part=train", "digits:50,part=test", 1


def settings(number: int, **changes: object) -> Settings:
    told: dict[str, object] = {"data": DATA, "test": TEST, "seed": SEED, **changes}
    return Settings.of({name: value for name, value in told.items() if isinstance(value, str | int)}, node(number))


def node(number: int) -> dict[str, int]:
    return {"partition-id": number, "num-partitions": 2}


def in_one_process(program: str = PROGRAM) -> NDArray[np.float32]:
    """The server's vector after the same training without any engine."""
    found = subject(program)
    first = fresh(found.network, SEED)
    rows = labelled(Path(DATA), found.network)
    group = [
        Participant(one, found.facts, found.network, *part(rows, one + 1, 2, None), first, SEED) for one in range(2)
    ]
    server = ParameterServer(Layout.of(found.network).vector(first).numpy().copy(), scale=found.facts.scale)
    for _ in train(found.facts, server, group, SEED):
        pass
    return server.vector
