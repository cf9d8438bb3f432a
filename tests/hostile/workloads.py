"""What hostile and honest parties run together: small programs, their inputs, and the right answers.

Inputs, weights and the dealer's seeds have patterns that are found again wherever they should not be (test_canaries).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ppc import bundling
from ppc.bundle import Bundle
from ppc.ir.graph import Graph
from ppc.protocol import Lowered
from ppc.reference import evaluate
from ppc.runtime.roles.brought import Array, Brought
from ppc.source import Source
from ppc.weights import initial
from tests.end_to_end.machines import TINY
from tests.runtime.joint_runs import trained
from tests.sources import CHECKOUT

Answer = dict[str, dict[str, Array]]  # by role and name
EPOCHS = 2  # as TINY says
CANARY, CANARY_WEIGHT = 0.3712905318, -0.2839174652  # nobody else has these numbers

CURVES = """
party hospital, lab

model curves(image: real[1, 6, 6] in 0..1) -> real[3] {
    conv2d(2, kernel=3)
    max_pool(2)
    sigmoid
    dense(3)
}

private curves {
    image   from hospital
    weights from lab in -1..1
    result  to   hospital
    joint
}
"""


PUBLIC = TINY.replace("    result  to", "    dense1 public in -1..1\n    result  to").partition("train")[0]


@dataclass(frozen=True)
class Workload:
    """A program and how often it is run. What its owners bring follows from its bundles."""

    name: str
    text: str
    batch: int
    examples: int
    train: bool = False

    def made(self) -> tuple[Lowered, ...]:
        source = Source(f"{self.name}.pnn", self.text)
        return bundling.at_batches(source, train=self.train, batches=(self.batch,))

    def brought(self, bundles: dict[str, Bundle]) -> dict[str, Brought]:
        """By role; one of the client's inputs and one of the server's weights are canaries."""
        draws = np.random.default_rng(7)
        rows: dict[str, Array] = {}
        for row in bundles["client"].manifest.schedule["brings"]:
            if row["what"] == "data":
                rows[row["name"]] = draws.uniform(0.0, 1.0, (self.examples, *row["shape"]))
                rows[row["name"]].reshape(-1)[0] = CANARY
            elif row["what"] == "label":
                classes = draws.integers(0, row["shape"][-1], self.examples)
                rows[row["name"]] = np.eye(row["shape"][-1])[classes]
        return {
            role: Brought(rows=rows if role == "client" else {}, whole=weights(found))
            for role, found in bundles.items()
        }

    def answer(self, brought: dict[str, Brought]) -> Answer:
        """Evaluated in the clear."""
        graph = self.made()[0].compiled.graph
        batches = [
            self._batch(graph, brought["client"].rows, number) for number in range(-(-self.examples // self.batch))
        ]
        if self.train:
            found = trained(graph, brought["server"].whole, batches * EPOCHS)
            return {"server": {name: np.asarray(found[name]) for name in brought["server"].whole}}
        made = [np.asarray(evaluate(graph, {**brought["server"].whole, **batch})["result"]) for batch in batches]
        return {"client": {"result": np.concatenate(made)[: self.examples]}, "server": {}}

    def _batch(self, graph: Graph, rows: Mapping[str, Array], number: int) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for node in graph.inputs:
            part = rows[node.name][number * self.batch : (number + 1) * self.batch]
            found[node.name] = np.concatenate([part, np.zeros((self.batch - len(part), *part.shape[1:]))])
        return found


def weights(bundle: Bundle) -> dict[str, Array]:
    """Those that a role brings; public ones all roles, and the same."""
    if bundle.weights is None:
        return {}
    found: dict[str, Array] = {name: np.array(value) for name, value in initial(bundle.weights.written, 1).items()}
    next(iter(found.values())).reshape(-1)[0] = CANARY_WEIGHT
    return {one.name: found[one.name] for one in bundle.weights.arrays}


SHALLOW = (CHECKOUT / "examples" / "shallow.pnn").read_text("utf-8")
INFERENCE = Workload("tiny", TINY, batch=2, examples=5)
OPEN = Workload("public", PUBLIC, batch=2, examples=3)
WORKLOADS = (
    Workload("shallow", SHALLOW, batch=2, examples=3),
    Workload("curves", CURVES, batch=2, examples=3),
    Workload("training", TINY, batch=2, examples=2, train=True),
)
